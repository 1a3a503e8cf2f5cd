"""A process that lives one order's hour against the simulator and asks before every touch of the world.

It names each call to the venue, the store or the guard before it is made, and goes on when it is answered; so
the parent can kill it at any of them. What it has stored lies in a database.
"""

from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from adapters.audit.chain import Kind as Told
from adapters.audit.log import Audit
from adapters.execution import Hands, drive
from adapters.guard import Book, LiveGuard
from adapters.reconciling import Ours, reconcile
from adapters.storage.base import PortfolioKey
from adapters.storage.decisions import Decisions
from adapters.storage.engine import connect, reading, sqlite_url, unit_of_work
from adapters.storage.halts import Halts
from adapters.storage.journal import Journal
from adapters.storage.migrate import upgrade
from adapters.storage.order_book import DurableOrders, OrderBook
from adapters.storage.portfolios import open_portfolio
from config.instruments import grid_for
from tests.lockstep import Client, client
from tests.make_believe import entry
from tests.running import PAIR, Simulator
from tests.stored import approval_of, decision_of
from trading.config import canonical_json
from trading.execution.entering import enter
from trading.execution.guarding import Wanted, guard
from trading.execution.leaving import Exit, leave
from trading.execution.orders import Order
from trading.execution.placing import LegName, resume
from trading.execution.protocol import Kind
from trading.ledger.entries import flow_entry
from trading.ledger.journal import CASH, DEPOSITS, DUST
from trading.portfolio import Terms
from trading.risk.approve import ApprovedOrder
from trading.risk.trading_state import ACTIVE, Standing

LOTS, MIN_LOTS = 1_000_000, 5_000
KEY, MAY = PortfolioKey("replay-kill", "main"), Standing(ACTIVE, 1)
HOUR = timedelta(hours=1)
NEVER = datetime.fromtimestamp(0, UTC)


class Asking:
    """Stands before a venue, a store or a guard and asks before each call."""

    def __init__(self, real: Any, parent: "Connection[Any, Any]") -> None:
        self._real, self._parent = real, parent

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._real, name)
        if name in ("now", "wait"):
            return method

        def asked(*values: Any) -> Any:
            self._parent.send(name)
            self._parent.recv()
            return method(*values)

        return asked


class Life:
    """One portfolio and the hour that it lives."""

    def __init__(self, ours: Client, parent: Any, home: Path, began: datetime, price: int) -> None:
        self.began, self.price, self.parent = began, price, parent
        self.engine = connect(sqlite_url(home / "ballast.db"))
        upgrade(self.engine)
        self.books = Ours(self.engine, KEY, "USD", {PAIR: grid_for(PAIR)})
        self.venue: Any = Asking(ours.venue, self.parent)
        book = Book("USD", self.books.instruments, {})
        self.guard: Any = Asking(LiveGuard(self.engine, KEY, ours.venue, lambda: MAY, book), self.parent)
        self.open(ours)

    def open(self, ours: Client) -> None:
        """Approvals for an entry and, an hour later, its exit; books that begin with what is held."""
        with unit_of_work(self.engine) as session:
            open_portfolio(session, KEY, "USD", self.began)
        with unit_of_work(self.engine, KEY) as session:
            for asof, lots in ((self.began, LOTS), (self.began + HOUR, -LOTS)):
                approval = approval_of(KEY, lots, asof=asof, wanted_lots=lots, limit=self.price)
                Decisions(session, KEY).store(decision_of(KEY, asof=asof), [approval])
            if Audit(session).last_state(*KEY) is not None:
                return
            Halts(session, KEY).change(MAY, "test", "test", self.began)
            Audit(session).append(KEY.track, Told.HALT_STATE, KEY.portfolio, canonical_json(MAY._asdict()))
            for asset, held in ours.venue.balances().items():
                holding = CASH if asset == "USD" else DUST
                if held.total:
                    opening = flow_entry(f"opening {asset}", self.began, DEPOSITS, holding, asset, held.total)
                    Journal(session, KEY).post(opening)

    def hands(self, asof: datetime) -> Hands:
        store: Any = Asking(DurableOrders(self.engine, KEY, asof), self.parent)
        return Hands(self.venue, store, self.guard)

    def orders(self) -> list[Order]:
        with reading(self.engine) as session:
            return OrderBook(session, KEY).orders(NEVER)

    def compare(self) -> dict[str, int]:
        return reconcile(self.venue, self.hands(self.began), self.books, self.began).unexplained

    def live(self) -> dict[str, int]:
        """Begin, or go on where the store says; returns what is unexplained in the end."""
        first, later = self.hands(self.began), self.hands(self.began + HOUR)
        for order in self.orders():
            drive(resume(order), first)
        self.compare()
        approved = ApprovedOrder(LOTS, self.price, int(self.price * 0.8), 0, 0)
        terms = Terms(1, 100, MIN_LOTS, 50_000_000)
        wanted = entry(track=KEY.track, intent="in", asof=self.began, approved=approved, terms=terms)
        drive(enter(wanted._replace(equity=1, halt_epoch=MAY.epoch)), first)
        self.compare()
        held = sum(order.filled for order in self.orders())
        stop = Wanted(held, int(self.price * 0.75))
        drive(guard(LegName(KEY.track, "in", Kind.STOP), PAIR, stop, True), first)
        drive(leave(Exit(KEY.track, "out", PAIR, held, 0, MIN_LOTS)), later)
        return self.compare()


def main(parent: Any, ready: dict[str, Any], home: Path, asof: datetime, price: int) -> None:
    """Live, then tell the parent every order and the balances that nobody can explain."""
    simulator = Simulator(ready)
    simulator.control("clock")
    with client(simulator, home) as ours:
        life = Life(ours, parent, home, asof, price)
        unexplained = life.live()
    kept = [
        (order.id, order.venue_id, str(order.state), order.is_over)
        + ({t.id: (t.lots, t.ticks, t.value, t.fee) for t in order.trades},)
        for order in life.orders()
    ]
    parent.send((kept, unexplained))
