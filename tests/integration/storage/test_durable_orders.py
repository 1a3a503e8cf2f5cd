"""The order procedures run on the database as they run on the store in memory, crash for crash."""

from copy import deepcopy
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from adapters.execution import Hands, sweep
from adapters.storage.base import PortfolioKey
from adapters.storage.decisions import Decisions
from adapters.storage.engine import reading, unit_of_work
from adapters.storage.order_book import DurableOrders, OrderBook
from tests.make_believe import ASOF, LIMIT, LOTS, PAIR, TRACK, World, entry
from tests.stored import approval_of, decision_of, opened
from trading.execution.entering import enter
from trading.execution.guarding import Wanted, guard
from trading.execution.orders import Order
from trading.execution.placing import LegName
from trading.execution.protocol import Kind

SENDS = ["taken", "refused", "unsent", "lost", "late", "hidden", "vanished"]


def approved(engine: Engine) -> PortfolioKey:
    """A portfolio whose decision allows the entry that the world plays."""
    key = opened(engine)
    with unit_of_work(engine, key) as session:
        allowed = approval_of(key, LOTS, asof=ASOF, instrument=PAIR, limit=LIMIT)
        Decisions(session, key).store(decision_of(key, asof=ASOF), [allowed])
    return key


@st.composite
def worlds(draw: st.DrawFn) -> World:
    world = World()
    world.venue.sends.extend(draw(st.lists(st.sampled_from(SENDS), max_size=3)))
    world.venue.cancels.extend(draw(st.lists(st.sampled_from(["done", "race", "lost"]), max_size=2)))
    parts = st.lists(st.tuples(st.integers(0, 3_400), st.integers(1, 60)), max_size=3)
    world.venue.fills.extend(sorted(draw(parts)))
    moments = st.tuples(st.integers(0, 60), st.sampled_from(["before", "after"]))
    world.crashes = draw(st.sets(moments, max_size=3))
    return world


def play(world: World, track: str) -> None:
    """An entry, what recovery does after it, and the stop over what it bought."""
    world.run(lambda: enter(entry(track=track)))
    sweep(track, Hands(world.venue, world.store, world.gate), ASOF)
    held = sum(order.filled for order in world.store.orders(ASOF))
    world.run(lambda: guard(LegName(track, "position", Kind.STOP), PAIR, Wanted(held, 9_000), merge=True))


@settings(max_examples=6)
@given(world=worlds())
def test_a_database_remembers_what_memory_remembers(engine: Engine, world: World) -> None:
    key = approved(engine)
    durable = deepcopy(world)
    durable.store = DurableOrders(engine, key, ASOF)  # type: ignore[assignment]
    track = f"{TRACK}/{key.portfolio}"
    play(world, track)
    play(durable, track)
    with reading(engine) as session:
        stored: dict[UUID, Order] = {order.id: order for order in OrderBook(session, key).orders(ASOF)}
        positions = OrderBook(session, key).positions()
    assert stored == world.store.kept
    assert durable.venue.submitted == world.venue.submitted
    assert positions.get(PAIR, 0) == durable.venue.coins
