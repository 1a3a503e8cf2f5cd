"""Books against the venue's, over HTTP and in a database: all is explained, or entries stop."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import NamedTuple

import pytest
from sqlalchemy import Engine

from adapters.audit.chain import Kind
from adapters.audit.log import Audit
from adapters.execution import Hands, drive
from adapters.guard import Book, LiveGuard
from adapters.reconciling import OVERLAP, Ours, Reconciled, reconcile, since_last
from adapters.storage.base import PortfolioKey
from adapters.storage.decisions import Decisions
from adapters.storage.engine import connect, reading, sqlite_url, unit_of_work
from adapters.storage.halts import Halts
from adapters.storage.journal import Journal
from adapters.storage.migrate import upgrade
from adapters.storage.order_book import DurableOrders, OrderBook
from adapters.storage.portfolios import open_portfolio
from config.instruments import grid_for
from tests.lockstep import Client, Gate, client
from tests.make_believe import entry
from tests.running import PAIR, Simulator, simulator
from tests.stored import approval_of, decision_of
from trading.clock import TradingHour
from trading.config import canonical_json
from trading.execution.entering import Clear, enter
from trading.execution.leaving import Exit, leave
from trading.ledger.entries import REWARDS
from trading.ledger.journal import CASH, DEPOSITS, EXCHANGE, FEES, WITHDRAWALS
from trading.portfolio import Terms
from trading.risk.approve import ApprovedOrder
from trading.risk.trading_state import ACTIVE, Standing

LOTS, MIN_LOTS = 1_000_000, 5_000
BTC = grid_for(PAIR)
NUMBERS = count()
CASH_E8 = 100_000 * 10**8


class Desk(NamedTuple):
    """A portfolio that is alone with its account."""

    client: Client
    books: Ours

    def compare(self) -> Reconciled:
        store = DurableOrders(self.books.engine, self.books.key, self.client.venue.now())
        hands = Hands(self.client.venue, store, Gate(self.client.venue))
        # The simulated account begins with its opening hour.
        opened = TradingHour(int(self.client.simulator.ready["now_s"]) // 3_600).asof
        return reconcile(self.client.venue, hands, self.books, since_last(self.books, opened))

    def balances(self) -> dict[tuple[str, str], int]:
        with reading(self.books.engine) as session:
            return Journal(session, self.books.key).balances()

    def trade(self, lots: int) -> None:
        """Buy, or sell what was bought, at the market of this hour."""
        asof = TradingHour(int(self.client.simulator.monotonic_s()) // 3_600).asof
        bid = self.client.venue.touch(PAIR)[0]
        approval = approval_of(self.books.key, lots, asof=asof, wanted_lots=lots, limit=int(bid * 1.02))
        with unit_of_work(self.books.engine, self.books.key) as session:
            decision = decision_of(self.books.key, asof=asof)
            Decisions(session, self.books.key).store(decision, [approval])
        store = DurableOrders(self.books.engine, self.books.key, asof)
        hands = Hands(self.client.venue, store, Gate(self.client.venue))
        if lots < 0:
            drive(leave(Exit(self.books.key.track, f"{next(NUMBERS)}", PAIR, -lots, 0, MIN_LOTS)), hands)
            return
        approved = ApprovedOrder(lots, approval.limit, int(bid * 0.5), 0, 0)
        terms = Terms(1, 100, MIN_LOTS, 50_000_000)
        wanted = entry(
            track=self.books.key.track, intent=f"{next(NUMBERS)}", asof=asof, approved=approved, terms=terms
        )
        drive(enter(wanted._replace(equity=1)), hands)


@pytest.fixture
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    with simulator(tmp_path_factory.mktemp("venue"), "--days", "3") as started:
        yield started


@pytest.fixture
def desk(running: Simulator, tmp_path: Path) -> Iterator[Desk]:
    engine: Engine = connect(sqlite_url(tmp_path / "ballast.db"))
    upgrade(engine)
    key = PortfolioKey("replay-a", "main")
    with client(running, tmp_path) as opened:
        with unit_of_work(engine) as session:
            open_portfolio(session, key, "USD", opened.venue.now())
        yield Desk(opened, Ours(engine, key, "USD", {PAIR: BTC}))
    engine.dispose()


def test_an_hour_of_trading_is_explained_to_the_last_unit(desk: Desk) -> None:
    assert desk.compare().unexplained == {}
    assert desk.balances() == {(CASH, "USD"): CASH_E8, (DEPOSITS, "USD"): -CASH_E8}
    desk.client.simulator.next_hour()
    desk.trade(LOTS)
    assert [desk.compare().unexplained for _ in range(2)] == [{}, {}]
    desk.client.simulator.next_hour()
    desk.trade(-LOTS)
    compared = desk.compare()
    assert (compared.unexplained, compared.waiting, compared.census.findings) == ({}, (), ())
    told = desk.balances()
    shown = desk.client.venue.balances()
    assert told[CASH, "USD"] == shown["USD"].total < CASH_E8
    assert told[FEES, "USD"] > 0
    assert told.get((EXCHANGE, "BTC"), 0) == 0
    sums: Counter[str] = Counter()
    for movement in desk.client.venue.movements(desk.client.venue.now() - timedelta(days=2)):
        sums[movement.asset] += movement.amount
    assert dict(sums) == {asset: holding.total for asset, holding in shown.items()}
    with reading(desk.books.engine) as session:
        assert OrderBook(session, desk.books.key).unposted() == []


def test_money_that_comes_and_goes_stands_in_accounts_of_its_own(desk: Desk) -> None:
    desk.client.simulator.control("deposit", asset="USD", amount="12.5")
    desk.client.simulator.control("deposit", asset="USD", amount="-2.25")
    desk.client.simulator.control("deposit", asset="ETH", amount="0.5", kind="staking")
    assert desk.compare().unexplained == {}
    told = desk.balances()
    assert told[DEPOSITS, "USD"] == -CASH_E8 - 1_250_000_000
    assert told[WITHDRAWALS, "USD"] == 225_000_000
    assert told[REWARDS, "ETH"] < 0


def test_what_nobody_can_explain_is_not_booked_and_stops_entries(desk: Desk) -> None:
    key, venue, may = desk.books.key, desk.client.venue, Standing(ACTIVE, 1)
    with unit_of_work(desk.books.engine, key) as session:
        Halts(session, key).change(may, "test", "test", venue.now())
        Audit(session).append(key.track, Kind.HALT_STATE, key.portfolio, canonical_json(may._asdict()))
    guard = LiveGuard(desk.books.engine, key, venue, lambda: may, Book("USD", {}, {}))
    desk.compare()
    assert guard.clear(Clear(PAIR, 1)).refusal == ""
    desk.client.simulator.control("deposit", asset="BTC", amount="1", kind="adjustment")
    assert desk.compare().unexplained == {"BTC": BTC.lots_per_unit}
    assert "BTC" in guard.clear(Clear(PAIR, 1)).refusal


def test_balances_that_lag_are_looked_at_again(desk: Desk) -> None:
    desk.compare()
    desk.client.simulator.next_hour()
    desk.trade(LOTS)
    desk.client.simulator.control("fault", kind="lag", endpoint="BalanceEx", count=1, args={"for_s": 3_600})
    assert desk.compare().unexplained == {}


def test_a_comparison_begins_before_the_last_one_and_the_oldest_fill_without_an_entry(desk: Desk) -> None:
    opened = desk.client.venue.now()
    assert since_last(desk.books, opened) == opened - OVERLAP
    desk.compare()
    assert since_last(desk.books, opened) >= opened - OVERLAP
    desk.client.simulator.next_hour()
    before = desk.client.venue.now()
    desk.trade(LOTS)
    desk.client.simulator.next_hour()
    assert since_last(desk.books, before + timedelta(days=1)) < before
