"""Champions change by a person's word, with a reason, through whoever keeps the registry."""

import pytest

from activities.messages import Approval, PromoteIn, PromoteOut
from api.access.roles import Action, Role, allowed
from tests.history import with_a_past
from tests.installation import World
from trading.errors import VenueUnavailable

BODY = {"track": "replay-a-1", "reason": "beats the champion"}


class Desk:
    """A registry that crowns release 1 only, or does not answer."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, PromoteIn, Approval]] = []
        self.is_down = False

    def decide(self, track: str, told: PromoteIn, said: Approval) -> PromoteOut:
        if self.is_down:
            raise VenueUnavailable("nobody there")
        self.asked.append((track, told, said))
        return PromoteOut(which=told.which, refusal="" if told.which in ("", "1") else "trained on a proxy")


@pytest.fixture
def desk(world: World) -> Desk:
    with_a_past(world.engine)
    desk = Desk()
    world.client().app.state.promoter = desk
    for role in Role:
        world.person(role.value, role)
    return desk


def test_a_promotion_is_for_the_mode_of_the_track_and_names_who_and_why(world: World, desk: Desk) -> None:
    told = world.signed_in("approver").post("/api/models/promote", json={**BODY, "version": 1})
    assert told.json() == {"track": "replay-a-1", "action": "promote", "version": 1}
    (asked,) = desk.asked
    assert asked[1:] == (PromoteIn(which="1", mode="replay"), Approval(who="approver", why=BODY["reason"]))
    assert ("promote-asked", "approver") in [(kind, facts.get("user")) for kind, facts in world.written]


def test_what_the_rules_refuse_is_said_with_every_reason(world: World, desk: Desk) -> None:
    answer = world.signed_in("approver").post("/api/models/promote", json={**BODY, "version": 2})
    assert (answer.status_code, answer.json()["detail"]) == (409, "trained on a proxy")


def test_a_rollback_names_no_release(world: World, desk: Desk) -> None:
    assert world.signed_in("operator").post("/api/models/rollback", json=BODY).status_code == 200
    assert desk.asked[0][1] == PromoteIn(which="", mode="replay", action="rollback")


def test_nobody_is_promoted_while_nobody_answers_or_on_a_track_unseen(world: World, desk: Desk) -> None:
    approver = world.signed_in("approver")
    body = {**BODY, "version": 1}
    assert approver.post("/api/models/promote", json={**body, "track": "live-x"}).status_code == 404
    desk.is_down = True
    assert approver.post("/api/models/promote", json=body).status_code == 503
    world.client().app.state.promoter = None
    assert approver.post("/api/models/promote", json=body).status_code == 503


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize(("path", "action"), [("promote", Action.PROMOTE), ("rollback", Action.ROLLBACK)])
def test_only_whoever_may_is_listened_to(
    world: World, desk: Desk, role: Role, path: str, action: Action
) -> None:
    body = {**BODY, "version": 1} if path == "promote" else BODY
    answer = world.signed_in(role.value).post(f"/api/models/{path}", json=body)
    assert answer.status_code == (200 if allowed(role, action) else 403)
