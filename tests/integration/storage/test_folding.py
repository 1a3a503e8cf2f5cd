"""Every fill and every flow becomes part of one state, and of no second one."""

from datetime import timedelta

from sqlalchemy import Engine

from adapters.storage.base import PortfolioKey
from adapters.storage.books import PortfolioBooks
from adapters.storage.engine import reading, unit_of_work
from adapters.storage.journal import Journal
from tests.integration.storage.test_orders import SENT, accepted, approve, limit, open_one, traded
from tests.stored import NOW, approval_of, opened
from trading.clock import TradingHour
from trading.ledger.entries import DEPOSITS, REWARDS, flow_entry, opening_entry
from trading.ledger.journal import CASH, POSITION

HOUR = TradingHour.at(NOW)


def fills(engine: Engine, key: PortfolioKey) -> list[str]:
    with reading(engine) as session:
        return [fill.trade.id for fill in PortfolioBooks(session, key).unfolded()]


def flows(engine: Engine, key: PortfolioKey) -> list[tuple[str, str, int, bool]]:
    with reading(engine) as session:
        return [tuple(flow) for flow in PortfolioBooks(session, key).unfolded_flows()]


def test_a_fill_that_is_part_of_a_state_is_not_found_again(engine: Engine, key: PortfolioKey) -> None:
    other = opened(engine)
    for one in (key, other):
        approve(engine, one, approval_of(one, 1000))
        events = [SENT, accepted(f"O{one}"), traded(400, f"O{one}"), traded(600, f"O{one}", "T2")]
        open_one(engine, one, limit(one), *events)
    with unit_of_work(engine, key) as session:
        books = PortfolioBooks(session, key)
        first = next(fill for fill in books.unfolded() if fill.trade.id == "T1")
        books.fold(HOUR, [first])
        books.fold(HOUR, [first])
    assert fills(engine, key) == ["T2"]
    assert fills(engine, other) == ["T1", "T2"]


def test_a_flow_counts_once_and_the_opening_money_never(engine: Engine, key: PortfolioKey) -> None:
    soon = NOW + timedelta(seconds=1)
    entries = (
        opening_entry(NOW, "USD", {"USD": 10**12, "BTC": 7}),
        flow_entry("L0", NOW, DEPOSITS, CASH, "USD", 5),
        flow_entry("L1", soon, DEPOSITS, CASH, "USD", 6),
        flow_entry("L2", soon, REWARDS, POSITION, "BTC", 8),
    )
    with unit_of_work(engine, key) as session:
        for entry in entries:
            Journal(session, key).post(entry)
    coins = ("opening", "BTC", 7, False)
    assert flows(engine, key) == [coins, ("L1", "USD", 6, False), ("L2", "BTC", 8, True)]
    with unit_of_work(engine, key) as session:
        books = PortfolioBooks(session, key)
        books.fold_flows(HOUR, [flow for flow in books.unfolded_flows() if flow.entry != "L2"])
    assert flows(engine, key) == [("L2", "BTC", 8, True)]
