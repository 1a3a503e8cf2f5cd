"""A long history is folded by the database: these folds run before every hour's decision."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, insert, text

from adapters.storage.base import PortfolioKey
from adapters.storage.decisions import Decisions
from adapters.storage.engine import reading, unit_of_work
from adapters.storage.journal import EntryRow, Journal, PostingRow
from adapters.storage.order_book import OrderBook
from adapters.storage.orders import EventRow, FillRow, OrderRow
from tests.stored import NOW, approval_of, decision_of
from trading.execution.orders import What
from trading.execution.protocol import Kind
from trading.instruments import Instrument
from trading.ledger.entries import fill_entry
from trading.ledger.journal import POSITION

BTC = Instrument("BTC/USD", 10_000_000, 8, 5_000, 50_000_000)
ORDERS, FILLS_EACH = 2_000, 5


@pytest.fixture
def long_history(engine: Engine, key: PortfolioKey) -> PortfolioKey:
    """10,000 fills of 2,000 orders, each with its entry."""
    rows: dict[Any, list[dict[str, Any]]] = {
        row: [] for row in (OrderRow, FillRow, EventRow, PostingRow, EntryRow)
    }
    for n in range(ORDERS):
        for row, told in order_rows(n):
            rows[row].append({**key._asdict(), **told})
    with unit_of_work(engine, key) as session:
        Decisions(session, key).store(decision_of(key), [approval_of(key, -5)])
        for row, values in rows.items():
            session.execute(insert(row), values)
    with engine.begin() as connection:
        # A bulk load outruns PostgreSQL's own statistics; a history that grows by the hour does not.
        connection.execute(text("ANALYZE"))
    return key


def order_rows(n: int) -> list[tuple[Any, dict[str, Any]]]:
    """A sale of five lots, one after another."""
    id, venue_id, at = UUID(int=n), f"O{n}", NOW + timedelta(minutes=n)
    order = {"number": n + 1, "asof": NOW, "instrument": "BTC/USD", "approved_lots": -5, "kind": Kind.MARKET}
    order |= {"lots": -5, "price": 0, "stop": 0, "expires": None, "state": "filled", "ended": True}
    rows: list[tuple[Any, dict[str, Any]]] = [(OrderRow, {"id": id, "venue_id": venue_id, **order})]
    course = [What.SENT, What.ACCEPTED, *[What.TRADED] * FILLS_EACH, What.FILLED]
    for number, what in enumerate(course):
        event = {"id": id, "number": number, "what": what, "at": at, "note": "", "deadline": None}
        event |= {"venue_id": venue_id if what is What.ACCEPTED else "", "trade_id": None}
        if what is What.SENT:
            event["deadline"] = at
        if what is What.TRADED:
            event["trade_id"] = trade_id = f"T{n}-{number}"
            fill = {"trade_id": trade_id, "id": id, "venue_id": venue_id, "instrument": "BTC/USD"}
            fill |= {"lots": -1, "ticks": 600_000, "value": 6, "fee": 1, "maker": False, "at": at}
            rows.append((FillRow, fill))
            entry = fill_entry(trade_id, at, BTC, -1, 6, 1, 5)
            rows += [(PostingRow, {"entry": trade_id, **side._asdict()}) for side in entry.postings]
            rows.append((EntryRow, {"entry": trade_id, "at": at}))
        rows.append((EventRow, event))
    return rows


def test_ten_thousand_fills_are_folded_to_the_last_lot(engine: Engine, long_history: PortfolioKey) -> None:
    key, last = long_history, NOW + timedelta(minutes=ORDERS - 60)
    with reading(engine) as session:
        assert OrderBook(session, key).positions() == {"BTC/USD": -ORDERS * FILLS_EACH}
        assert Journal(session, key).balances()[POSITION, "BTC"] == -ORDERS * FILLS_EACH
        assert len(OrderBook(session, key).orders(last)) == 60
        assert not list(OrderBook(session, key).unposted())
