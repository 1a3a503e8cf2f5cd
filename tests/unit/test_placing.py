"""One order, sent once: what the procedure concludes from answers, silence, crashes and late arrivals."""

from collections import deque
from datetime import timedelta

import pytest

from adapters.execution import Hands, carry_out, drive
from tests.make_believe import ASOF, LIMIT, LOTS, PAIR, STOP, TRACK, Gate, World, entry
from trading.errors import InvariantError
from trading.execution.entering import enter
from trading.execution.guarding import Guarded, Wanted, changes, guard
from trading.execution.identity import order_id
from trading.execution.leaving import STOP_GAP_S_MAX, Exit, Left, leave
from trading.execution.orders import Order, State
from trading.execution.placing import (
    DEADLINE,
    MARGIN,
    RESEND_AFTER,
    UNREADABLE_MAX,
    FindTraded,
    LegName,
    Open,
    Submit,
    cancel,
    resume,
    send,
    watch,
)
from trading.execution.protocol import Instruction, Kind, Status
from trading.portfolio import Reading
from trading.records import blank

BUY = Instruction(order_id(TRACK, "intent", Kind.LIMIT, 0), PAIR, Kind.LIMIT, LOTS, LIMIT)
EXIT = Exit(TRACK, "exit", PAIR, LOTS, 0, 10)
STOPS = LegName(TRACK, "position", Kind.STOP)


def world(**faults: str) -> World:
    """A world in which the next sends, looks and cancels go as told, words by blanks."""
    made = World()
    for queue, words in faults.items():
        getattr(made.venue, queue).extend(words.split())
    return made


@pytest.mark.parametrize(
    ("fault", "state"),
    [
        ("taken", State.WORKING),
        ("refused", State.REJECTED),
        ("unsent", State.ABSENT),
        ("lost", State.WORKING),
        ("hidden", State.WORKING),
        ("late", State.WORKING),
        ("vanished", State.ABSENT),
    ],
)
def test_a_send_ends_in_what_is_true(fault: str, state: State) -> None:
    w = world(sends=fault)
    order = w.run(lambda: send(BUY))
    assert order.state is state
    assert (len(w.venue.orders) == 1) == (state is State.WORKING)
    assert order == w.store.kept[BUY.id]


def test_the_order_is_stored_before_it_is_sent() -> None:
    w = world()
    w.run(lambda: send(BUY))
    kinds = [type(request) for request in w.requests]
    assert kinds.index(Open) < kinds.index(Submit)


def test_a_procedure_is_carried_through_by_hands_without_crashes() -> None:
    w = world()
    order = drive(send(BUY), Hands(w.venue, w.store, w.gate))
    assert order == w.store.load(BUY.id)


def test_hands_do_nothing_that_no_procedure_asks_for() -> None:
    w = world()
    with pytest.raises(TypeError):
        carry_out("sell everything", Hands(w.venue, w.store, w.gate))


def test_nothing_is_concluded_before_the_deadline_has_passed() -> None:
    w = world(sends="vanished")
    began = w.venue.clock
    order = w.run(lambda: send(BUY))
    assert order.state is State.ABSENT
    assert w.venue.clock > began + DEADLINE + MARGIN + timedelta(seconds=10)
    assert [type(r) for r in w.requests].count(FindTraded) == 1


def test_looks_without_an_answer_prove_nothing() -> None:
    w = world(sends="vanished", looks="unreadable " * UNREADABLE_MAX)
    assert w.run(lambda: send(BUY)).state is State.UNKNOWN
    assert w.run(lambda: resume(w.store.kept[BUY.id])).state is State.ABSENT


def test_an_unreadable_look_among_trades_leaves_the_fate_open() -> None:
    w = world(sends="vanished", looks="seen seen seen unreadable")
    assert w.run(lambda: send(BUY)).state is State.UNKNOWN


def test_an_id_that_was_used_is_not_sent_again() -> None:
    w = world()
    w.run(lambda: send(BUY))
    with pytest.raises(InvariantError):
        w.run(lambda: send(BUY))
    assert len(w.venue.submitted) == 1


def test_a_cancel_that_loses_to_a_fill_ends_filled() -> None:
    w = world(cancels="race")
    order = w.run(lambda: send(BUY))
    ended = w.run(lambda: cancel(order, w.venue.clock + timedelta(minutes=1)))
    assert (ended.state, ended.filled) == (State.FILLED, LOTS)


@pytest.mark.parametrize("fault", ["done", "lost", "vanished"])
def test_a_cancel_is_repeated_until_the_order_is_seen_to_be_over(fault: str) -> None:
    w = world(cancels=fault)
    order = w.run(lambda: send(BUY))
    ended = w.run(lambda: cancel(order, w.venue.clock + timedelta(minutes=1)))
    assert ended.state is State.CANCELLED


def test_a_cancel_gives_up_at_its_time_and_says_so() -> None:
    w = world(cancels="vanished " * 9)
    order = w.run(lambda: send(BUY))
    ended = w.run(lambda: cancel(order, w.venue.clock + timedelta(minutes=1)))
    assert ended.state is State.CANCELLING


def test_an_order_whose_trades_lag_is_not_over_yet() -> None:
    w = world(looks="lagging")
    w.venue.fills.append((0, LOTS))
    order = w.run(lambda: send(BUY))
    ended = w.run(lambda: cancel(order, w.venue.clock + timedelta(minutes=1)))
    assert (ended.state, ended.filled) == (State.FILLED, LOTS)


def states(orders: list[Order]) -> list[tuple[str, State, int]]:
    return [(o.instruction.kind.value, o.state, o.filled) for o in orders]


def test_an_entry_that_fills_needs_no_market() -> None:
    w = world()
    w.venue.fills.extend([(60, 30), (120, 70)])
    assert states(w.run(lambda: enter(entry()))) == [("limit", State.FILLED, 100)]


def test_what_the_limit_leaves_goes_to_market_at_its_time() -> None:
    w = world()
    w.venue.fills.append((60, 30))
    orders = w.run(lambda: enter(entry()))
    assert states(orders) == [("limit", State.CANCELLED, 30), ("market", State.FILLED, 70)]
    assert timedelta(minutes=55) <= w.venue.clock - ASOF < timedelta(minutes=58)


def test_a_dear_ask_keeps_the_rest_from_the_market() -> None:
    w = World(gate=Gate(ask=LIMIT * 1_005 // 1_000 + 1))
    assert states(w.run(lambda: enter(entry()))) == [
        ("limit", State.CANCELLED, 0),
        ("market", State.DENIED, 0),
    ]


@pytest.mark.parametrize(("ask", "state"), [(10_039, State.FILLED), (10_040, State.DENIED)])
def test_the_slippage_to_expect_counts_against_the_market_too(ask: int, state: State) -> None:
    """0.1 of 1 % is 10 bp of the ask, 11 ticks here; the limit allows 50 ticks above itself."""
    seen = blank(Reading, 1)[0]
    seen.sigma_1h, seen.sigma_24, seen.notional_24h = 0.01, 0.04, 10**18
    orders = World(gate=Gate(ask=ask)).run(lambda: enter(entry(reading=seen)))
    assert (orders[-1].instruction.kind.value, orders[-1].state) == ("market", state)


@pytest.mark.parametrize("ask", [0, -1])
def test_without_an_ask_nothing_goes_to_market(ask: int) -> None:
    w = World(gate=Gate(ask=ask))
    assert w.run(lambda: enter(entry()))[-1].state is State.DENIED


def test_a_refusal_keeps_an_entry_here() -> None:
    w = World(gate=Gate(refusal="HALTED"))
    assert states(w.run(lambda: enter(entry()))) == [("limit", State.DENIED, 0)]
    assert not w.venue.submitted


def test_what_is_found_once_an_order_is_stored_still_keeps_it_here() -> None:
    w = World(gate=Gate(late_refusal="HALTED"))
    (order,) = w.run(lambda: enter(entry()))
    assert (order.state, order.events) == (State.DENIED, 2)
    assert not w.venue.submitted


def test_fresh_capital_shrinks_an_entry_or_denies_it() -> None:
    w = World(gate=Gate(cash=500_000))
    orders = w.run(lambda: enter(entry()))
    assert 0 < orders[0].instruction.lots < LOTS
    poor = World(gate=Gate(cash=50_000))
    assert states(poor.run(lambda: enter(entry()))) == [("limit", State.DENIED, 0)]


def test_an_entry_that_is_late_lapses() -> None:
    w = world()
    w.venue.clock = ASOF + timedelta(minutes=11)
    assert states(w.run(lambda: enter(entry()))) == [("limit", State.LAPSED, 0)]


def test_an_order_that_never_left_is_followed_by_another_within_its_time() -> None:
    w = world(sends="unsent vanished taken")
    w.venue.fills.append((60, LOTS))
    orders = w.run(lambda: enter(entry()))
    assert [o.state for o in orders] == [State.ABSENT, State.ABSENT, State.FILLED]
    assert len({o.id for o in orders}) == 3


def test_orders_of_one_leg_leave_some_time_apart() -> None:
    w = world(sends="unsent unsent unsent taken")
    began = w.venue.clock
    orders = w.run(lambda: enter(entry()))
    assert [o.state for o in orders] == [State.ABSENT] * 3
    assert w.venue.clock - began == 2 * RESEND_AFTER


def test_a_limit_that_somebody_ended_is_not_followed_by_a_market_order() -> None:
    w = world()
    order = w.run(lambda: send(BUY._replace(stop=STOP, expires=ASOF + timedelta(minutes=56))))
    w.venue.orders[order.venue_id].status = Status.CANCELLED
    assert states(w.run(lambda: enter(entry()))) == [("limit", State.CANCELLED, 0)]


def test_an_entry_of_unknown_fate_is_followed_by_nothing() -> None:
    w = world(sends="vanished", looks="unreadable " * 200)
    assert states(w.run(lambda: enter(entry()))) == [("limit", State.UNKNOWN, 0)]
    assert len(w.venue.submitted) == 1


@pytest.mark.parametrize("sends", ["refused", "vanished"])
def test_no_market_order_follows_a_limit_that_did_not_rest(sends: str) -> None:
    w = world(sends=sends, looks="unreadable " * 200)
    first = w.run(lambda: enter(entry()))
    w.venue.pass_to(ASOF + timedelta(minutes=55, seconds=30))
    w.venue.looks.extend(["unreadable"] * 10)
    assert states(w.run(lambda: enter(entry()))) == states(first)
    assert len(w.venue.submitted) == 1


def test_a_fallback_that_comes_too_late_is_stored_as_lapsed() -> None:
    w = world()
    w.run(lambda: send(BUY._replace(stop=STOP, expires=ASOF + timedelta(minutes=56))))
    w.venue.pass_to(ASOF + timedelta(minutes=59))
    assert states(w.run(lambda: enter(entry()))) == [("limit", State.EXPIRED, 0), ("market", State.LAPSED, 0)]


def held(w: World, lots: int = LOTS) -> World:
    w.venue.coins = lots
    return w


def rest(w: World, lots: int, price: int = STOP) -> Guarded:
    found: Guarded = w.run(lambda: guard(STOPS, PAIR, Wanted(lots, price), merge=True))
    return found


def test_a_bare_position_gets_its_stop_and_a_covered_one_keeps_it() -> None:
    w = held(world())
    assert rest(w, LOTS).covered_lots == LOTS
    again = rest(w, LOTS)
    assert (again.covered_lots, again.bare_s, len(w.venue.submitted)) == (LOTS, 0.0, 1)


def test_a_stop_that_no_longer_fits_is_replaced_and_the_gap_measured() -> None:
    w = held(world(looks="unreadable"))
    rest(w, 60)
    replaced = rest(w, LOTS)
    assert replaced.covered_lots == LOTS
    assert 0 < replaced.bare_s < STOP_GAP_S_MAX
    assert w.venue.available == 0


def test_no_stop_is_placed_beside_one_that_would_not_go() -> None:
    w = held(world(cancels="vanished " * 9), 2 * LOTS)
    rest(w, 60)
    left = rest(w, LOTS)
    assert len(w.venue.submitted) == 1
    assert left.covered_lots == 60


def test_a_stop_that_fills_while_it_is_replaced_protects_what_is_left() -> None:
    w = held(world(cancels="race"))
    rest(w, 60)
    assert rest(w, LOTS).covered_lots == 40
    assert w.venue.coins == 40


def test_an_empty_position_has_no_stop() -> None:
    w = held(world())
    rest(w, LOTS)
    assert rest(w, 0).covered_lots == 0
    assert w.venue.available == LOTS


def test_several_stops_that_cover_are_merged_only_when_asked() -> None:
    pieces = [
        Order(Instruction(order_id(TRACK, "p", Kind.STOP, n), PAIR, Kind.STOP, -50, STOP), State.WORKING)
        for n in (0, 1)
    ]
    assert changes(Wanted(LOTS, STOP), pieces, merge=False).place is None
    assert changes(Wanted(LOTS, STOP), pieces, merge=True) == (tuple(pieces), Wanted(LOTS, STOP))
    assert changes(Wanted(LOTS + 1, STOP), pieces, merge=False).place == Wanted(LOTS + 1, STOP)
    assert changes(Wanted(LOTS, STOP + 1), pieces, merge=False).place == Wanted(LOTS, STOP + 1)


@pytest.mark.parametrize("sends", ["taken", "taken lost", "taken vanished", "taken refused"])
def test_an_exit_sells_everything_once(sends: str) -> None:
    w = held(world())
    rest(w, LOTS)
    w.venue.sends = deque(sends.split()[1:])
    left = w.run(lambda: leave(EXIT))
    assert w.venue.coins == 0
    assert left.bare_s < STOP_GAP_S_MAX
    assert sum(o.filled for o in left.orders) == -LOTS


def test_after_a_sell_of_unknown_fate_another_takes_what_is_available() -> None:
    w = held(world(sends="lost", looks="unreadable " * UNREADABLE_MAX))
    w.venue.fills.append((2, 30))
    left = w.run(lambda: leave(EXIT))
    assert [o.state for o in left.orders] == [State.UNKNOWN]
    assert w.venue.coins == 70
    w.venue.cancel("O0", PAIR)
    left = w.run(lambda: leave(EXIT))
    assert [o.state for o in left.orders] == [State.CANCELLED, State.FILLED]
    assert w.venue.coins == 0


def test_a_cut_keeps_what_it_should_even_beside_a_sell_of_unknown_fate() -> None:
    w = held(world(sends="lost", looks="unreadable " * UNREADABLE_MAX))
    w.venue.fills.append((0, 50))
    left = w.run(lambda: leave(EXIT._replace(lots=50, keep=50)))
    assert [o.state for o in left.orders] == [State.UNKNOWN]
    assert w.venue.coins == 50


def test_a_cut_sells_no_more_than_its_lots_while_the_balance_lags() -> None:
    w = held(world())
    w.venue.fills.append((0, 30))
    w.venue.balance_lag = 30
    w.run(lambda: leave(EXIT._replace(lots=50, keep=50)))
    assert w.venue.coins == 50


CUT = EXIT._replace(lots=40, keep=60, stop=Wanted(LOTS, STOP))


def test_what_a_cut_leaves_has_its_stop_again_at_once() -> None:
    w = held(world())
    rest(w, LOTS)
    left = w.run(lambda: leave(CUT))
    assert [(o.instruction.lots, o.state) for o in w.store.stops(PAIR)] == [(-60, State.WORKING)]
    assert (w.venue.coins, w.venue.available) == (60, 0)
    assert left.bare_s < STOP_GAP_S_MAX
    assert w.run(lambda: leave(CUT)) == Left((left.orders[-1],), 0.0)


def test_an_exit_that_found_no_buyers_leaves_a_stop_behind() -> None:
    w = held(world(sends="refused refused"))
    w.run(lambda: leave(EXIT._replace(stop=Wanted(LOTS, STOP))))
    assert [o.instruction.lots for o in w.store.stops(PAIR)] == [-LOTS]


def test_beside_a_sell_of_unknown_fate_no_stop_is_placed() -> None:
    w = held(world(sends="lost", looks="unreadable " * UNREADABLE_MAX))
    left = w.run(lambda: leave(CUT))
    assert [o.state for o in left.orders] == [State.UNKNOWN]


def test_an_exit_does_not_sell_while_its_stop_would_not_go() -> None:
    w = held(world())
    rest(w, LOTS)
    w.venue.cancels.extend(["vanished"] * 9)
    left = w.run(lambda: leave(EXIT))
    assert [o.state for o in left.orders] == [State.CANCELLING]
    assert len(w.venue.submitted) == 1


def test_an_exit_does_not_count_what_its_stop_had_sold_before() -> None:
    w = held(world())
    rest(w, LOTS)
    w.venue.trade(next(iter(w.venue.orders.values())), LOTS - 60)
    w.run(lambda: watch(w.store.stops(PAIR)[0], w.venue.clock))
    left = w.run(lambda: leave(EXIT._replace(lots=60)))
    assert w.venue.coins == 0
    assert sum(o.filled for o in left.orders if o.instruction.kind is not Kind.STOP) == -60
