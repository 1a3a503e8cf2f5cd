"""Whatever is lost, late or hidden, and wherever the process dies: one order, and belief equals truth.

The venue in memory asserts by itself that no id is sent twice. The rest is checked after each run, when the
procedure has been begun anew until it came to its end.
"""

from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.execution import Hands, sweep
from tests.make_believe import ASOF, LIMIT, LOTS, PAIR, STOP, TRACK, MakeBelieve, World, entry
from trading.execution.entering import DONE_BY, enter
from trading.execution.guarding import Wanted, guard
from trading.execution.leaving import Exit, leave
from trading.execution.orders import Order, State, fold
from trading.execution.placing import LegName
from trading.execution.protocol import Instruction, Kind, Status
from trading.execution.reports import read

SENDS = ["taken", "refused", "unsent", "lost", "late", "hidden", "vanished"]
LOOKS = ["seen", "seen", "unreadable", "lagging"]
CANCELS = ["done", "race", "lost", "vanished"]

TRUTH = {
    State.WORKING: Status.OPEN,
    State.CANCELLING: Status.OPEN,
    State.FILLED: Status.FILLED,
    State.CANCELLED: Status.CANCELLED,
    State.EXPIRED: Status.EXPIRED,
}
NOT_THERE = (State.REJECTED, State.ABSENT, State.DENIED, State.LAPSED)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """A world with faults to come and requests at which the process dies."""
    world = World()
    world.venue.sends.extend(draw(st.lists(st.sampled_from(SENDS), max_size=6)))
    world.venue.looks.extend(draw(st.lists(st.sampled_from(LOOKS), max_size=30)))
    world.venue.cancels.extend(draw(st.lists(st.sampled_from(CANCELS), max_size=4)))
    parts = draw(st.lists(st.tuples(st.integers(0, 3_400), st.integers(1, 60)), max_size=4))
    world.venue.fills.extend(sorted(parts))
    moments = st.tuples(st.integers(0, 250), st.sampled_from(["before", "after"]))
    world.crashes = draw(st.sets(moments, max_size=5))
    return world


NAPS = st.lists(st.sampled_from([0.0, 1.0, 30.0, 700.0, 3_300.0]), min_size=5, max_size=5)


def caught_up(world: World, order: Order) -> Order:
    """The order after the venue's present word, if it has taken it and still works it."""
    if not order.venue_id or order.is_over:
        return order
    told = world.venue.told(world.venue.orders[order.venue_id])
    return fold(order, read(order, told, world.venue.clock))


def check_belief(world: World) -> None:
    """Every order is at the venue what it is here; nothing is there that is not here."""
    venue = world.venue
    believed = {o.id: caught_up(world, o) for o in world.store.kept.values()}
    truly = {o.sent.id: o for o in venue.orders.values() if not o.parent}
    assert set(truly) <= set(believed), "an order at the venue that nobody here knows"
    for order in believed.values():
        there = truly.get(order.id)
        if order.state in NOT_THERE:
            assert there is None, f"{order.state}, yet at the venue"
        elif there is not None and order.state is not State.UNKNOWN:
            assert TRUTH[order.state] is there.status
            assert order.filled == there.filled
            assert {t.id for t in order.trades} == {t.id for t in there.trades}
    ids = [t.id for o in believed.values() for t in o.trades]
    assert len(ids) == len(set(ids)), "a fill is booked twice"


def check_history(world: World) -> None:
    """The orders are the folds of what was stored, event by event."""
    for id, order in world.store.kept.items():
        events = [event for owner, event in world.store.events if owner == id]
        assert fold(Order(order.instruction), events) == order


def bought_at_most(venue: MakeBelieve) -> int:
    """Lots bought, and lots that could still be."""
    return sum(o.filled + o.open_lots for o in venue.orders.values() if o.sent.lots > 0)


@settings(max_examples=300, deadline=None)
@given(worlds(), NAPS)
def test_an_entry_is_exact_under_every_fault_and_crash(world: World, naps: list[float]) -> None:
    orders = world.run(lambda: enter(entry()), naps)
    check_belief(world)
    check_history(world)
    assert bought_at_most(world.venue) <= LOTS
    assert all(order.is_over or order.state in (State.UNKNOWN, State.CANCELLING) for order in orders)
    world.venue.pass_to(ASOF + DONE_BY)
    assert not any(o.open_lots > 0 for o in world.venue.orders.values()), (
        "the next hour meets a working entry"
    )


@settings(max_examples=200, deadline=None)
@given(worlds(), NAPS)
def test_what_an_entry_bought_is_sold_once_or_still_held(world: World, naps: list[float]) -> None:
    world.venue.coins = LOTS
    stops = LegName(TRACK, "position", Kind.STOP)
    world.run(lambda: guard(stops, PAIR, Wanted(LOTS, STOP), merge=True), naps)
    world.run(lambda: leave(Exit(TRACK, "exit", PAIR, LOTS, 0, 10)), naps)
    check_belief(world)
    check_history(world)
    sold = -sum(o.filled for o in world.venue.orders.values())
    assert sold + world.venue.coins == LOTS
    assert world.venue.available >= 0, "more was offered than is held"


@settings(max_examples=200, deadline=None)
@given(worlds(), NAPS, st.integers(1, 99))
def test_a_cut_never_sells_what_is_to_be_kept(world: World, naps: list[float], cut: int) -> None:
    world.venue.coins = LOTS
    exit = Exit(TRACK, "exit", PAIR, cut, LOTS - cut, 1, Wanted(LOTS, STOP))
    world.run(lambda: leave(exit), naps)
    check_belief(world)
    sold = -sum(o.filled for o in world.venue.orders.values() if o.sent.kind is not Kind.STOP)
    assert sold <= cut
    assert world.venue.available >= 0, "more was offered than is held"


@pytest.mark.parametrize("send", SENDS)
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_crash_at_each_request_leaves_one_order_or_none(send: str, when: str) -> None:
    """Every boundary in turn, until a run has fewer requests than the crash would need."""
    for moment in range(400):
        world = World()
        world.venue.sends.append(send)
        world.venue.fills.append((60, 40))
        world.crashes = {(moment, when)}
        world.run(lambda: enter(entry()), [30.0])
        check_belief(world)
        assert bought_at_most(world.venue) <= LOTS
        assert all(order.is_over for order in world.store.kept.values())
        if len(world.requests) <= moment:
            return
    pytest.fail("an entry took more than 400 requests")


@settings(max_examples=100, deadline=None)
@given(worlds(), st.integers(0, 3))
def test_a_census_brings_every_open_order_up_to_the_truth(world: World, by_hand: int) -> None:
    """Orders lost sight of, stops left behind and orders by hand are sorted from one look at the account."""
    world.run(lambda: enter(entry()), [1.0] * 5)
    venue, store = world.venue, world.store
    for number in range(by_hand):
        venue.coins += 1
        venue.place(Instruction(UUID(int=number), PAIR, Kind.LIMIT, -1, LIMIT))
    census = sweep(TRACK, Hands(venue, store, world.gate), ASOF)
    assert len(census.findings) == by_hand
    assert len(census.adopted) == sum(1 for o in venue.orders.values() if o.parent)
    by_others = sum(o.filled for o in venue.orders.values() if o.sent.id.int < by_hand and not o.parent)
    assert sum(order.filled for order in store.kept.values()) + by_others + by_hand == venue.coins
    check_history(world)
    again = sweep(TRACK, Hands(venue, store, world.gate), ASOF)
    assert again == census._replace(events=(), adopted=())
