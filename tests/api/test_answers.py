"""An answer that is remembered is the one that would be made, and only for whoever may have it."""

import asyncio
from datetime import timedelta

import httpx
import pytest

from adapters.storage.engine import unit_of_work
from adapters.storage.states import Mark
from api.access.roles import Role, Scope
from api.answers import Answers, Told
from api.reads import changes, series
from api.routes import performance
from tests.history import BEGAN, mark, with_a_past
from tests.installation import World

BASE = "/api/portfolios/main"
READS = (
    "",
    "/equity",
    "/hours",
    "/orders",
    "/trades",
    "/verdicts",
    "/positions",
    "/reconciliation",
    "/audit",
)


@pytest.fixture
def asked(world: World, monkeypatch: pytest.MonkeyPatch):
    """A program of ada's, and nothing seen is older than the question."""
    monkeypatch.setattr(changes, "LOOK_S", 0.0)
    key = with_a_past(world.engine)
    world.person("ada", Role.VIEWER)
    return key, world.with_token("ada", Scope.READ)


def test_the_second_answer_is_the_first_and_costs_no_making(asked, monkeypatch: pytest.MonkeyPatch) -> None:
    _, program = asked
    first = [program.get(BASE + read) for read in READS]
    monkeypatch.setattr(series.MarksCache, "of", None)
    again = [program.get(BASE + read) for read in READS]
    assert [answer.content for answer in again] == [answer.content for answer in first]
    assert [answer.headers["etag"] for answer in again] == [answer.headers["etag"] for answer in first]


def test_what_is_stored_is_in_the_next_answer(world: World, asked) -> None:
    key, program = asked
    before = program.get(f"{BASE}/equity").json()
    with unit_of_work(world.engine, key) as session:
        session.add(Mark(**mark(key, BEGAN + timedelta(hours=48), 48, 96)))
    assert len(program.get(f"{BASE}/equity").json()["asof"]) == len(before["asof"]) + 1
    assert program.get(BASE).json()["asof"] == "2026-01-03T00:00:00Z"


def test_a_remembered_answer_is_only_for_whoever_may_have_it(world: World, asked) -> None:
    _, program = asked
    assert program.get(BASE).status_code == 200
    world.person("bob", Role.ADMIN, "other")
    assert world.with_token("bob", Scope.READ).get(BASE).status_code == 404
    assert world.client().get(BASE).status_code == 401
    access = program.app.state.access
    access.revoke_token("ada", access.tokens("ada")[0].id, by="ada")
    assert program.get(BASE).status_code == 401


def test_what_many_ask_for_at_once_is_made_once(asked, monkeypatch: pytest.MonkeyPatch) -> None:
    _, program = asked
    made: list[int] = []
    of = performance.metrics

    def counted(*args):
        made.append(1)
        return of(*args)

    monkeypatch.setattr(performance, "metrics", counted)
    monkeypatch.setattr(performance, "HOURS_MIN", 1)

    async def crowd() -> list[int]:
        transport = httpx.ASGITransport(app=program.app)
        headers = {"Authorization": program.headers["Authorization"]}
        async with httpx.AsyncClient(transport=transport, base_url="http://desk", headers=headers) as client:
            answers = await asyncio.gather(*(client.get(f"{BASE}/performance") for _ in range(20)))
        return [answer.status_code for answer in answers]

    assert asyncio.run(crowd()) == [200] * 20
    assert len(made) == 1


def test_the_oldest_answers_are_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.answers.BYTES_MAX", 25)
    answers, key = Answers(), ("replay-a-1", "main")
    for path in "abc":
        answers.keep((key, path, ""), Told("1", path, b"x" * 10, None))
    assert [bool(answers.find((key, path, ""), "1")) for path in "abc"] == [False, True, True]
    assert answers.find((key, "c", ""), "2") is None
