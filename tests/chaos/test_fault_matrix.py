"""Every fault of the venue against every call of an order's life: what we believe is what is true.

One run is an hour: enter, sweep, guard, leave, while a seeded fault strikes one kind of call. A call that
fails for good ends the procedure as a crash would, and it is begun anew from the store. When the fault is
gone the same start-up path runs once more, and then nothing may differ from the simulator's truth log: no
order taken twice, none that is not known here, none stuck, none believed to be otherwise. Candles are read
over some hours instead: every bar stored is true or told to be in conflict, and none is left out.
"""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple, TypeVar

import pytest

from adapters.bars import BarStore
from adapters.execution import drive, sweep
from adapters.kraken.market_data import MarketData
from tests.lockstep import Client, client, disagreements
from tests.make_believe import TRACK, Memory, entry
from tests.running import PAIR, Simulator, simulator, truth_of
from trading.clock import HOUR_S
from trading.errors import DataError, UsageError, VenueError
from trading.execution.entering import Entry, enter
from trading.execution.guarding import Wanted, guard
from trading.execution.leaving import Exit, leave
from trading.execution.placing import LegName, cancel, resume
from trading.execution.protocol import Kind
from trading.portfolio import Terms
from trading.risk.approve import ApprovedOrder

LOTS, MIN_LOTS = 1_000_000, 5_000
TRIES = 8
HOURS = 6
"""Read of candles, each time anew."""
PRICES = (1.02, 1.0, 0.998, 0.99, 0.7)
"""Of the bid: entries that fill at once, later, in the fallback, and not at all."""
T = TypeVar("T")

Rule = dict[str, Any]


def error(*messages: str, effect: str = "none") -> Rule:
    return {"kind": "error", "effect": effect, "args": {"messages": list(messages)}}


def http(status: int, effect: str = "none") -> Rule:
    return {"kind": "http", "effect": effect, "args": {"status": status}}


ANYWHERE: dict[str, Rule] = {
    "2 silence before": {"kind": "silence", "args": {"for_s": 0.05}},
    "2 closed before": {"kind": "close"},
    **{f"4 http {status} before": http(status) for status in (502, 504, 520)},
    **{f"5 http {status}": http(status) for status in (521, 523, 525, 526)},
    **{f"6 {text} before": error(f"EService:{text}") for text in ("Busy", "Unavailable", "Deadline elapsed")},
    "6 internal error before": error("EGeneral:Internal error"),
    "7 throttled": error("EService:Throttled: {soon}"),
    "10 invalid nonce": error("EAPI:Invalid nonce"),
    "12 lockout": error("EGeneral:Temporary lockout"),
    "13 permission denied": error("EGeneral:Permission denied"),
    "14 rate limit": error("EAPI:Rate limit exceeded"),
    "34 unknown error": error("EOrder:Mercury retrograde"),
    "34 two errors": error("EOrder:Insufficient funds", "EService:Busy"),
}
ANSWERED: dict[str, Rule] = {
    "1 silence after": {"kind": "silence", "effect": "applied", "args": {"for_s": 0.05}},
    "1 closed after": {"kind": "close", "effect": "applied"},
    **{f"4 http {status} after": http(status, "applied") for status in (502, 503, 520, 522, 524)},
    **{f"6 {text} after": error(f"EService:{text}", effect="applied") for text in ("Busy", "Unavailable")},
    "6 deadline elapsed after": error("EService:Deadline elapsed", effect="applied"),
    "6 internal error after": error("EGeneral:Internal error", effect="applied"),
    **{
        f"8 {how} body": {"kind": "garbled", "effect": "applied", "args": {"how": how}}
        for how in ("html", "empty", "truncated", "type", "gzip", "doubled")
    },
    "9 reset": {"kind": "reset", "effect": "applied"},
    "9 drip": {"kind": "drip", "effect": "applied"},
    "9 slow": {"kind": "slow", "effect": "applied", "args": {"for_s": 1.5}},
    "34 warning": {"kind": "warning", "args": {"message": "WGeneral:Something"}},
    "34 null": {"kind": "null"},
}
WRITES: dict[str, Rule] = {
    "3 late": {"kind": "close", "effect": "late", "late_s": 8.0},
    "14 order rate limit": error("EOrder:Rate limit exceeded"),
}
OF_ONE: dict[str, dict[str, Rule]] = {
    "AddOrder": {
        "16 partial": {"kind": "partial", "args": {"share_ppm": 300_000}},
        "19 pending": {"kind": "pending", "args": {"for_s": 20}},
        "22 dearer fees": {"kind": "fees", "args": {"maker_ppm": 8_000, "taker_ppm": 16_000}},
        **{f"29 skew {s} s": {"kind": "skew", "args": {"seconds": s}} for s in (-300, -2, 2, 300)},
        **{
            f"30 {mode}": {"kind": "mode", "args": {"status": mode.replace(" ", "_")}}
            for mode in ("maintenance", "cancel only", "post only", "limit only", "reduce only")
        },
    },
    "CancelOrder": {
        "16 race": {"kind": "race"},
        "33 stuck": {"kind": "stuck", "args": {"for_s": 15}},
    },
    "OpenOrders": {
        "19 hidden": {"kind": "hidden", "args": {"for_s": 8}},
        "20 echo": {"kind": "echo", "args": {"for_s": 10}},
    },
    "ClosedOrders": {"19 hidden": {"kind": "hidden", "args": {"for_s": 8}}},
    "QueryOrders": {"19 hidden": {"kind": "hidden", "args": {"for_s": 8}}},
    "BalanceEx": {
        "21 lag": {"kind": "lag", "args": {"for_s": 5}},
        "21 holds at zero": {"kind": "lag", "args": {"for_s": 5, "hold": "zero"}},
    },
    "Ticker": {
        "23 half": {"kind": "price", "args": {"factor": 0.5}},
        "23 double": {"kind": "price", "args": {"factor": 2}},
        **{
            f"24 {how}": {"kind": "book", "args": {"how": how}}
            for how in ("crossed", "locked", "empty", "wide", "thin")
        },
        "25 frozen": {"kind": "frozen"},
    },
    "OHLC": {
        **{f"23 times {factor}": {"kind": "price", "args": {"factor": factor}} for factor in (0.5, 2, 0, -1)},
        "25 frozen": {"kind": "frozen"},
        **{
            f"26 {how}": {"kind": "candles", "args": {"how": how}}
            for how in ("hole", "duplicate", "disorder", "revised", "silent", "alone")
        },
        "27 running bar missing": {"kind": "candles", "args": {"how": "unfinished"}},
    },
}
STATES = ("mode", "fees", "skew", "frozen")
"""Faults of the venue itself, which hit whatever is asked while they last."""
CALLS = (
    "AddOrder",
    "CancelOrder",
    "QueryOrders",
    "OpenOrders",
    "ClosedOrders",
    "QueryTrades",
    "TradesHistory",
)
READS = ("BalanceEx", "Ticker", "OHLC")
OFTEN = ("AddOrder", "QueryOrders", "BalanceEx", "Ticker")
"""Asked more than once in most hours, so that a fault may wait for the second time."""
SEARCHES = ("OpenOrders", "ClosedOrders", "TradesHistory")
"""Asked after an outcome that is unknown, so an answer is lost beside the fault."""


class Cell(NamedTuple):
    """One fault on one call."""

    fault: str
    endpoint: str
    rule: Rule

    def __str__(self) -> str:
        return f"{self.fault} x {self.endpoint}"


def cells() -> Iterator[Cell]:
    for endpoint in (*CALLS, *READS):
        rules = ANYWHERE | ANSWERED | OF_ONE.get(endpoint, {})
        if endpoint in ("AddOrder", "CancelOrder"):
            rules |= WRITES
        for fault, rule in rules.items():
            yield Cell(fault, endpoint, rule)


CELLS = list(cells())
USUAL = {
    "AddOrder": (
        "1 silence after",
        "2 closed before",
        "3 late",
        "6 Busy after",
        "8 truncated body",
        "16 partial",
    ),
    "CancelOrder": ("1 closed after", "3 late", "16 race", "33 stuck"),
    "QueryOrders": ("19 hidden", "34 null"),
    "OpenOrders": ("19 hidden", "20 echo"),
    "BalanceEx": ("21 lag",),
    "OHLC": ("26 revised", "8 truncated body"),
}
DAILY = [cell for cell in CELLS if cell.fault in USUAL.get(cell.endpoint, ())]
SEEDS = int(os.environ.get("BALLAST_CHAOS_SEEDS", "5"))


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    home = tmp_path_factory.mktemp("venue")
    with simulator(home, "--days", "300") as started, client(started, home / "client", 1.0) as opened:
        yield opened


def begun_anew(steps: Callable[[], T], running: Simulator) -> T | None:
    """Carry a procedure through; begin it anew where it breaks off, in the end without faults."""
    for attempt in range(TRIES):
        if attempt == TRIES - 1:
            running.control("clear")
            running.sleep(1_000)
        try:
            return steps()
        except (VenueError, DataError, UsageError):
            running.sleep(5)
    return None


class Outcome(NamedTuple):
    """What one run came to."""

    struck: int
    """How often the fault hit a request."""
    sent: int
    """Orders that the venue took."""
    found: list[str]
    """What belief and truth disagree about."""


def run(desk: Client, cell: Cell, seed: int) -> Outcome:
    """One run of a cell."""
    desk.simulator.control("clear")
    desk.simulator.news()
    return candles(desk, cell, seed) if cell.endpoint == "OHLC" else hour(desk, cell, seed)


def hour(desk: Client, cell: Cell, seed: int) -> Outcome:
    """One hour under one fault."""
    rng, running = Random(seed), desk.simulator
    desk.store = Memory()
    asof = running.next_hour()
    price = int(
        desk.venue.touch(PAIR)[0] * rng.choice(PRICES[:2] if cell.endpoint == "QueryTrades" else PRICES)
    )
    approved = ApprovedOrder(LOTS, price, int(price * 0.8), 0, 0)
    terms = Terms(1, 100, MIN_LOTS, 50_000_000)
    wanted = entry(intent=f"{seed}", asof=asof, approved=approved, terms=terms, equity=1)
    if cell.endpoint in SEARCHES:
        # What rests is found among the open orders, and the closed ones are never asked for.
        effect = "none" if cell.endpoint == "ClosedOrders" else rng.choice(["none", "applied"])
        running.control("fault", kind="close", endpoint="AddOrder", count=1, effect=effect)
    until_s = asof.timestamp() + rng.choice([60, 3_000, 3_420])
    skip = rng.choice([0, 0, 0, 1]) if cell.endpoint in OFTEN else 0
    fault = set_off(running, cell, skip, rng.choice([1, 2, 5]), until_s)
    live(desk, wanted, asof)
    running.control("clear")
    recover(desk, wanted, asof)
    rows = running.news()
    found = disagreements(desk.store, truth_of(rows))
    bought = [order for order in desk.store.kept.values() if order.is_entry]
    if sum(order.filled for order in bought) > LOTS:
        found.append("wrong belief: more was bought than approved")
    # What a state of the venue hits is not logged as such; orders are asked for, and prices before them.
    asked = sum(row.get("endpoint") == "AddOrder" and row["t"] < until_s for row in rows)
    hits = asked if cell.rule["kind"] in STATES else struck(rows, fault)
    return Outcome(hits, sum(row["event"] == "placed" for row in rows), found)


def set_off(running: Simulator, cell: Cell, skip: int, count: int, until_s: float) -> int:
    """Set the cell's fault; returns its number."""
    lasts = cell.rule["kind"] in STATES
    setting: Rule = (
        {"until_s": until_s} if lasts else {"endpoint": cell.endpoint, "skip": skip, "count": count}
    )
    number: int = running.control("fault", **cell.rule, **setting)["id"]
    return number


def struck(rows: list[Any], fault: int) -> int:
    return sum(hit["id"] == fault for row in rows for hit in row.get("faults", ()))


def candles(desk: Client, cell: Cell, seed: int) -> Outcome:
    """Some hours of candles, read each hour into a fresh store while a fault strikes, then once without."""
    rng, running = Random(seed), desk.simulator
    begins, skip, count, lasts_h = (rng.choice(of) for of in ([1, 2], [0, 1], [1, 2, 5], [2, 3]))
    hits, fault, disputed = 0, 0, set[datetime]()
    with TemporaryDirectory() as folder:
        store = BarStore(Path(folder))
        for n in range(HOURS):
            asof = running.next_hour()
            if n == begins:
                fault = set_off(running, cell, skip, count, asof.timestamp() + lasts_h * HOUR_S)
            hits += cell.rule["kind"] in STATES and begins < n < begins + lasts_h
            with suppress(VenueError, DataError):
                disputed |= read_into(store, desk.market, int(asof.timestamp()) // HOUR_S)
        running.control("clear")
        last = int(running.next_hour().timestamp()) // HOUR_S
        disputed |= begun_anew(lambda: read_into(store, desk.market, last), running) or set()
        found = wrong_bars(store, disputed, running)
    return Outcome(hits + struck(running.news(), fault), 0, found)


def read_into(store: BarStore, market: MarketData, last: int) -> set[datetime]:
    """Read the last hours into a store; returns the asofs of bars that differ from what was stored."""
    found = market.recent(PAIR, last - HOURS)
    return set(store.write("kraken", PAIR, found.bars).conflicts["asof"])


def wrong_bars(store: BarStore, disputed: set[datetime], running: Simulator) -> list[str]:
    """Stored bars against the candles that the venue shows without a fault.

    Kraken fills an hour without a trade with a flat candle of no volume: such an hour has no bar here.
    """
    truth = {
        datetime.fromtimestamp(row[0] + HOUR_S, UTC): tuple(map(float, (*row[1:5], row[6])))
        for row in running.public("OHLC", pair="XBTUSD", interval="60")[:-1]
        if float(row[6]) > 0
    }
    columns = ("open", "high", "low", "close", "volume")
    stored = {
        row["asof"]: tuple(row[name] for name in columns) for row in store.read("kraken", PAIR).to_dicts()
    }
    found = [f"orphan: a bar of {asof}, when none was" for asof in stored if asof not in truth]
    last = running.now().replace(minute=0, second=0, microsecond=0)
    for asof in sorted(asof for asof in truth if asof > last - timedelta(hours=HOURS)):
        if asof not in stored:
            found.append(f"stuck: the bar of {asof} is not known here")
        elif stored[asof] != truth[asof] and asof not in disputed:
            found.append(f"wrong belief: the bar of {asof} is another")
    return found


def position(desk: Client) -> int:
    return sum(order.filled for order in desk.store.kept.values())


def live(desk: Client, wanted: Entry, asof: datetime) -> None:
    """Enter, sweep, guard, leave."""
    running, stops = desk.simulator, LegName(TRACK, wanted.intent, Kind.STOP)
    begun_anew(lambda: drive(enter(wanted), desk.hands), running)
    begun_anew(lambda: sweep(TRACK, desk.hands, asof), running)
    stop = Wanted(position(desk), int(wanted.approved.limit * 0.75))
    begun_anew(lambda: drive(guard(stops, PAIR, stop, True), desk.hands), running)
    exit = Exit(TRACK, f"{wanted.intent} exit", PAIR, position(desk), 0, MIN_LOTS)
    begun_anew(lambda: drive(leave(exit), desk.hands), running)


def recover(desk: Client, wanted: Entry, asof: datetime) -> None:
    """What a start-up does: settle what is open, sweep, sell what is left, look again."""
    for order in list(desk.store.kept.values()):
        drive(resume(order), desk.hands)
    sweep(TRACK, desk.hands, asof)
    for order in list(desk.store.kept.values()):
        drive(cancel(order, desk.venue.now() + timedelta(minutes=1)), desk.hands)
    left = position(desk)
    drive(leave(Exit(TRACK, f"{wanted.intent} rest", PAIR, left, 0, MIN_LOTS)), desk.hands)
    sweep(TRACK, desk.hands, asof)


@pytest.mark.parametrize("cell", DAILY, ids=str)
def test_belief_is_truth_after_a_fault(desk: Client, cell: Cell) -> None:
    assert run(desk, cell, CELLS.index(cell)).found == []


Row = tuple[Cell, Outcome]
WRONGS = ("duplicate", "orphan", "stuck", "wrong belief")


def table(name: str, groups: dict[str, list[Row]]) -> str:
    """Runs, hits and disagreements by group, in the form of `docs/evidence/orders.md`."""
    head = [name, "cells", "runs", "struck", "hits", "orders", *WRONGS]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for group, rows in groups.items():
        runs = [run for _, run in rows]
        counts = [sum(line.startswith(word) for run in runs for line in run.found) for word in WRONGS]
        sums = [sum(run.struck > 0 for run in runs), sum(run.struck for run in runs)]
        cells = len({str(cell) for cell, _ in rows})
        line = [group, cells, len(rows), *sums, sum(run.sent for run in runs), *counts]
        lines.append("| " + " | ".join(str(value) for value in line) + " |")
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def outcomes() -> Iterator[list[Row]]:
    """What all cells came to; in the end the tables that are kept in `docs/evidence/`."""
    rows: list[Row] = []
    yield rows
    faults = sorted({cell.fault for cell, _ in rows}, key=lambda name: (int(name.split()[0]), name))
    calls = sorted({cell.endpoint for cell, _ in rows}, key=[*CALLS, *READS].index)
    by_call = {call: [row for row in rows if row[0].endpoint == call] for call in calls}
    by_fault = {fault: [row for row in rows if row[0].fault == fault] for fault in faults}
    sys.stdout.write(f"\n{table('call', by_call | {'all': rows})}\n{table('fault', by_fault)}")


@pytest.mark.slow
@pytest.mark.timeout(14_400)
@pytest.mark.parametrize("call", [*CALLS, *READS])
def test_belief_is_truth_over_the_whole_matrix(desk: Client, outcomes: list[Row], call: str) -> None:
    """Every cell of a call with several seeds."""
    of_call = [(i, cell) for i, cell in enumerate(CELLS) if cell.endpoint == call]
    rows = [(cell, run(desk, cell, seed * len(CELLS) + i)) for i, cell in of_call for seed in range(SEEDS)]
    outcomes += rows
    assert [(str(cell), run) for cell, run in rows if run.found] == []
