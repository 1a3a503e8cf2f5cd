"""Whether a portfolio may enter: the latched halt, its review, and the three tellings that must all allow it.

The workflow of a portfolio, its row in the database and the last entry of the audit log each tell a trading
state. The tightest holds; one that is missing, or of another epoch, keeps entries out.

1. Anyone may tighten at any time. A halt is loosened by a resume alone, and a resume by its approvals alone.
2. Every trip and every resume raises the epoch: what was decided under one never leaves under another.
3. A trip while halted is a halt of its own: it has another name, and its review begins anew.
4. An act of review that is refused changes nothing.
"""

import re
from enum import StrEnum
from typing import NamedTuple

from trading.config import canonical_json
from trading.errors import InvariantError

ACTIVE, REDUCING, HALTED = "ACTIVE", "REDUCING", "HALTED"
STATES = (ACTIVE, REDUCING, HALTED)
"""From loose to tight. REDUCING keeps entries out and clears by itself; HALTED until a resume is approved."""


class Standing(NamedTuple):
    """What one telling says."""

    state: str
    epoch: int
    """Raised by every trip and every resume."""


class Tellings(NamedTuple):
    """The three, each as it was read just now; None where it is missing or could not be reached."""

    workflow: Standing | None
    row: Standing | None
    audit: Standing | None


def effective(tellings: Tellings) -> Standing:
    """What holds: the tightest state, the highest epoch, and no entries where the tellings do not agree."""
    known = [telling for telling in tellings if telling is not None]
    epoch = max((telling.epoch for telling in known), default=0)
    agreed = all(telling is not None and telling.epoch == epoch for telling in tellings)
    return Standing(tightest([telling.state for telling in known] + ([] if agreed else [REDUCING])), epoch)


def tightest(states: list[str]) -> str:
    return max(states, key=STATES.index)


def objection(tellings: Tellings, epoch: int) -> str:
    """Why an entry decided under `epoch` may not leave now; empty when it may."""
    for name, telling in zip(Tellings._fields, tellings, strict=True):
        if telling is None:
            return f"the trading state of the {name} is missing"
        if telling.state != ACTIVE:
            return f"trading is {telling.state} by the {name}"
        if telling.epoch != epoch:
            return f"decided under halt epoch {epoch}, the {name} is at {telling.epoch}"
    return ""


class Event(StrEnum):
    """What moves the trading state."""

    TRIP = "trip"
    CAUTION = "caution"
    """A trigger that clears by itself holds."""
    CLEAN = "clean"
    """None does any more."""
    RESUME = "resume"


AFTER = {
    (ACTIVE, Event.TRIP): HALTED,
    (ACTIVE, Event.CAUTION): REDUCING,
    (ACTIVE, Event.CLEAN): ACTIVE,
    (REDUCING, Event.TRIP): HALTED,
    (REDUCING, Event.CAUTION): REDUCING,
    (REDUCING, Event.CLEAN): ACTIVE,
    (HALTED, Event.TRIP): HALTED,
    (HALTED, Event.CAUTION): HALTED,
    (HALTED, Event.CLEAN): HALTED,
    (HALTED, Event.RESUME): ACTIVE,
}
"""The whole table; what is not in it is an `InvariantError` and changes nothing."""


class Cause(StrEnum):
    """What trips a latched halt."""

    OPENING = "opening"
    """A live portfolio begins halted: a person lets it trade for the first time."""
    DRAWDOWN = "drawdown"
    PROOF = "proof failure"
    MISMATCH = "reconciliation mismatch"
    UNKNOWN_ORDER = "unknown order"
    MANUAL = "manual"
    FLATTEN = "flatten"
    """By hand too, and every holding is sold, hour by hour until the halt is lifted."""
    FOUND = "found tightened"
    """The row or the audit log was tighter than the workflow, or they contradict each other."""


class Latch(NamedTuple):
    """The trading state and, while it is HALTED, what is known of the halt and its review."""

    state: str
    epoch: int
    causes: tuple[str, ...] = ()
    """Of the halt that stands, oldest first."""
    requester: str = ""
    approvers: tuple[str, ...] = ()

    @property
    def standing(self) -> Standing:
        return Standing(self.state, self.epoch)

    @property
    def halt_id(self) -> str:
        """The name of the halt that stands; empty when none does."""
        return halt_name(self.epoch, Cause.FLATTEN in self.causes) if self.state == HALTED else ""


def halt_name(epoch: int, flattening: bool) -> str:
    """What a halt is called: its name says what it does, wherever it is told, stored and reviewed."""
    return f"{Cause.FLATTEN if flattening else 'halt'}-{epoch}"


def flattens(halt: str) -> bool:
    """Whether a halt of this name sells what is held."""
    return halt.startswith(f"{Cause.FLATTEN}-")


def move(latch: Latch, event: Event, cause: str = "") -> Latch:
    """The latch after an event."""
    state = AFTER.get((latch.state, event))
    if state is None:
        raise InvariantError(f"no {event} of a portfolio that is {latch.state}")
    if event is Event.TRIP:
        known = tuple(one for one in latch.causes if one != cause)
        return Latch(HALTED, latch.epoch + 1, (*known, cause))
    if event is Event.RESUME:
        return Latch(state, latch.epoch + 1)
    return latch._replace(state=state)


REQUEST, APPROVE = "request", "approve"
ROLES = (REQUEST, APPROVE)
OPERATOR = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
"""Names are written in one way, so that nobody is two people by a capital letter or a blank."""


class Act(NamedTuple):
    """What one person does towards a resume."""

    halt_id: str
    operator: str
    role: str
    reason: str


def refusal(latch: Latch, act: Act) -> str:
    """Why an act does not count; empty when it does."""
    if latch.state != HALTED:
        return f"the portfolio is {latch.state}, there is no halt to resume from"
    if act.halt_id != latch.halt_id:
        return f"{act.halt_id or 'nothing'} is not the halt that stands, {latch.halt_id} is"
    if not OPERATOR.fullmatch(act.operator):
        return "an operator is named by small letters, digits, dots, dashes and underscores"
    if act.role not in ROLES:
        return f"a role is {REQUEST} or {APPROVE}"
    if not act.reason.strip():
        return "a reason is missing"
    if act.role == REQUEST:
        return f"a resume was requested already, by {latch.requester}" if latch.requester else ""
    if not latch.requester:
        return "nobody requested a resume yet"
    if act.operator == latch.requester:
        return f"{act.operator} requested the resume; somebody else must approve"
    return f"{act.operator} approved already" if act.operator in latch.approvers else ""


def reviewed(latch: Latch, act: Act) -> Latch:
    """The latch with an act counted; one that `refusal` refuses is an `InvariantError`."""
    refused = refusal(latch, act)
    if refused:
        raise InvariantError(refused)
    if act.role == REQUEST:
        return latch._replace(requester=act.operator)
    return latch._replace(approvers=(*latch.approvers, act.operator))


def signed_bytes(track: str, portfolio: str, act: Act) -> bytes:
    """What an operator signs, by Ed25519, so that his approval counts in live."""
    said = {"halt_id": act.halt_id, "reason": act.reason, "role": act.role}
    return canonical_json({"track": track, "portfolio": portfolio, **said})
