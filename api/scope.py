"""One portfolio on one track, seen by someone who may: what nearly every read begins with."""

from collections.abc import AsyncIterator, Iterator
from typing import Annotated, NamedTuple

from fastapi import Depends, Path, Query, Request
from sqlalchemy import select
from sqlalchemy.orm import Session

from adapters.storage.base import PortfolioKey
from adapters.storage.engine import reading
from adapters.storage.portfolios import Portfolio
from api.access.guard import Reader, seen
from api.access.principal import Principal
from api.problems import Refused


class Scope(NamedTuple):
    """A consistent view of the database and the one portfolio that it is about."""

    session: Session
    key: PortfolioKey
    principal: Principal


PortfolioPath = Annotated[str, Path(max_length=80, examples=["main"])]
TrackQuery = Annotated[
    str | None, Query(max_length=120, description="A track by name; without it the portfolio's newest.")
]


async def turn(request: Request) -> AsyncIterator[None]:
    """Wait until few enough others hold a view.

    A view holds a connection while its request moves from thread to thread. Were there more views than
    connections, every thread could come to wait for a connection whose holder waits for a thread.
    """
    async with request.app.state.turns:
        yield


Turn = Annotated[None, Depends(turn)]


def scope(
    request: Request, principal: Reader, _turn: Turn, portfolio: PortfolioPath, track: TrackQuery = None
) -> Iterator[Scope]:
    """The portfolio named by the path; 404 when there is none or it is not theirs to see."""
    seen(principal, portfolio)
    with reading(request.app.state.engine) as session:
        yield Scope(session, _key(session, portfolio, track), principal)


Scoped = Annotated[Scope, Depends(scope)]


def keyed(
    request: Request, principal: Reader, portfolio: PortfolioPath, track: TrackQuery = None
) -> PortfolioKey:
    """The same without a view held open, for what lasts longer than a question."""
    return key_of(request, principal, portfolio, track)


Keyed = Annotated[PortfolioKey, Depends(keyed)]


def key_of(request: Request, principal: Principal, portfolio: str, track: str | None) -> PortfolioKey:
    """The portfolio that a request is about; 404 when there is none or it is not theirs to see."""
    seen(principal, portfolio)
    with reading(request.app.state.engine) as session:
        return _key(session, portfolio, track)


def _key(session: Session, portfolio: str, track: str | None) -> PortfolioKey:
    query = select(Portfolio.track).where(Portfolio.portfolio == portfolio)
    if track is not None:
        query = query.where(Portfolio.track == track)
    found = session.scalar(query.order_by(Portfolio.opened.desc(), Portfolio.track.desc()).limit(1))
    if found is None:
        raise Refused(404, "no such portfolio", f"there is no portfolio {portfolio} that you may see")
    return PortfolioKey(found, portfolio)
