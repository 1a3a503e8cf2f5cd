"""Halting and reviewing through the API, over a real engine and without one."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from adapters.storage.base import PortfolioKey
from adapters.storage.engine import unit_of_work
from adapters.storage.portfolios import open_portfolio
from api.access.roles import Action, Role, Scope, allowed
from temporal.client import Server
from temporal.guards import Guards
from tests.devserver import NAMESPACE, DevServer
from tests.halting import guarded
from tests.history import with_a_past
from tests.installation import World

KEY = PortfolioKey("replay-a-1", "main")
BASE = "/api/portfolios/main/halt"
BODY = {"reason": "looks wrong"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevServer]:
    server = DevServer(tmp_path_factory.mktemp("temporal"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def desk(world: World) -> World:
    """An installation with one portfolio and a person of each role."""
    with unit_of_work(world.engine) as session:
        open_portfolio(session, KEY, "USD", world.clock())
    for role in Role:
        world.person(role.value, role)
    world.person("second", Role.APPROVER)
    return world


def test_a_halt_is_tripped_reviewed_by_two_and_lifted(desk: World, server: DevServer) -> None:
    desk.client().app.state.guards = Guards(lambda: Server(server.address, NAMESPACE))
    operator, approver = desk.signed_in("operator"), desk.signed_in("approver")
    with guarded(server, desk.engine, KEY):
        assert operator.get(BASE).json()["state"] == "ACTIVE"
        tripped = operator.post(BASE, json=BODY).json()
        assert tripped == {"halt_id": "halt-1", "epoch": 1, "guard_knows": True}
        told = operator.get(BASE).json()
        assert {teller["state"] for teller in told["tellers"]} == {"HALTED"}
        assert told["guard"]["causes"] == ["manual"]
        named = {"halt_id": "halt-1", **BODY}
        early = approver.post(f"{BASE}/approve-resume", json=named)
        assert (early.status_code, early.json()["title"]) == (409, "it does not count")
        assert operator.post(f"{BASE}/request-resume", json=named).status_code == 200
        assert operator.post(f"{BASE}/approve-resume", json=named).status_code == 403
        wrong = approver.post(f"{BASE}/approve-resume", json={**named, "halt_id": "halt-7"})
        assert wrong.status_code == 409
        lifted = approver.post(f"{BASE}/approve-resume", json=named)
        assert (lifted.status_code, lifted.json()["state"]) == (200, "ACTIVE")
        told = operator.get(BASE).json()
        assert {teller["state"] for teller in told["tellers"]} == {"ACTIVE"}
        refused = [event for event in told["events"] if event["refusal"]]
        assert {event["operator"] for event in refused} == {"approver"}


def test_who_requested_cannot_approve_whatever_their_role_became(desk: World, server: DevServer) -> None:
    desk.client().app.state.guards = Guards(lambda: Server(server.address, NAMESPACE))
    key = KEY._replace(portfolio="other")
    with unit_of_work(desk.engine) as session:
        open_portfolio(session, key, "USD", desk.clock())
    access = desk.client().app.state.access
    access.add_user("two-hats", Role.OPERATOR, ("other",), "correct horse battery staple", "test")
    base = BASE.replace("main", "other")
    with guarded(server, desk.engine, key):
        person = desk.signed_in("two-hats")
        assert person.post(f"{base}/kill-switch", json=BODY).status_code == 201
        named = {"halt_id": "halt-1", **BODY}
        assert person.post(f"{base}/request-resume", json=named).status_code == 200
        access.change_user("two-hats", by="test", role=Role.APPROVER)
        refused = desk.signed_in("two-hats").post(f"{base}/approve-resume", json=named)
        assert refused.status_code == 409
        assert desk.signed_in("two-hats").get(base).json()["state"] == "HALTED"


def test_halting_works_with_the_engine_down_and_loosening_does_not(desk: World) -> None:
    desk.client().app.state.guards = Guards(lambda: Server("127.0.0.1:9", NAMESPACE))
    operator = desk.signed_in("operator")
    tripped = operator.post(BASE, json=BODY)
    assert tripped.status_code == 201
    assert tripped.json()["guard_knows"] is False
    told = operator.get(BASE).json()
    assert told["state"] == "HALTED"
    assert {teller["name"]: teller["state"] for teller in told["tellers"]}["workflow"] is None
    named = {"halt_id": tripped.json()["halt_id"], **BODY}
    answer = operator.post(f"{BASE}/request-resume", json=named)
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")


def test_an_act_in_a_replay_comes_right_after_the_mark_that_was_told(world: World) -> None:
    with_a_past(world.engine, hours=3, trades=1)
    world.person("ada", Role.OPERATOR)
    ada = world.signed_in("ada")
    assert ada.post(BASE, json=BODY).status_code == 201
    assert ada.get(BASE).json()["events"][0]["at"] == "2026-01-01T02:00:00.000001Z"


def test_a_command_sent_twice_under_one_id_is_one_command(desk: World) -> None:
    operator, body = desk.signed_in("operator"), {**BODY, "id": str(uuid4())}
    first = operator.post(BASE, json=body).json()
    assert operator.post(BASE, json=body).json() == first
    assert operator.post(BASE, json=BODY).json()["epoch"] == first["epoch"] + 1


def test_to_flatten_is_confirmed_by_name_and_goes_on_until_it_is_lifted(
    desk: World, server: DevServer
) -> None:
    desk.client().app.state.guards = Guards(lambda: Server(server.address, NAMESPACE))
    key = KEY._replace(portfolio="flat")
    with unit_of_work(desk.engine) as session:
        open_portfolio(session, key, "USD", desk.clock())
    for name, role in (("asks", Role.OPERATOR), ("allows", Role.APPROVER)):
        desk.person(name, role, "flat")
    base, operator = BASE.replace("main", "flat"), desk.signed_in("asks")
    with guarded(server, desk.engine, key):
        assert operator.get(base).json()["state"] == "ACTIVE"
        wrong = operator.post(f"{base}/flatten", json={**BODY, "confirm": "main"})
        assert (wrong.status_code, operator.get(base).json()["state"]) == (409, "ACTIVE")
        told = operator.post(f"{base}/flatten", json={**BODY, "confirm": "flat"})
        assert (told.status_code, told.json()["halt_id"]) == (201, "flatten-1")
        assert operator.post(base, json=BODY).json()["halt_id"] == "flatten-2"
        assert operator.get(base).json()["guard"]["causes"] == ["flatten", "manual"]
        named = {"halt_id": "flatten-2", **BODY}
        assert operator.post(f"{base}/request-resume", json=named).status_code == 200
        lifted = desk.signed_in("allows").post(f"{base}/approve-resume", json=named)
        assert (lifted.status_code, lifted.json()["state"]) == (200, "ACTIVE")
        assert operator.post(base, json=BODY).json()["halt_id"] == "halt-4"


COMMANDS = (
    ("", Action.HALT),
    ("/kill-switch", Action.TRIP),
    ("/flatten", Action.FLATTEN),
    ("/request-resume", Action.REQUEST_RESUME),
    ("/approve-resume", Action.APPROVE_RESUME),
)


FURTHER = {
    "/flatten": {"confirm": "main"},
    "/request-resume": {"halt_id": "halt-1"},
    "/approve-resume": {"halt_id": "halt-1"},
}


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize(("path", "action"), COMMANDS)
def test_only_whoever_may_is_listened_to(desk: World, role: Role, path: str, action: Action) -> None:
    browser = desk.signed_in(role.value)
    reader = desk.with_token(role.value, Scope.READ)
    program = desk.with_token(role.value, Scope.COMMAND)
    named = {**BODY, **FURTHER.get(path, {})}
    heard = {201, 503} if allowed(role, action) else {403}
    assert browser.post(f"{BASE}{path}", json=named).status_code in heard
    assert program.post(f"{BASE}{path}", json=named).status_code in heard
    assert reader.post(f"{BASE}{path}", json=named).status_code == 403


@pytest.mark.parametrize("reason", ["", "  ", "ab", "x" * 501, None])
def test_a_command_needs_a_reason(desk: World, reason: str | None) -> None:
    operator = desk.signed_in("operator")
    assert operator.post(BASE, json={"reason": reason}).status_code == 422
    assert operator.get(BASE).json()["events"] == []
