"""No order without its approval, none twice, and a history that cannot be rewritten."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid5

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError

from adapters.storage.base import PortfolioKey
from adapters.storage.decisions import Approval, Decisions
from adapters.storage.engine import reading, unit_of_work
from adapters.storage.journal import Journal
from adapters.storage.order_book import DurableOrders, OrderBook
from tests.stored import NOW, approval_of, decision_of, opened
from trading.errors import InvariantError
from trading.execution.orders import Event, Order, State, What
from trading.execution.protocol import Instruction, Kind, Trade
from trading.instruments import Instrument
from trading.ledger.entries import fill_entry

BTC = Instrument("BTC/USD", 10_000_000, 8, 5_000, 50_000_000)
SENT = Event(What.SENT, NOW, deadline=NOW + timedelta(seconds=10))
OVER = Event(What.CANCELLED, NOW)


def name(key: PortfolioKey, n: int | str = 0) -> UUID:
    return uuid5(UUID(int=0), f"{key} {n}")


def limit(key: PortfolioKey, lots: int = 1000, n: int | str = 0, **changes: Any) -> Instruction:
    return Instruction(name(key, n), "BTC/USD", Kind.LIMIT, lots, 600_000)._replace(**changes)


def accepted(venue_id: str) -> Event:
    return Event(What.ACCEPTED, NOW, venue_id=venue_id)


def traded(lots: int, venue_id: str, id: str = "T1", value: int = 50) -> Event:
    trade = Trade(id, venue_id, "BTC/USD", lots, 600_000, value, 1, True, NOW)
    return Event(What.TRADED, NOW, trade=trade)


def approve(engine: Engine, key: PortfolioKey, *approvals: Approval) -> None:
    with unit_of_work(engine, key) as session:
        Decisions(session, key).store(decision_of(key, asof=approvals[0].asof), approvals)


def open_one(engine: Engine, key: PortfolioKey, instruction: Instruction, *events: Event) -> Order:
    """Store an order with all that befell it, each event in a transaction of its own."""
    orders = DurableOrders(engine, key, NOW)
    orders.open(instruction, events[0] if events else SENT)
    for event in events[1:]:
        before = orders.load(instruction.id)
        assert before is not None
        orders.append(before, event)
    found = orders.load(instruction.id)
    assert found is not None
    return found


def test_an_order_lives_as_its_table_says_and_comes_back_whole(engine: Engine, key: PortfolioKey) -> None:
    approve(engine, key, approval_of(key, 1000))
    expires = NOW + timedelta(minutes=56)
    sent = limit(key, stop=570_000, expires=expires)
    events = [SENT, accepted("O1"), traded(400, "O1"), traded(600, "O1", "T2"), Event(What.FILLED, NOW)]
    order = open_one(engine, key, sent, *events)
    assert (order.instruction, order.state, order.filled) == (sent, State.FILLED, 1000)
    assert order.trades == (events[2].trade, events[3].trade)
    assert (order.venue_id, order.deadline, order.events) == ("O1", SENT.deadline, 5)
    with reading(engine) as session:
        assert OrderBook(session, key).positions() == {"BTC/USD": 1000}


def test_an_id_is_opened_once_for_ever(engine: Engine, key: PortfolioKey) -> None:
    approve(engine, key, approval_of(key, 1000))
    open_one(engine, key, limit(key), SENT, Event(What.REFUSED, NOW))
    with pytest.raises(InvariantError, match="an id is never used again"):
        open_one(engine, key, limit(key))


def test_an_id_is_not_another_portfolios_either(engine: Engine, key: PortfolioKey) -> None:
    other = opened(engine)
    for one in (key, other):
        approve(engine, one, approval_of(one, 1000))
    open_one(engine, key, limit(key))
    with pytest.raises(InvariantError, match="the database refuses"):
        open_one(engine, other, limit(key))


WITHOUT = {
    "no decision": [],
    "another instrument": [{"instrument": "ETH/USD"}],
    "denied": [{"lots": 0, "wanted_lots": 5, "verdict": "denied"}],
    "fewer lots": [{"lots": 999}],
    "a sell": [{"lots": -1000, "wanted_lots": -1000}],
}


@pytest.mark.parametrize("case", WITHOUT)
def test_no_buy_is_stored_beyond_what_risk_approved(engine: Engine, key: PortfolioKey, case: str) -> None:
    for changes in WITHOUT[case]:
        approve(engine, key, approval_of(key, **changes))
    with pytest.raises(InvariantError):
        open_one(engine, key, limit(key))
    with reading(engine) as session:
        assert OrderBook(session, key).load(name(key)) is None


RAW = (
    "INSERT INTO orders (track, portfolio, id, number, asof, instrument, approved_lots, kind, lots, price, "
    "stop, state, ended) "
    "VALUES (:track, :portfolio, :id, 1, :asof, 'BTC/USD', :approved, :kind, :lots, :price, 0, 'sent', false)"
)
GOOD = {"approved": 1000, "kind": "limit", "lots": 1000, "price": 5}
BAD = [
    {"approved": 2000, "lots": 2000},
    {"lots": 1001},
    {"lots": -5},
    {"lots": 0},
    {"kind": "stop", "lots": 5},
    {"kind": "market"},
    {"kind": "iceberg"},
    {"price": 0},
]


def test_the_database_itself_ties_an_order_to_its_approval(engine: Engine, key: PortfolioKey) -> None:
    approve(engine, key, approval_of(key, 1000))
    values = {**key._asdict(), "id": name(key).hex, "asof": stored_asof(engine, key), **GOOD}
    for bad in BAD:
        with pytest.raises(IntegrityError), engine.begin() as connection:
            connection.execute(text(RAW), values | bad)
    with engine.begin() as connection:
        connection.execute(text(RAW), values)


def stored_asof(engine: Engine, key: PortfolioKey) -> Any:
    with engine.connect() as connection:
        query = "SELECT asof FROM approvals WHERE portfolio = :portfolio"
        return connection.scalar(text(query), key._asdict())


def test_an_approved_buy_has_one_working_order_at_a_time(engine: Engine, key: PortfolioKey) -> None:
    approve(engine, key, approval_of(key, 1000))
    open_one(engine, key, limit(key, 100, 0))
    with pytest.raises(InvariantError, match="the database refuses"):
        open_one(engine, key, limit(key, 100, 1))


def test_a_fallback_buys_at_most_what_the_limit_left(engine: Engine, key: PortfolioKey) -> None:
    approve(engine, key, approval_of(key, 1000))
    open_one(engine, key, limit(key), SENT, accepted("O1"), traded(400, "O1"), OVER)
    market = {"kind": Kind.MARKET, "price": 0}
    with pytest.raises(InvariantError, match="more lots than its approval has left"):
        open_one(engine, key, limit(key, 601, "m", **market))
    denied = open_one(engine, key, limit(key, 1000, "d", **market), Event(What.DENIED, NOW, "halted"))
    assert denied.is_over
    assert open_one(engine, key, limit(key, 600, "m", **market)).state is State.SENT


def test_after_an_exit_of_unknown_fate_another_may_be_sent(engine: Engine, key: PortfolioKey) -> None:
    approve(engine, key, approval_of(key, -1000, wanted_lots=-1000))
    open_one(engine, key, limit(key, -1000, 0), SENT, Event(What.LOST, NOW))
    assert open_one(engine, key, limit(key, -1000, 1)).state is State.SENT


def test_a_stop_rests_on_the_newest_entry_of_its_instrument(engine: Engine, key: PortfolioKey) -> None:
    stop = limit(key, -1500, "stop", kind=Kind.STOP)
    later = NOW + timedelta(hours=1)
    with pytest.raises(InvariantError, match="rests on no approval"):
        open_one(engine, key, stop)
    approve(engine, key, approval_of(key, 1000))
    approve(engine, key, approval_of(key, 500, asof=later))
    open_one(engine, key, limit(key), SENT, accepted("O1"), traded(1000, "O1"), Event(What.FILLED, NOW))
    DurableOrders(engine, key, later).open(limit(key, 500, 1), SENT)
    open_one(engine, key, stop, Event(What.ADOPTED, NOW, venue_id="O2"))
    with reading(engine) as session:
        assert [order.id for order in OrderBook(session, key).stops("BTC/USD")] == [stop.id]
        assert OrderBook(session, key).stops("ETH/USD") == []
    with engine.connect() as connection:
        query = "SELECT approved_lots FROM orders WHERE kind = 'stop' AND portfolio = :portfolio"
        assert connection.scalar(text(query), key._asdict()) == 500


def test_two_writers_cannot_both_be_next(engine: Engine, key: PortfolioKey) -> None:
    approve(engine, key, approval_of(key, 1000))
    order = open_one(engine, key, limit(key))
    orders = DurableOrders(engine, key, NOW)
    orders.append(order, accepted("O1"))
    orders.append(order, accepted("O1"))
    with pytest.raises(InvariantError, match="stored already and differs"):
        orders.append(order, Event(What.LOST, NOW))
    with pytest.raises(InvariantError, match="stored already and differs"):
        orders.append(order, accepted("O2"))
    found = orders.load(order.id)
    assert found is not None
    assert (found.events, found.venue_id) == (2, "O1")


def test_an_event_out_of_its_place_changes_nothing(engine: Engine, key: PortfolioKey) -> None:
    approve(engine, key, approval_of(key, 1000))
    order = open_one(engine, key, limit(key))
    ahead = replace(order, state=State.WORKING, venue_id="O1", events=5)
    with pytest.raises(InvariantError, match="a history of 1 events, not of 5"):
        DurableOrders(engine, key, NOW).append(ahead, OVER)
    assert DurableOrders(engine, key, NOW).load(order.id) == order


def test_a_trade_that_differs_from_before_is_refused(engine: Engine, key: PortfolioKey) -> None:
    approve(engine, key, approval_of(key, 1000))
    order = open_one(engine, key, limit(key), SENT, accepted("O1"))
    orders = DurableOrders(engine, key, NOW)
    orders.append(order, traded(400, "O1"))
    orders.append(order, traded(400, "O1"))
    with pytest.raises(InvariantError, match="value 50 / 51"):
        orders.append(order, traded(400, "O1", value=51))


def test_what_an_order_asked_for_and_how_it_ended_stay(engine: Engine, key: PortfolioKey) -> None:
    approve(engine, key, approval_of(key, 1000))
    open_one(engine, key, limit(key), SENT, accepted("O1"))
    open_one(engine, key, limit(key, n="d"), Event(What.DENIED, NOW))
    mine, over = "WHERE portfolio = :portfolio AND state = 'working'", "AND state = 'denied'"
    for change in (
        f"UPDATE orders SET lots = 5 {mine}",
        f"UPDATE orders SET venue_id = 'O9' {mine}",
        f"UPDATE orders SET ended = true {mine}",
        f"UPDATE orders SET state = 'working' WHERE portfolio = :portfolio {over}",
        f"DELETE FROM orders {mine}",
    ):
        with pytest.raises(IntegrityError), engine.begin() as connection:
            connection.execute(text(change), key._asdict())


def test_a_row_that_is_not_its_history_is_refused_when_read(engine: Engine, key: PortfolioKey) -> None:
    approve(engine, key, approval_of(key, 1000))
    open_one(engine, key, limit(key))
    with engine.begin() as connection:
        change = "UPDATE orders SET state = 'filled', ended = true WHERE portfolio = :portfolio"
        connection.execute(text(change), key._asdict())
    with pytest.raises(InvariantError, match="sent by its history, filled by its row"):
        DurableOrders(engine, key, NOW).load(name(key))


def test_recovery_finds_what_is_open_and_what_moved_lately(engine: Engine, key: PortfolioKey) -> None:
    approve(engine, key, approval_of(key, -9, wanted_lots=-9))
    later = NOW + timedelta(hours=2)
    old = open_one(engine, key, limit(key, -9, 0), SENT, Event(What.REFUSED, NOW))
    unknown = open_one(engine, key, limit(key, -9, 1))
    recent = open_one(engine, key, limit(key, -9, 2), SENT, Event(What.REFUSED, later))
    orders = DurableOrders(engine, key, NOW)
    assert [order.id for order in orders.orders(later)] == [unknown.id, recent.id]
    assert [order.id for order in orders.orders(NOW)] == [old.id, unknown.id, recent.id]


def test_a_fill_waits_to_be_posted_until_it_is(engine: Engine, key: PortfolioKey) -> None:
    approve(engine, key, approval_of(key, 1000))
    open_one(engine, key, limit(key), SENT, accepted("O1"), traded(400, "O1"), traded(5, "O1", "T2"))
    with unit_of_work(engine, key) as session:
        book, journal = OrderBook(session, key), Journal(session, key)
        first, second = book.unposted()
        journal.post(fill_entry(first.id, first.at, BTC, first.lots, first.value, first.fee, -51))
        assert book.unposted() == [second]
