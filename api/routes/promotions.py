"""A person makes a release champion, or gives the place back to the one before."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select

from activities.messages import Approval, PromoteIn
from adapters.storage.engine import reading, unit_of_work
from adapters.storage.portfolios import Portfolio, Track
from api.access.guard import may
from api.access.principal import Principal
from api.access.roles import Action
from api.access.service import Record
from api.problems import REFUSAL, REFUSALS, Refused
from api.routes.models import Registry
from api.wire import Answer
from temporal.promotions import Promoter
from trading.errors import VenueUnavailable

router = APIRouter(prefix="/api/models", tags=["models"], responses=REFUSALS)

UNANSWERED: dict[int | str, dict[str, Any]] = {
    503: REFUSAL | {"description": "No worker answered; the champion may change once one is back."}
}


class Succession(BaseModel):
    """Every command needs a reason; it is kept for ever, with the name of who gave it."""

    model_config = ConfigDict(extra="forbid")
    track: str = Field(max_length=120, description="Whose mode it is for.", examples=["paper-main"])
    reason: str = Field(min_length=3, max_length=500, pattern=r"\S", examples=["beats the champion"])


class Crowned(Succession):
    """Which release is to be champion."""

    version: int = Field(ge=1, le=1_000_000, examples=[3])


class Champion(Answer):
    """What came of it."""

    track: str
    action: str
    version: int | None
    """That was named; a rollback names none."""


Promoting = Annotated[Principal, Depends(may(Action.PROMOTE))]
Returning = Annotated[Principal, Depends(may(Action.ROLLBACK))]


@router.post("/promote", responses=UNANSWERED, summary="Make a release champion")
def promote(body: Crowned, who: Promoting, request: Request) -> Champion:
    told = PromoteIn(which=str(body.version), mode=_mode(request, who, body.track))
    _decide(request, body, told, who)
    return Champion(track=body.track, action=told.action, version=body.version)


@router.post("/rollback", responses=UNANSWERED, summary="Give the place back to the champion before")
def rollback(body: Succession, who: Returning, request: Request) -> Champion:
    told = PromoteIn(which="", mode=_mode(request, who, body.track), action="rollback")
    _decide(request, body, told, who)
    return Champion(track=body.track, action=told.action, version=None)


def _mode(request: Request, who: Principal, track: str) -> str:
    """The mode of a track that they may see."""
    query = select(Track.mode, Portfolio.portfolio).join(Portfolio, Portfolio.track == Track.track)
    with reading(request.app.state.engine) as session:
        for mode, portfolio in session.execute(query.where(Track.track == track)):
            if who.sees(portfolio):
                return str(mode)
    raise Refused(404, "no such track", f"there is no track {track} that you may see")


def _decide(request: Request, body: Succession, told: PromoteIn, who: Principal) -> None:
    """Write down who wants what, let the registry's rules judge it, and say what they refuse."""
    promoter: Promoter | None = request.app.state.promoter
    record: Record = request.app.state.record
    asked = {"user": who.name, "version": told.which, "track": body.track, "reason": body.reason}
    with unit_of_work(request.app.state.engine) as session:
        record(session, f"{told.action}-asked", asked)
    try:
        if promoter is None:
            raise VenueUnavailable("the API was started without an engine")
        out = promoter.decide(body.track, told, Approval(who=who.name, why=body.reason))
    except VenueUnavailable as error:
        raise Refused(503, "nobody answers", str(error), retry_after_s=60) from error
    registry: Registry = request.app.state.registry
    registry.forget()
    if out.refusal:
        raise Refused(409, "refused", out.refusal)
