"""How long a comparison of our books with the venue's takes, with 10,000 past fills in store.

python benchmarks/reconcile.py [--fills 10000] [--new 10] [--json]

The venue is the simulator in a process of its own, asked over HTTP; the store is SQLite on this disk. "hour":
what runs every hour: the last orders ended since, their fills are read, recorded and posted, every balance
is compared. "again": nothing new. "all": every fill and movement of the account is read again, as after a
loss of all cursors; the pauses that Kraken's rate counters would ask for are left out and told apart.
"""

import argparse
import json
import multiprocessing
import tempfile
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from time import perf_counter
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, insert

from adapters.clock import SystemClock
from adapters.execution import Hands
from adapters.kraken.auth import Credentials
from adapters.kraken.catalogue import Catalogue
from adapters.kraken.connect import private_api, public_api
from adapters.kraken.limits import STARTER
from adapters.kraken.venue import KrakenVenue
from adapters.reconciling import Ours, Reconciled, reconcile, since_last
from adapters.storage.base import PortfolioKey
from adapters.storage.decisions import Approval, StoredDecision
from adapters.storage.engine import connect, sqlite_url, unit_of_work
from adapters.storage.journal import EntryRow, Journal, PostingRow
from adapters.storage.migrate import upgrade
from adapters.storage.order_book import DurableOrders
from adapters.storage.orders import EventRow, FillRow, OrderRow
from adapters.storage.portfolios import open_portfolio
from adapters.storage.reconciliations import Reconciliations
from config import trading
from config.instruments import grid_for
from simulator.assembly import open_venue
from simulator.auth import Keys
from simulator.clock import Clock
from simulator.orders import MARKET, Order
from simulator.server import Application, Server, address_of, listen
from simulator.tape import HOUR_NS, Tape
from simulator.truth import Truth
from trading.backtest.matching import Bar
from trading.execution.orders import What
from trading.execution.protocol import Kind, Trade
from trading.instruments import UNITS
from trading.ledger.entries import holdings
from trading.ledger.posting import post
from trading.portfolio import Reading
from trading.records import packed, table

PAIR, LOTS, A_HOUR = "BTC/USD", 1_000_000, 100
FIRST = 474_000
KEY, SECRET = "key", "c2VjcmV0IG9mIGEgYmVuY2htYXJr"
OWNER = PortfolioKey("replay-benchmark", "main")
OPENED = datetime.fromtimestamp(FIRST * 3_600, UTC)
BEFORE = OPENED - timedelta(hours=1)


def serve(fills: int, ready: Connection) -> None:
    """An account that bought and sold in turn, `fills` times."""
    hours = fills // A_HOUR + 3
    bars = packed(Bar, [Bar(1, 80_000, 80_100, 79_900, 80_000, 10**12)] * hours)
    readings = table(Reading, hours, 1)
    readings["close"], readings["spread"] = 80_000, 0.0005
    tape = Tape((grid_for(PAIR),), FIRST, readings, bars.reshape(hours, 1))
    venue = open_venue(
        tape, trading.load(), FIRST * HOUR_NS, {"USD": 10**6 * UNITS}, Keys(KEY, SECRET), Truth()
    )
    exchange, pair = venue.exchange, venue.exchange.catalogue.pair("XBTUSD")
    assert pair is not None
    for n in range(fills):
        exchange.advance((FIRST + n // A_HOUR) * HOUR_NS + (n % A_HOUR + 1) * 10**10)
        id = str(UUID(int=n))
        buys = n % 2 == 0
        exchange.place(
            Order(exchange.draw_txid(), pair, 0, buys, MARKET, LOTS, 0, exchange.now_ns, cl_ord_id=id)
        )
    listener = listen(0)
    Server(Application(venue, Clock(0)), lambda: ready.send((address_of(listener), exchange.now_ns))).run(
        sockets=[listener]
    )


class Unhurried(SystemClock):
    """Venue time; sleep takes none of ours and is added up."""

    def __init__(self, now_ns: int) -> None:
        self._began, self._at = perf_counter(), datetime.fromtimestamp(now_ns / 1e9, UTC)
        self.slept_s = 0.0

    def now(self) -> datetime:
        return self._at + timedelta(seconds=self.monotonic_s())

    def monotonic_s(self) -> float:
        return perf_counter() - self._began + self.slept_s

    def sleep(self, seconds: float) -> None:
        self.slept_s += seconds


def fill_store(engine: Engine, venue: KrakenVenue, trades: list[Trade], new: int) -> None:
    """What the hours before left: every order, the last `new` still at work, the others' fills posted."""
    tables = (StoredDecision, Approval, OrderRow, FillRow, EventRow, PostingRow, EntryRow)
    rows: dict[Any, list[dict[str, Any]]] = {row: [] for row in tables}
    known = trades[:-new]
    for n, trade in enumerate(trades):
        for row, told in order_rows(n, trade, n < len(known)):
            rows[row].append(OWNER._asdict() | told)
    for entry in post(OWNER.track, known, venue.movements(BEFORE), GRIDS, "USD").entries:
        rows[EntryRow].append(OWNER._asdict() | {"entry": entry.name, "at": entry.time})
        sides = [side._asdict() | {"entry": entry.name} for side in entry.postings]
        rows[PostingRow] += [OWNER._asdict() | side for side in sides]
    with unit_of_work(engine) as session:
        open_portfolio(session, OWNER, "USD", OPENED)
    with unit_of_work(engine, OWNER) as session:
        for row in tables:
            session.execute(insert(row), rows[row])
        booked = holdings(Journal(session, OWNER).balances())
        Reconciliations(session, OWNER).store(trades[-new].at - timedelta(seconds=1), booked, booked)


def order_rows(n: int, trade: Trade, over: bool) -> list[tuple[Any, dict[str, Any]]]:
    """An approval, its order and that order's history; one that is not over has no fill yet."""
    asof = OPENED + timedelta(hours=n)
    decision = {"asof": asof, "outcome": "TRADED", "halt_epoch": 1, "decided": asof, "digest": "0" * 64}
    approval = {"asof": asof, "instrument": PAIR, "verdict": "kept", "breach": 0, "reason": ""}
    approval |= {"wanted_lots": trade.lots, "lots": trade.lots}
    approval |= {"limit": 80_000, "stop": 0, "take": 0, "trail": 0}
    order = {
        "id": UUID(int=n),
        "number": n + 1,
        "asof": asof,
        "instrument": PAIR,
        "approved_lots": trade.lots,
    }
    order |= {"kind": Kind.MARKET, "lots": trade.lots, "price": 0, "stop": 0, "expires": None}
    order |= {"state": "filled" if over else "working", "ended": over, "venue_id": trade.order}
    rows: list[tuple[Any, dict[str, Any]]] = [
        (StoredDecision, decision | {"document": "{}"}),
        (Approval, approval),
        (OrderRow, order),
    ]
    course = [What.SENT, What.ACCEPTED, What.TRADED, What.FILLED]
    for number, what in enumerate(course if over else course[:2]):
        event = {"id": UUID(int=n), "number": number, "what": what, "at": trade.at, "note": ""}
        event["venue_id"] = trade.order if what is What.ACCEPTED else ""
        event["deadline"] = trade.at if what is What.SENT else None
        event["trade_id"] = trade.id if what is What.TRADED else None
        rows.append((EventRow, event))
    if over:
        told = trade._asdict()
        told |= {"trade_id": told.pop("id"), "venue_id": told.pop("order"), "id": UUID(int=n)}
        rows.append((FillRow, told))
    return rows


GRIDS = {PAIR: grid_for(PAIR)}


def measured(fills: int, new: int, folder: Path) -> dict[str, float]:
    """Seconds of each comparison, and what the whole account would wait for at Kraken."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.Process(target=serve, args=(fills, there))
    process.start()
    try:
        address, now_ns = here.recv()
        clock = Unhurried(now_ns)
        where: Any = {"clock": clock, "seed": 1, "base_url": address}
        keys = (folder, Credentials(KEY, SECRET))
        with public_api(folder, **where) as public, private_api(*keys, tier=STARTER, **where) as private:
            venue = KrakenVenue(public, private, Catalogue(public.asset_pairs()), clock)
            engine = connect(sqlite_url(folder / "ballast.db"))
            upgrade(engine)
            trades = list(venue.trades(BEFORE))
            assert len(trades) == fills
            fill_store(engine, venue, trades, new)
            return compared(engine, venue, clock)
    finally:
        process.terminate()
        process.join()


def compared(engine: Engine, venue: KrakenVenue, clock: Unhurried) -> dict[str, float]:
    books = Ours(engine, OWNER, "USD", GRIDS)
    hands = Hands(venue, DurableOrders(engine, OWNER, OPENED), NoGuard())
    figures = {}
    for name in ("hour", "again", "all"):
        since = BEFORE if name == "all" else since_last(books, OPENED)
        began, slept_s = perf_counter(), clock.slept_s
        told: Reconciled = reconcile(venue, hands, books, since)
        figures[f"{name}_s"] = perf_counter() - began
        figures[f"{name}_paced_s"] = clock.slept_s - slept_s
        assert (told.unexplained, told.waiting, told.census.findings) == ({}, (), ()), told
    return figures


class NoGuard:
    """Nothing is sent here."""

    def clear(self, request: object) -> Any:
        raise NotImplementedError

    def objection(self, request: object) -> str:
        raise NotImplementedError


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--fills", type=int, default=10_000)
    parser.add_argument("--new", type=int, default=10, help="orders that ended since the last comparison")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = measured(options.fills, options.new, Path(folder))
    if options.json:
        print(json.dumps(figures))
        return
    for name in ("hour", "again", "all"):
        took, paced = figures[f"{name}_s"], figures[f"{name}_paced_s"]
        print(f"{name:6} {took:8.2f} s   and {paced:8.0f} s of pauses at Kraken's lowest tier")


if __name__ == "__main__":
    main()
