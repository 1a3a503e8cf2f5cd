"""The table of the trading state, the rules of a review, and the three tellings."""

import itertools

import pytest

from trading.errors import InvariantError
from trading.risk.trading_state import (
    ACTIVE,
    APPROVE,
    HALTED,
    REDUCING,
    REQUEST,
    STATES,
    Act,
    Cause,
    Event,
    Latch,
    Standing,
    Tellings,
    effective,
    move,
    objection,
    refusal,
    reviewed,
    signed_bytes,
)

HALT = Latch(HALTED, 4, (Cause.DRAWDOWN,))
REQUESTED = HALT._replace(requester="ada")


def act(operator: str = "bob", role: str = APPROVE, halt_id: str = "halt-4", reason: str = "seen") -> Act:
    return Act(halt_id, operator, role, reason)


def test_a_trip_halts_from_every_state_and_is_a_halt_of_its_own() -> None:
    for state in STATES:
        after = move(Latch(state, 4), Event.TRIP, Cause.MANUAL)
        assert (after.state, after.epoch, after.halt_id) == (HALTED, 5, "halt-5")
    again = move(reviewed(REQUESTED, act()), Event.TRIP, Cause.PROOF)
    assert again == Latch(HALTED, 5, (Cause.DRAWDOWN, Cause.PROOF))


def test_caution_and_clean_hours_never_touch_a_halt_nor_the_epoch() -> None:
    for event in (Event.CAUTION, Event.CLEAN):
        assert move(REQUESTED, event) == REQUESTED
    assert move(Latch(ACTIVE, 4), Event.CAUTION) == Latch(REDUCING, 4)
    assert move(Latch(REDUCING, 4), Event.CLEAN) == Latch(ACTIVE, 4)


def test_only_a_halt_is_resumed_and_its_causes_go_with_it() -> None:
    assert move(REQUESTED, Event.RESUME) == Latch(ACTIVE, 5)
    for state in (ACTIVE, REDUCING):
        with pytest.raises(InvariantError, match="no resume"):
            move(Latch(state, 4), Event.RESUME)


@pytest.mark.parametrize(
    ("latch", "said", "why"),
    [
        (Latch(ACTIVE, 4), act(halt_id=""), "there is no halt"),
        (REQUESTED, act(halt_id="halt-3"), "halt-3 is not the halt that stands, halt-4 is"),
        (REQUESTED, act(halt_id=""), "nothing is not the halt"),
        (REQUESTED, act("Bob"), "small letters"),
        (REQUESTED, act("bob "), "small letters"),
        (REQUESTED, act(""), "small letters"),
        (REQUESTED, act(role="resume"), "a role is"),
        (REQUESTED, act(reason="  "), "a reason is missing"),
        (HALT, act(), "nobody requested"),
        (REQUESTED, act("ada"), "somebody else must approve"),
        (REQUESTED, act("bob", REQUEST), "requested already, by ada"),
        (reviewed(REQUESTED, act()), act(), "bob approved already"),
    ],
)
def test_a_refused_act_says_why_and_cannot_be_counted(latch: Latch, said: Act, why: str) -> None:
    assert why in refusal(latch, said)
    with pytest.raises(InvariantError):
        reviewed(latch, said)


def test_a_request_and_approvals_of_others_are_counted() -> None:
    requested = reviewed(HALT, act("ada", REQUEST))
    approved = reviewed(reviewed(requested, act("bob")), act("eve"))
    assert (approved.requester, approved.approvers) == ("ada", ("bob", "eve"))


def test_the_tightest_telling_holds_and_entries_pass_only_when_all_agree() -> None:
    options = [None, *(Standing(state, epoch) for state in STATES for epoch in (3, 4))]
    for tellings in itertools.starmap(Tellings, itertools.product(options, repeat=3)):
        held = effective(tellings)
        passes = tellings == (Standing(ACTIVE, held.epoch),) * 3
        assert (held.state == ACTIVE) == passes
        assert (objection(tellings, held.epoch) == "") == passes
        assert objection(tellings, held.epoch + 1)
        assert (held.state == HALTED) == any(t is not None and t.state == HALTED for t in tellings)


def test_an_objection_names_who_objects() -> None:
    fine = Standing(ACTIVE, 4)
    assert objection(Tellings(fine, None, fine), 4) == "the trading state of the row is missing"
    assert objection(Tellings(fine, fine, Standing(HALTED, 4)), 4) == "trading is HALTED by the audit"
    assert "epoch 3, the workflow is at 4" in objection(Tellings(fine, fine, fine), 3)


def test_a_signature_covers_track_portfolio_halt_reason_and_role() -> None:
    plain = signed_bytes("live-a", "main", act())
    assert plain == (
        b'{"halt_id":"halt-4","portfolio":"main","reason":"seen","role":"approve","track":"live-a"}'
    )
    changed = [act(halt_id="halt-5"), act(reason="x"), act(role=REQUEST)]
    others = {signed_bytes("live-a", "main", one) for one in changed}
    others |= {signed_bytes("live-b", "main", act()), signed_bytes("live-a", "other", act())}
    assert len(others | {plain}) == 6
