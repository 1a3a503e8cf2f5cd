"""The call of an outside clock, once an hour: it starts the hour that it was scheduled for, at most once.

A second clock beside the engine's own schedule: either may fail. The caller proves who it is by an identity
token of its provider, for this address; it can start the running hour of one track, and nothing else.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Header, Request
from sqlalchemy import select

from adapters.storage.engine import reading
from adapters.storage.hours import DONE, Hour
from adapters.storage.story import OPEN
from api.access.guard import address_of, limited
from api.access.oidc import Oidc
from api.problems import REFUSALS, Refused
from api.wire import Answer
from temporal.launches import Launcher
from trading.errors import VenueUnavailable

router = APIRouter(prefix="/api/scheduler", tags=["scheduler"], responses=REFUSALS)

AHEAD, BEHIND = timedelta(minutes=1), timedelta(hours=1)
"""How far a scheduled time may lie from now: clocks differ a little; an hour gone by is not traded late."""
AGAIN_S = 20


class Scheduler(NamedTuple):
    """Who may call, and what the call starts."""

    email: str
    """Of the caller's identity."""
    track: str
    tokens: Oidc
    """Checks the caller's token; its audience is this address."""
    launches: Launcher
    now: Callable[[], datetime]


class Standing(Answer):
    """How the hour stands."""

    track: str
    asof: datetime
    outcome: str
    """`OPEN` until it is over, then `DONE`; `FAILED` is started again."""
    reason: str
    ended: datetime | None


@router.post("/hour", summary="Start the scheduled hour, unless it is under way or done")
def hour(
    request: Request,
    authorization: Annotated[str, Header()] = "",
    scheduled: Annotated[str, Header(alias="X-CloudScheduler-ScheduleTime")] = "",
) -> Standing:
    scheduler = _known(request, authorization)
    asof = _hour_of(scheduled, scheduler.now())
    with reading(request.app.state.engine) as session:
        row = session.scalar(select(Hour).where(Hour.track == scheduler.track, Hour.asof == asof))
    if row is not None and row.outcome == DONE:
        return Standing(
            track=row.track, asof=row.asof, outcome=row.outcome, reason=row.reason, ended=row.ended
        )
    try:
        scheduler.launches.start(scheduler.track, asof)
    except VenueUnavailable as error:
        raise Refused(503, "the engine does not answer", "call again", retry_after_s=AGAIN_S) from error
    outcome, reason = (OPEN, "") if row is None else (row.outcome, f"started again: {row.reason}")
    return Standing(track=scheduler.track, asof=asof, outcome=outcome, reason=reason, ended=None)


def _known(request: Request, authorization: str) -> Scheduler:
    """The scheduler, if it is who calls."""
    scheduler: Scheduler | None = request.app.state.scheduler
    if scheduler is None:
        raise Refused(404, "no scheduler", "this installation is not called by an outside clock")
    limited(request.app.state.buckets, address_of(request))
    if not authorization.startswith("Bearer "):
        raise Refused(401, "not signed in", "send an identity token")
    claims = scheduler.tokens.claims(authorization.removeprefix("Bearer "))
    if claims.get("email") != scheduler.email or claims.get("email_verified") is not True:
        raise Refused(403, "not allowed", "only the scheduler may start hours")
    return scheduler


def _hour_of(scheduled: str, now: datetime) -> datetime:
    """The hour that the call was scheduled for, whenever it came: never the clock's."""
    try:
        meant = datetime.fromisoformat(scheduled)
        if meant.tzinfo is None:
            raise ValueError("a time without its zone")
    except ValueError as error:
        raise Refused(400, "no scheduled time", "X-CloudScheduler-ScheduleTime says which hour") from error
    if not now - BEHIND <= meant <= now + AHEAD:
        raise Refused(409, "not the running hour", "an hour is started in its time or not at all")
    return meant.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
