"""The scheduler's call: who may, for which hour, and that it is traded once."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from sqlalchemy.orm import Session

from adapters.storage.base import PortfolioKey
from adapters.storage.hours import DONE, FAILED, Hour
from adapters.storage.portfolios import open_portfolio
from api.access.oidc import Oidc, Provider
from api.routes.scheduler import Scheduler
from temporal.client import Server
from temporal.launches import Launches
from tests.devserver import NAMESPACE, DevServer
from tests.identity_provider import IdentityProvider
from tests.installation import World
from trading.errors import VenueUnavailable
from workflows.names import launch_id

TRACK, CALLER, ADDRESS = "paper-a", "scheduler@ballast.test", "https://ballast.test/api/scheduler/hour"
ASOF = datetime(2026, 3, 1, 12, tzinfo=UTC)
SCHEDULED = "2026-03-01T12:00:00.25Z"
NOBODY = {"email": "eve@ballast.test"}


class Started:
    """Takes the place of the engine."""

    def __init__(self) -> None:
        self.hours: list[tuple[str, datetime]] = []
        self.answers = True

    def start(self, track: str, asof: datetime) -> None:
        if not self.answers:
            raise VenueUnavailable("gone")
        self.hours.append((track, asof))


@pytest.fixture(scope="module")
def provider() -> Iterator[IdentityProvider]:
    provider = IdentityProvider()
    yield provider
    provider.close()


@pytest.fixture
def started(world: World, provider: IdentityProvider) -> Started:
    launches = Started()
    tokens = Oidc(Provider(provider.issuer, ADDRESS, "", ""), httpx.Client())
    state = world.client().app.state
    state.scheduler = Scheduler(CALLER, TRACK, tokens, launches, world.clock)
    return launches


def call(
    world: World, provider: IdentityProvider, scheduled: str = SCHEDULED, **claims: Any
) -> httpx.Response:
    right = {"aud": ADDRESS, "sub": "1", "email": CALLER, "email_verified": True, "exp": 4_000_000_000}
    headers = {
        "Authorization": f"Bearer {provider.signed(**right | claims)}",
        "X-CloudScheduler-ScheduleTime": scheduled,
    }
    return world.client().post("/api/scheduler/hour", headers=headers)


def over(world: World, outcome: str) -> None:
    with Session(world.engine) as session, session.begin():
        open_portfolio(session, PortfolioKey(TRACK, "main"), "USD", world.clock())
        session.flush()
        end = {"reason": "because", "portfolios": 1, "settled": 1, "ended": world.clock()}
        session.add(Hour(track=TRACK, asof=ASOF, outcome=outcome, **end))


def test_the_scheduled_hour_is_started(world: World, provider: IdentityProvider, started: Started) -> None:
    world.clock.pass_(minutes=3)
    answer = call(world, provider)
    assert (answer.status_code, answer.json()["outcome"]) == (200, "OPEN")
    assert started.hours == [(TRACK, ASOF)]


def test_an_hour_that_is_done_is_told_and_not_started(
    world: World, provider: IdentityProvider, started: Started
) -> None:
    over(world, DONE)
    answer = call(world, provider)
    assert (answer.status_code, answer.json()["outcome"], answer.json()["reason"]) == (200, DONE, "because")
    assert not started.hours


def test_an_hour_that_failed_is_started_again(
    world: World, provider: IdentityProvider, started: Started
) -> None:
    over(world, FAILED)
    answer = call(world, provider)
    assert (answer.json()["outcome"], answer.json()["reason"]) == (FAILED, "started again: because")
    assert started.hours == [(TRACK, ASOF)]


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "https://elsewhere.test"},
        {"iss": "https://elsewhere.test"},
        {"exp": 1_000_000_000},
        NOBODY,
        {"email_verified": False},
    ],
    ids=lambda claims: next(iter(claims)),
)
def test_nobody_else_starts_an_hour(
    world: World, provider: IdentityProvider, started: Started, claims: dict[str, Any]
) -> None:
    assert call(world, provider, **claims).status_code == 403
    assert not started.hours


def test_a_token_of_ours_is_none_of_the_schedulers(world: World, started: Started) -> None:
    assert world.client().post("/api/scheduler/hour").status_code == 401
    sent = {"Authorization": "Bearer made-up"}
    assert world.client().post("/api/scheduler/hour", headers=sent).status_code == 403
    assert not started.hours


@pytest.mark.parametrize(
    ("scheduled", "status"),
    [
        ("", 400),
        ("noon", 400),
        ("2026-03-01T12:00:00", 400),
        ("2026-03-01T10:59:00Z", 409),
        ("2026-03-01T12:02:00Z", 409),
        ("2026-03-01T13:00:30+01:00", 200),
    ],
)
def test_only_the_running_hour_can_be_started(
    world: World, provider: IdentityProvider, started: Started, scheduled: str, status: int
) -> None:
    assert call(world, provider, scheduled).status_code == status
    assert started.hours == ([(TRACK, ASOF)] if status == 200 else [])


def test_the_scheduler_is_told_to_call_again_while_the_engine_is_down(
    world: World, provider: IdentityProvider, started: Started
) -> None:
    started.answers = False
    answer = call(world, provider)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "20")


def test_without_a_scheduler_there_is_no_such_place(world: World, provider: IdentityProvider) -> None:
    assert call(world, provider).status_code == 404


def test_the_engine_takes_two_calls_as_one(tmp_path: Any) -> None:
    server = DevServer(tmp_path)
    server.start()
    try:
        launches = Launches(lambda: Server(server.address, NAMESPACE))

        async def runs() -> list[str]:
            client = await server.connect()
            described = client.get_workflow_handle(f"{launch_id(TRACK)}-2026-03-01T12:00Z")
            return [(await described.describe()).run_id]

        asyncio.run(server.connect())
        launches.start(TRACK, ASOF)
        first = asyncio.run(runs())
        launches.start(TRACK, ASOF)
        assert asyncio.run(runs()) == first
    finally:
        server.stop()
    with pytest.raises(VenueUnavailable):
        launches.start(TRACK, ASOF)
