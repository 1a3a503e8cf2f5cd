"""The life of an order, one event at a time, and the names that never change."""

from datetime import timedelta
from itertools import product

import pytest

from tests.make_believe import ASOF, LIMIT, PAIR, STOP, TRACK
from trading.errors import InvariantError
from trading.execution.identity import child_id, finding_id, order_id
from trading.execution.orders import TABLE, UNSETTLED, Event, Order, State, What, apply, fold, frozen
from trading.execution.protocol import Instruction, Kind, Trade

ID = order_id(TRACK, "intent", Kind.LIMIT, 0)
BUY = Instruction(ID, PAIR, Kind.LIMIT, 100, LIMIT, STOP)


def trade(lots: int, id: str = "T1", order: str = "O1", instrument: str = PAIR) -> Trade:
    return Trade(id, order, instrument, lots, LIMIT, abs(lots) * LIMIT, 0, True, ASOF)


def event(what: What, made: Trade | None = None) -> Event:
    """An event with every field that its kind needs."""
    return Event(what, ASOF, "", "O1", ASOF + timedelta(seconds=10), made or trade(40))


def sent(*more: Event) -> Order:
    return fold(Order(BUY), [event(What.SENT), *more])


WAYS = {
    State.PLANNED: [],
    State.SENT: [What.SENT],
    State.UNKNOWN: [What.SENT, What.LOST],
    State.WORKING: [What.SENT, What.ACCEPTED],
    State.CANCELLING: [What.SENT, What.ACCEPTED, What.CANCELLING],
    State.CANCELLED: [What.SENT, What.ACCEPTED, What.CANCELLED],
    State.EXPIRED: [What.SENT, What.ACCEPTED, What.EXPIRED],
    State.REJECTED: [What.SENT, What.REFUSED],
    State.ABSENT: [What.SENT, What.LOST, What.ABSENT],
    State.DENIED: [What.DENIED],
    State.LAPSED: [What.LAPSED],
}


def reached(state: State) -> Order:
    if state is State.FILLED:
        return sent(event(What.ACCEPTED), event(What.TRADED, trade(100)), event(What.FILLED))
    return fold(Order(BUY), [event(what) for what in WAYS[state]])


@pytest.mark.parametrize(("state", "what"), list(product(State, What)))
def test_every_event_leads_where_the_table_says_or_raises_and_changes_nothing(
    state: State, what: What
) -> None:
    before = reached(state)
    if what is What.FILLED and what in TABLE[state]:
        before = apply(before, event(What.TRADED, trade(100, "T0")))
    assert before.state is state
    if what in TABLE[state]:
        after = apply(before, event(what))
        assert after.state is TABLE[state][what]
        assert after.events == before.events + 1
    else:
        with pytest.raises(InvariantError):
            apply(before, event(what))


def test_the_table_knows_every_state_and_every_event_moves_something() -> None:
    assert set(TABLE) == set(State)
    assert {what for row in TABLE.values() for what in row} == set(What)


def test_an_end_is_final_and_only_ends_are() -> None:
    assert {state for state, row in TABLE.items() if not row} == {
        *(State.FILLED, State.CANCELLED, State.EXPIRED, State.REJECTED, State.ABSENT),
        *(State.DENIED, State.LAPSED),
    }
    assert reached(State.FILLED).is_over
    assert not reached(State.CANCELLING).is_over


def test_nothing_leads_back_to_planned_or_sends_a_second_time() -> None:
    senders = [state for state, row in TABLE.items() if What.SENT in row]
    assert senders == [State.PLANNED]
    assert all(State.PLANNED not in row.values() for row in TABLE.values())


@pytest.mark.parametrize(
    "wrong",
    [
        trade(101),
        trade(-40),
        trade(0),
        trade(40, order="O2"),
        trade(40, instrument="ETH/USD"),
        trade(10, "known"),
        trade(70, "T2"),
    ],
    ids=["too many", "other side", "nothing", "other order", "other pair", "known", "beyond the order"],
)
def test_a_trade_that_cannot_be_the_orders_raises(wrong: Trade) -> None:
    order = sent(event(What.ACCEPTED), event(What.TRADED, trade(40, "known")))
    with pytest.raises(InvariantError):
        apply(order, event(What.TRADED, wrong))


def test_an_order_is_filled_only_by_all_its_lots() -> None:
    order = sent(event(What.ACCEPTED), event(What.TRADED, trade(99)))
    with pytest.raises(InvariantError, match="99 of 100"):
        apply(order, event(What.FILLED))
    assert apply(order, event(What.CANCELLED)).filled == 99


@pytest.mark.parametrize("what", [What.SENT, What.ACCEPTED, What.ADOPTED, What.TRADED])
def test_an_event_without_what_it_is_about_raises(what: What) -> None:
    start = {What.ACCEPTED: State.SENT, What.TRADED: State.WORKING}.get(what, State.PLANNED)
    with pytest.raises(InvariantError):
        apply(reached(start), Event(what, ASOF))


@pytest.mark.parametrize("state", State)
def test_only_an_entry_of_unknown_fate_freezes_its_instrument(state: State) -> None:
    buy = reached(state)
    assert frozen([buy]) == (frozenset([PAIR]) if state in UNSETTLED else frozenset())
    sell = Order(BUY._replace(lots=-100, stop=0), state)
    assert not frozen([sell])


def test_ids_are_the_same_again_and_differ_in_every_part() -> None:
    parts = [
        (track, intent, kind, n)
        for track in ("a", "b")
        for intent in ("x", "y")
        for kind in Kind
        for n in (0, 1)
    ]
    ids = [order_id(*part) for part in parts]
    assert len(set(ids)) == len(parts)
    assert ids == [order_id(*part) for part in parts]
    assert str(ID) == "16228063-59ca-5e70-8069-45b4c842a19e"


def test_parts_of_an_id_do_not_run_together() -> None:
    assert order_id("a", "bc", Kind.LIMIT, 0) != order_id("ab", "c", Kind.LIMIT, 0)
    assert child_id("a", "bc") != child_id("ab", "c")
    assert finding_id("a", "child", "b") != child_id("a", "b")
