"""Kraken as a `Venue`, against the simulator: what was sent is what is told, to the last unit."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from adapters.execution import drive, sweep
from tests.lockstep import Client, client, disagreements
from tests.make_believe import TRACK, entry
from tests.running import PAIR, Simulator, simulator, truth_of
from trading.errors import OutcomeUnknown, VenueRefused
from trading.execution.entering import enter
from trading.execution.findings import Strange, unexplained
from trading.execution.guarding import Wanted, guard
from trading.execution.leaving import STOP_GAP_S_MAX, Exit, leave
from trading.execution.orders import State
from trading.execution.placing import LegName, cancel, send
from trading.execution.protocol import Instruction, Kind, Status
from trading.portfolio import Terms
from trading.risk.approve import ApprovedOrder

LOTS = 1_000_000
DECAY_S = 120.0
"""Venue time between two tests, in which the rate counters of the last one's calls decay."""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    with simulator(tmp_path_factory.mktemp("venue"), "--days", "10", "--tier", "pro") as started:
        yield started


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One home, as one key has one: its nonces go on where the last client stopped."""
    return tmp_path_factory.mktemp("client")


@pytest.fixture
def desk(running: Simulator, home: Path) -> Iterator[Client]:
    running.control("clear")
    running.sleep(DECAY_S)
    with client(running, home) as opened:
        opened.private.cancel_all()
        yield opened


def limit(desk: Client, factor: float, lots: int = LOTS) -> Instruction:
    price = int(desk.venue.touch(PAIR)[0] * factor)
    return Instruction(uuid4(), PAIR, Kind.LIMIT, lots, price)


def test_an_order_is_told_as_it_was_sent(desk: Client) -> None:
    sent = limit(desk, 0.8)._replace(stop=100_000, expires=desk.venue.now() + timedelta(minutes=30))
    venue_id = desk.venue.submit(sent, desk.venue.now() + timedelta(seconds=10))
    told = desk.venue.find(sent.id, desk.venue.now() - timedelta(minutes=1))
    assert told is not None
    assert told == desk.venue.report(venue_id) == desk.venue.open_orders()[0]
    assert (told.id, told.kind, told.lots, told.price) == (sent.id, "limit", LOTS, sent.price)
    assert (told.status, told.filled, told.trades, told.parent) == (Status.OPEN, 0, (), "")
    desk.venue.cancel(venue_id, PAIR)
    over = desk.venue.find(sent.id, desk.venue.now() - timedelta(minutes=1))
    assert over is not None
    assert over.status is Status.CANCELLED
    with pytest.raises(VenueRefused):
        desk.venue.cancel(venue_id, PAIR)


def test_an_id_that_rests_is_no_refusal_but_something_to_look_at(desk: Client) -> None:
    sent = limit(desk, 0.8)
    desk.venue.submit(sent, desk.venue.now() + timedelta(seconds=10))
    with pytest.raises(OutcomeUnknown):
        desk.venue.submit(sent, desk.venue.now() + timedelta(seconds=10))


def test_ten_orders_placed_and_cancelled_stay_inside_the_rate_counters(desk: Client) -> None:
    began, rows = desk.venue.now(), len(desk.simulator.control("truth")["rows"])
    orders = [drive(send(limit(desk, 0.8)), desk.hands) for _ in range(10)]
    until = desk.venue.now() + timedelta(minutes=2)
    assert {drive(cancel(order, until), desk.hands).state for order in orders} == {State.CANCELLED}
    requests = [
        row for row in desk.simulator.control("truth", after=rows)["rows"] if row["event"] == "request"
    ]
    assert not [row for row in requests if row["errors"]]
    assert desk.venue.now() - began < timedelta(minutes=2)


def test_an_order_nobody_sent_is_not_found(desk: Client) -> None:
    since = desk.venue.now() - timedelta(hours=1)
    assert desk.venue.find(uuid4(), since) is None
    assert desk.venue.find_traded(uuid4(), PAIR, since) is None


def test_a_life_from_entry_to_exit_agrees_with_the_truth_to_the_last_unit(desk: Client) -> None:
    venue, store = desk.venue, desk.store
    rows = len(desk.simulator.control("truth")["rows"])
    asof = desk.simulator.next_hour()
    before = {asset: held.total for asset, held in venue.balances().items()}
    price = int(venue.touch(PAIR)[0] * 1.02)
    approved = ApprovedOrder(LOTS, price, int(price * 0.7), 0, 0)
    wanted = entry(asof=asof, approved=approved, terms=Terms(1, 100, 5_000, 50_000_000), equity=10**13)
    (bought,) = drive(enter(wanted), desk.hands)
    assert (bought.state, bought.filled) == (State.FILLED, LOTS)
    found = venue.find_traded(bought.id, PAIR, asof)
    assert found is not None
    assert found.trades == bought.trades
    census = sweep(TRACK, desk.hands, asof)
    assert not census.findings
    assert [stop.filled for stop in store.stops(PAIR)] == [0]
    guarded = drive(
        guard(LegName(TRACK, "position", Kind.STOP), PAIR, Wanted(LOTS, int(price * 0.75)), True), desk.hands
    )
    assert guarded.covered_lots == LOTS
    assert guarded.bare_s < STOP_GAP_S_MAX
    left = drive(leave(Exit(TRACK, "exit", PAIR, LOTS, 0, 5_000)), desk.hands)
    assert left.bare_s < STOP_GAP_S_MAX
    assert not sweep(TRACK, desk.hands, asof).findings
    assert not disagreements(store, truth_of(desk.simulator.control("truth")["rows"][rows:]))
    trades = [trade for order in store.kept.values() for trade in order.trades]
    assert sum(trade.lots for trade in trades) == 0
    paid = sum((t.value if t.lots > 0 else -t.value) + t.fee for t in trades)
    after = {asset: held.total for asset, held in venue.balances().items()}
    assert not unexplained(after, before | {"USD": before["USD"] - paid})


def test_an_order_by_hand_is_found_and_left_alone(desk: Client) -> None:
    foreign = limit(desk, 0.8)
    desk.venue.submit(foreign, desk.venue.now() + timedelta(seconds=10))
    desk.venue.submit(
        Instruction(uuid4(), PAIR, Kind.MARKET, LOTS, 0), desk.venue.now() + timedelta(seconds=10)
    )
    order = drive(send(limit(desk, 0.8)), desk.hands)
    census = sweep(TRACK, desk.hands, desk.venue.now() - timedelta(seconds=5))
    assert {finding.what for finding in census.findings} == {Strange.FOREIGN_ORDER}
    assert len(census.findings) == 2
    assert census.frozen == {PAIR}
    assert set(desk.store.kept) == {order.id}


@pytest.mark.parametrize(
    ("fault", "state", "orders"),
    [
        ({"kind": "silence", "effect": "applied", "args": {"for_s": 0.1}}, State.WORKING, 1),
        ({"kind": "silence", "effect": "none", "args": {"for_s": 0.1}}, State.ABSENT, 0),
        ({"kind": "close", "effect": "late", "late_s": 8}, State.WORKING, 1),
        ({"kind": "error", "effect": "applied", "args": {"messages": ["EService:Busy"]}}, State.WORKING, 1),
        ({"kind": "error", "args": {"messages": ["EOrder:Insufficient funds"]}}, State.REJECTED, 0),
        ({"kind": "error", "args": {"messages": ["EAPI:Rate limit exceeded"]}}, State.ABSENT, 0),
        ({"kind": "http", "effect": "applied", "args": {"status": 520}}, State.WORKING, 1),
        ({"kind": "garbled", "effect": "applied", "args": {"how": "truncated"}}, State.WORKING, 1),
    ],
    ids=["lost", "vanished", "late", "busy", "funds", "rate", "520", "truncated"],
)
def test_a_send_ends_in_what_is_true(
    desk: Client, fault: dict[str, object], state: State, orders: int
) -> None:
    desk.simulator.control("fault", endpoint="AddOrder", count=1, **fault)
    order = drive(send(limit(desk, 0.8)), desk.hands)
    assert order.state is state
    assert len(desk.venue.open_orders()) == orders
