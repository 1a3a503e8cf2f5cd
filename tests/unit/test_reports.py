"""What the venue says becomes what befell an order, once; what is not ours is found and left alone."""

from typing import Any

import pytest

from tests.make_believe import ASOF, LIMIT, PAIR, STOP, TRACK
from tests.unit.test_orders import BUY, ID, event, reached, sent, trade
from trading.execution.findings import Strange, take_census, unexplained
from trading.execution.identity import order_id
from trading.execution.orders import Order, State, What, fold
from trading.execution.protocol import Kind, Report, Status
from trading.execution.reports import Contradiction, adopt, read


def report(**changes: Any) -> Report:
    """What the venue says of BUY, resting and untraded."""
    plain = Report("O1", ID, "", PAIR, "limit", 100, LIMIT, Status.OPEN, 0, ())
    return plain._replace(**changes)


def child(**changes: Any) -> Report:
    """The stop that forty lots of BUY left behind."""
    return report(venue_id="O2", id=None, parent="O1", kind="stop", lots=-40, price=STOP)._replace(**changes)


WORKING = sent(event(What.ACCEPTED))


def what_of(order: Order, said: Report) -> list[What]:
    return [e.what for e in read(order, said, ASOF)]


def test_an_order_of_unknown_fate_that_is_seen_was_accepted() -> None:
    assert what_of(reached(State.UNKNOWN), report()) == [What.ACCEPTED]
    assert what_of(reached(State.SENT), report()) == [What.ACCEPTED]
    assert what_of(WORKING, report()) == []


def test_a_trade_is_an_event_once() -> None:
    said = report(filled=40, trades=(trade(40),))
    assert what_of(WORKING, said) == [What.TRADED]
    assert what_of(fold(WORKING, read(WORKING, said, ASOF)), said) == []


@pytest.mark.parametrize(
    ("status", "end"),
    [(Status.FILLED, What.FILLED), (Status.CANCELLED, What.CANCELLED), (Status.EXPIRED, What.EXPIRED)],
)
def test_an_order_ends_when_all_its_trades_are_known(status: Status, end: What) -> None:
    lots = 100 if status is Status.FILLED else 40
    lagging = report(status=status, filled=lots)
    assert what_of(WORKING, lagging) == []
    whole = lagging._replace(trades=(trade(lots),))
    assert what_of(WORKING, whole) == [What.TRADED, end]


@pytest.mark.parametrize(
    "said",
    [
        report(id=reached(State.SENT).instruction.id.__class__(int=1)),
        report(venue_id="O9"),
        report(instrument="ETH/USD"),
        report(kind="market"),
        report(lots=90),
        report(lots=-100),
        report(price=LIMIT + 1),
        report(filled=150, trades=(trade(150),)),
        report(status=Status.FILLED, filled=40, trades=(trade(40),)),
    ],
    ids=["id", "venue id", "pair", "kind", "size", "side", "price", "beyond its lots", "full too soon"],
)
def test_a_report_that_cannot_be_of_the_order_is_a_contradiction(said: Report) -> None:
    with pytest.raises(Contradiction):
        read(WORKING, said, ASOF)


@pytest.mark.parametrize("state", [State.ABSENT, State.REJECTED, State.CANCELLED, State.EXPIRED])
def test_an_order_that_was_over_and_lives_is_a_contradiction(state: State) -> None:
    order = reached(state)
    with pytest.raises(Contradiction):
        read(order, report(status=Status.CANCELLED, filled=40, trades=(trade(40),)), ASOF)
    assert what_of(order, report(status=Status.CANCELLED)) == []


@pytest.mark.parametrize("state", [s for s in State if reached(s).is_over])
def test_an_old_report_says_nothing_and_one_that_cannot_be_old_contradicts(state: State) -> None:
    shown = state in (State.FILLED, State.CANCELLED, State.EXPIRED)
    if shown:
        assert what_of(reached(state), report()) == []
    else:
        with pytest.raises(Contradiction):
            read(reached(state), report(), ASOF)


def test_a_stop_that_a_fill_left_behind_is_adopted_with_what_befell_it() -> None:
    instruction, told = adopt(TRACK, WORKING, child(), ASOF)
    stop = fold(Order(instruction), told)
    assert (stop.state, stop.instruction.lots, stop.instruction.price) == (State.WORKING, -40, STOP)
    sold = trade(-40, "T2", "O2")
    told = adopt(TRACK, WORKING, child(status=Status.FILLED, filled=-40, trades=(sold,)), ASOF)[1]
    assert [e.what for e in told] == [What.ADOPTED, What.TRADED, What.FILLED]


@pytest.mark.parametrize(
    "said",
    [child(parent="O9"), child(kind="limit"), child(lots=40), child(instrument="ETH/USD")],
    ids=["another's", "no stop", "a buy", "another pair"],
)
def test_nothing_else_is_adopted(said: Report) -> None:
    with pytest.raises(Contradiction):
        adopt(TRACK, WORKING, said, ASOF)


def test_a_census_leaves_nothing_over() -> None:
    ours = report(filled=40, trades=(trade(40),))
    foreign = report(venue_id="O7", id=None)
    by_hand = trade(5, "T7", "O8")
    census = take_census(TRACK, [WORKING], [ours, child(), foreign], [trade(40), by_hand], ASOF)
    assert [(order.id, [e.what for e in told]) for order, told in census.events] == [(ID, [What.TRADED])]
    assert [adopted.instruction.kind for adopted in census.adopted] == [Kind.STOP]
    assert [(f.what, f.reference) for f in census.findings] == [
        (Strange.FOREIGN_ORDER, "O7"),
        (Strange.MANUAL_TRADE, "T7"),
    ]
    assert census.frozen == {PAIR}


def test_an_order_with_an_id_of_ours_is_known_before_its_venue_id_is() -> None:
    census = take_census(TRACK, [reached(State.UNKNOWN)], [report()], [], ASOF)
    assert [e.what for _, told in census.events for e in told] == [What.ACCEPTED]


def test_a_census_taken_again_finds_the_same_and_reports_nothing_new() -> None:
    first = take_census(TRACK, [WORKING], [report(), report(venue_id="O7", id=None)], [], ASOF)
    again = take_census(TRACK, [WORKING], [report(venue_id="O7", id=None), report()], [], ASOF)
    assert first.findings == again.findings
    assert first.events == again.events == ()


def test_one_contradiction_does_not_hide_the_rest() -> None:
    altered = report(lots=90)
    census = take_census(TRACK, [WORKING], [altered, report(venue_id="O7", id=None)], [], ASOF)
    assert [f.what for f in census.findings] == [Strange.CONTRADICTION, Strange.FOREIGN_ORDER]


@pytest.mark.parametrize("state", [State.CANCELLED, State.WORKING])
def test_a_trade_of_an_order_that_was_over_is_a_contradiction(state: State) -> None:
    census = take_census(TRACK, [reached(state)], [], [trade(40)], ASOF)
    wanted = [Strange.CONTRADICTION] if state is State.CANCELLED else []
    assert [f.what for f in census.findings] == wanted


def test_a_booked_trade_of_an_order_that_is_over_is_explained() -> None:
    order = sent(event(What.ACCEPTED), event(What.TRADED, trade(40)), event(What.CANCELLED))
    assert not take_census(TRACK, [order], [], [trade(40)], ASOF).findings


def test_ten_thousand_booked_trades_leave_nothing_to_explain() -> None:
    orders = []
    for n in range(1_000):
        id = order_id(TRACK, f"{n}", Kind.LIMIT, 0)
        told = [event(What.SENT), event(What.ACCEPTED)._replace(venue_id=f"O{n}")]
        told += [event(What.TRADED, trade(10, f"T{n}-{k}", f"O{n}")) for k in range(10)]
        orders.append(fold(Order(BUY._replace(id=id)), [*told, event(What.FILLED)]))
    trades = [made for order in orders for made in order.trades]
    census = take_census(TRACK, orders, [], trades, ASOF)
    assert census == ((), (), ())


def test_what_is_unexplained_is_named_to_the_last_unit() -> None:
    assert unexplained({"BTC": 5, "USD": 7, "ETH": 1}, {"BTC": 5, "USD": 9, "SOL": 2}) == {
        "ETH": 1,
        "SOL": -2,
        "USD": -2,
    }
    assert not unexplained({"BTC": 5, "EUR": 0}, {"BTC": 5})
