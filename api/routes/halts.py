"""The trading state: who says what, what befell it, and the few things that people may do to it.

Halting is never refused to whoever may halt: the row in the database is tightened first, so it holds with the
engine down. Loosening belongs to the guard, which checks every act and records the ones that do not count.
"""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from activities.halt_messages import HaltStatus, ReviewIn, TripIn
from adapters.storage.base import PortfolioKey
from adapters.storage.track_time import TrackTime
from adapters.storage.trading_state import TradingStates
from api.access.guard import may
from api.access.principal import Principal
from api.access.roles import Action
from api.problems import REFUSAL, REFUSALS, Refused
from api.reads.watched import Watched
from api.scope import Keyed
from api.wire import Answer, Money, money
from temporal.guards import Guards
from trading.errors import VenueUnavailable
from trading.risk.halt_events import TRIPPED, Told
from trading.risk.trading_state import APPROVE, HALTED, REQUEST, Cause, Standing, Tellings, effective

router = APIRouter(prefix="/api/portfolios/{portfolio}/halt", tags=["halt"], responses=REFUSALS)

EVENTS_SHOWN = 100
UNANSWERED: dict[int | str, dict[str, Any]] = {
    503: REFUSAL | {"description": "The guard does not answer; nothing has changed."}
}


class Why(BaseModel):
    """Every command needs a reason; it is kept for ever, with the name of who gave it."""

    model_config = ConfigDict(extra="forbid")
    reason: str = Field(min_length=3, max_length=500, pattern=r"\S", examples=["spread looks wrong"])
    id: UUID | None = Field(None, description="Sent again with the same id, it is the same command.")


class Emptying(Why):
    """To sell everything is said twice: by the command, and by the portfolio's name."""

    confirm: str = Field(max_length=80, description="The portfolio's name.", examples=["main"])


class Review(Why):
    """One act of review of one halt."""

    halt_id: str = Field(min_length=1, max_length=80, examples=["halt-3"])
    signature: str = Field("", max_length=200, description="In live: what `ballast halt sign` printed.")


class Teller(Answer):
    """One of the three that must all allow an entry."""

    name: str
    state: str | None
    """Null when it is missing, which keeps entries out."""
    epoch: int | None


class Event(Answer):
    """Something that befell the trading state."""

    at: datetime
    what: str
    halt: str
    operator: str
    reason: str
    refusal: str
    state: str
    epoch: int


class Watch(Answer):
    """What the guard itself says."""

    halt_id: str
    causes: list[str]
    requester: str
    approvers: list[str]
    approvals_required: int
    clear_h: dict[str, int]
    tier: int
    asof: datetime | None
    equity: Money
    peak: Money
    lifetime_peak: Money
    entries_cancelled: bool


class TradingState(Answer):
    """The trading state of a portfolio."""

    state: str
    epoch: int
    tellers: list[Teller]
    guard: Watch | None
    """Null when the engine does not answer."""
    events: list[Event]
    """The last ones, newest first."""


class Halted(Answer):
    """A halt that holds."""

    halt_id: str
    epoch: int
    guard_knows: bool
    """False: the guard does not answer and takes the halt over when it is back."""


class Reviewed(Answer):
    """What came of an act of review."""

    state: str
    epoch: int
    requester: str
    approvers: list[str]
    approvals_required: int


def _may(action: Action) -> object:
    return Depends(may(action))


Halter = Annotated[Principal, _may(Action.HALT)]
Tripper = Annotated[Principal, _may(Action.TRIP)]
Flattener = Annotated[Principal, _may(Action.FLATTEN)]
Requester = Annotated[Principal, _may(Action.REQUEST_RESUME)]
Approver = Annotated[Principal, _may(Action.APPROVE_RESUME)]


@router.get("", summary="Who says what of the trading state, and what befell it")
def trading_state(key: Keyed, request: Request) -> TradingState:
    states, guards = _desks(request)
    watched: Watched = request.app.state.watched
    told = watched.status(guards, key)
    row, audit = states.tellings(*key)
    tellings = Tellings(Standing(told.state, told.epoch) if told else None, row, audit)
    holds = effective(tellings)
    return TradingState(
        state=holds.state,
        epoch=holds.epoch,
        tellers=[
            Teller(
                name=name,
                state=standing.state if standing else None,
                epoch=standing.epoch if standing else None,
            )
            for name, standing in zip(tellings._fields, tellings, strict=True)
        ],
        guard=_watch(told) if told else None,
        events=[
            Event(
                at=event.at,
                what=event.what,
                halt=event.halt,
                operator=event.operator,
                reason=event.reason,
                refusal=event.refusal,
                state=event.state,
                epoch=event.epoch,
            )
            for event in reversed(states.history(*key, most=EVENTS_SHOWN))
        ],
    )


@router.post("", status_code=201, summary="Halt now: no entries until a resume is approved")
def halt(body: Why, key: Keyed, who: Halter, request: Request) -> Halted:
    return _halt(request, key, who, body, Cause.MANUAL, body.reason)


@router.post("/kill-switch", status_code=201, summary="Trip the kill switch by hand; it latches like a halt")
def trip(body: Why, key: Keyed, who: Tripper, request: Request) -> Halted:
    return _halt(request, key, who, body, Cause.MANUAL, f"kill switch: {body.reason}")


@router.post(
    "/flatten", status_code=201, summary="Halt now, and sell every holding with the next hour's decision"
)
def flatten(body: Emptying, key: Keyed, who: Flattener, request: Request) -> Halted:
    if body.confirm != key.portfolio:
        raise Refused(409, "not confirmed", f"say {key.portfolio} as `confirm` to sell everything it holds")
    return _halt(request, key, who, body, Cause.FLATTEN, body.reason)


@router.post(
    "/request-resume", responses=UNANSWERED, summary="Ask for a resume; somebody else must approve it"
)
def request_resume(body: Review, key: Keyed, who: Requester, request: Request) -> Reviewed:
    return _review(request, key, who, body, REQUEST)


@router.post("/approve-resume", responses=UNANSWERED, summary="Approve a resume that somebody else asked for")
def approve_resume(body: Review, key: Keyed, who: Approver, request: Request) -> Reviewed:
    return _review(request, key, who, body, APPROVE)


def _halt(
    request: Request, key: PortfolioKey, who: Principal, body: Why, cause: Cause, reason: str
) -> Halted:
    states, guards = _desks(request)
    id = str(body.id or uuid4())
    known = states.tellings(*key)[0] or Standing(HALTED, 0)
    wanted = Standing(HALTED, known.epoch + 1)
    flattening = cause is Cause.FLATTEN
    told = Told(id, TRIPPED, who.name, f"{cause}: {reason}", known, wanted, flattening=flattening)
    acts = TradingStates(request.app.state.engine, TrackTime(request.app.state.engine, key))
    holds = acts.record(*key, told).standing
    try:
        if guards is None:
            raise VenueUnavailable("the API was started without an engine")
        guards.trip(*key, TripIn(cause=cause, operator=who.name, reason=reason, request_id=id), id)
        knows = True
    except VenueUnavailable:
        knows = False
    request.app.state.watched.forget(key)
    return Halted(halt_id=states.halt(*key), epoch=holds.epoch, guard_knows=knows)


def _review(request: Request, key: PortfolioKey, who: Principal, body: Review, role: str) -> Reviewed:
    _, guards = _desks(request)
    said = ReviewIn(
        halt_id=body.halt_id, operator=who.name, role=role, reason=body.reason, signature=body.signature
    )
    try:
        if guards is None:
            raise VenueUnavailable("the API was started without an engine")
        out = guards.review(*key, said)
    except VenueUnavailable as error:
        raise Refused(
            503, "the guard does not answer", f"nothing has changed; try again ({error})"
        ) from error
    request.app.state.watched.forget(key)
    if not out.accepted:
        raise Refused(409, "it does not count", out.refusal)
    return Reviewed(
        state=out.state,
        epoch=out.epoch,
        requester=out.requester,
        approvers=list(out.approvers),
        approvals_required=out.approvals_required,
    )


def _desks(request: Request) -> tuple[TradingStates, Guards | None]:
    states: TradingStates = request.app.state.trading_states
    guards: Guards | None = request.app.state.guards
    return states, guards


def _watch(told: HaltStatus) -> Watch:
    return Watch(
        halt_id=told.halt_id,
        causes=list(told.causes),
        requester=told.requester,
        approvers=list(told.approvers),
        approvals_required=told.approvals_required,
        clear_h=told.clear_h,
        tier=told.tier,
        asof=told.asof,
        equity=money(told.equity),
        peak=money(told.peak),
        lifetime_peak=money(told.lifetime_peak),
        entries_cancelled=told.entries_cancelled,
    )
