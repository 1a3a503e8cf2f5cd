"""What was promised is judged when its time is over, by what was stored, on both databases."""

from datetime import datetime, timedelta
from uuid import UUID, uuid5

import pytest
from sqlalchemy import Engine

from adapters.storage.base import PortfolioKey
from adapters.storage.decisions import Decisions
from adapters.storage.engine import unit_of_work
from adapters.storage.hours import Hour, Mandate, Stage
from adapters.storage.order_book import DurableOrders
from adapters.storage.outbox import post
from adapters.storage.portfolios import open_portfolio
from adapters.storage.promises import HOUR, ORDER, Judged, Promises
from tests.stored import COUNT, NOW, approval_of, decision_of
from trading.execution.orders import Event, What
from trading.execution.protocol import Instruction, Kind

MINUTE = timedelta(minutes=1)
ASOF = "2026-03-01T12:00Z"


class Clock:
    """Stands where it is put."""

    def __init__(self, now: datetime) -> None:
        self.time = now

    def now(self) -> datetime:
        return self.time

    def monotonic_s(self) -> float:
        return self.time.timestamp()

    def sleep(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


@pytest.fixture
def mine(engine: Engine) -> PortfolioKey:
    """A portfolio under a mandate, alone on its track."""
    key = PortfolioKey(f"paper-promises-{next(COUNT)}", "main")
    with unit_of_work(engine) as session:
        open_portfolio(session, key, "USD", NOW)
        words = {"predictor": "cash", "digest": "0" * 64, "document": "{}"}
        session.add(Mandate(**key._asdict(), asof=NOW - 10 * timedelta(days=1), **words))
    return key


@pytest.fixture
def clock() -> Clock:
    """Before the hour that is judged."""
    return Clock(NOW - timedelta(minutes=30))


def decide(engine: Engine, key: PortfolioKey, at: datetime) -> None:
    with unit_of_work(engine, key) as session:
        Decisions(session, key).store(decision_of(key, decided=at), [approval_of(key, 1000)])


@pytest.mark.parametrize(("minutes", "kept"), [(1, True), (5, True), (6, False), (None, False)])
def test_an_hour_is_decided_by_minute_five_or_the_promise_is_broken(
    engine: Engine, mine: PortfolioKey, clock: Clock, minutes: int | None, kept: bool
) -> None:
    promises = Promises(engine, clock, mine.track)
    assert promises.judge() == []
    if minutes is not None:
        decide(engine, mine, NOW + minutes * MINUTE)
    clock.time = NOW + 5 * MINUTE
    assert promises.judge() == []
    clock.time = NOW + 7 * MINUTE
    assert promises.judge() == [Judged(HOUR, "main", ASOF, kept)]
    assert promises.judge() == []


def test_hours_in_which_nobody_was_there_are_each_broken(
    engine: Engine, mine: PortfolioKey, clock: Clock
) -> None:
    promises = Promises(engine, clock, mine.track)
    clock.time = NOW + timedelta(hours=2, minutes=10)
    assert [judged.kept for judged in promises.judge()] == [False, False, False]


@pytest.mark.parametrize(
    ("events", "kept"),
    [
        ([(What.ACCEPTED, 1)], True),
        ([(What.LOST, 1), (What.ACCEPTED, 90)], True),
        ([(What.LOST, 1), (What.ABSENT, 130)], False),
        ([(What.LOST, 1)], False),
        ([], False),
    ],
)
def test_what_became_of_an_order_is_known_in_two_minutes(
    engine: Engine, mine: PortfolioKey, clock: Clock, events: list[tuple[What, int]], kept: bool
) -> None:
    decide(engine, mine, NOW)
    clock.time = NOW + MINUTE
    promises = Promises(engine, clock, mine.track)
    sent = Instruction(uuid5(UUID(int=0), str(mine)), "BTC/USD", Kind.LIMIT, 1000, 600_000)
    orders = DurableOrders(engine, mine, NOW)
    at = NOW + MINUTE
    orders.open(sent, Event(What.SENT, at, deadline=at + timedelta(seconds=10)))
    for what, seconds in events:
        known = orders.load(sent.id)
        assert known is not None
        orders.append(
            known, Event(what, at + timedelta(seconds=seconds), venue_id="O1" * (what == What.ACCEPTED))
        )
    clock.time = at + timedelta(minutes=3)
    judged = [one for one in promises.judge() if one.promise == ORDER]
    assert judged == [Judged(ORDER, "main", str(sent.id), kept)]
    assert [one for one in promises.judge() if one.promise == ORDER] == []
    unsettled = {What.LOST} if events and events[-1][0] == What.LOST else set()
    assert promises.vitals().unknown_orders == int(bool(unsettled) or not events)


def test_vitals_say_where_a_track_stands(engine: Engine, mine: PortfolioKey, clock: Clock) -> None:
    promises = Promises(engine, clock, mine.track)
    assert promises.vitals() == (0.0, 0.0, 0, 0, 0)
    with unit_of_work(engine) as session:
        ended = {"outcome": "DONE", "reason": "none", "portfolios": 1, "settled": 1, "ended": NOW}
        session.add(Hour(track=mine.track, asof=NOW, **ended))
        told = {"stage": "fetch", "reference": "0" * 64, "summary": "{}", "at": NOW}
        session.add(Stage(track=mine.track, asof=NOW, **told))
        post(session, mine.track, "halt/main/1", "halt", "main", "look", NOW)
    clock.time = NOW + 20 * MINUTE
    assert promises.vitals() == (NOW.timestamp(), 1200.0, 0, 0, 1)
