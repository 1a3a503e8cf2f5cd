"""The hours of a portfolio, and one of them stage by stage: what was seen, decided, allowed, done."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Path, Query, Request
from sqlalchemy import select

from adapters.storage.hours import PortfolioHour
from adapters.storage.story import Account, Filled, Sent, Story, Verdict, story
from api.answers import Remembered
from api.problems import REFUSALS, Refused
from api.scope import Scoped
from api.wire import Answer, BeforeQuery, LimitQuery, Money, Page, cursor, decimal_text, moment, place
from trading.clock import TradingHour
from trading.errors import UsageError
from workflows.names import hour_id

router = APIRouter(
    prefix="/api/portfolios/{portfolio}/hours", tags=["hours"], responses=REFUSALS, route_class=Remembered
)

OutcomeQuery = Annotated[str | None, Query(max_length=20, examples=["TRADED"])]
AsofPath = Annotated[datetime, Path(examples=["2026-01-01T12:00:00Z"])]


class HourLine(Answer):
    """How one hour ended."""

    asof: datetime
    outcome: str
    reason: str
    fills: int
    settled: bool
    ended: datetime


class HourAccount(Answer):
    """The account before the hour's orders."""

    equity: Money
    cash: Money
    exposure: float
    positions: int
    risk_drawdown: float
    lifetime_drawdown: float
    tier: int
    state: str
    halt: str
    triggers: list[str]


class HourVerdict(Answer):
    """What risk made of one intent; quantities > 0 buy."""

    instrument: str
    verdict: str
    reason: str
    breaches: list[str]
    wanted: Money
    approved: Money
    limit: Money
    stop: Money


class HourOrder(Answer):
    """One order and where it stands."""

    instrument: str
    kind: str
    quantity: Money
    price: Money
    state: str
    note: str


class HourFill(Answer):
    """One fill that the hour's state took in."""

    instrument: str
    kind: str
    quantity: Money
    price: Money
    value: Money
    fee: Money
    maker: bool
    at: datetime


class OneHour(Answer):
    """One hour as the straight line that it is."""

    track: str
    portfolio: str
    asof: datetime
    outcome: str
    reason: str
    stages: dict[str, dict[str, Any]]
    account: HourAccount | None
    decision: str
    why_not: dict[str, str]
    verdicts: list[HourVerdict]
    orders: list[HourOrder]
    fills: list[HourFill]
    proof: str
    previous: datetime
    next: datetime
    workflow: str | None
    """The hour in the engine's own page, where that is known."""


@router.get("", summary="How the hours ended, newest first")
def hours(
    scope: Scoped, outcome: OutcomeQuery = None, limit: LimitQuery = 100, before: BeforeQuery = None
) -> Page[HourLine]:
    query = select(PortfolioHour).where(
        PortfolioHour.track == scope.key.track, PortfolioHour.portfolio == scope.key.portfolio
    )
    if outcome is not None:
        query = query.where(PortfolioHour.outcome == outcome)
    if before is not None:
        query = query.where(PortfolioHour.asof < moment(place(before, 1)[0]))
    rows = scope.session.scalars(query.order_by(PortfolioHour.asof.desc()).limit(limit + 1)).all()
    lines = [
        HourLine(
            asof=row.asof,
            outcome=row.outcome,
            reason=row.reason,
            fills=row.fills,
            settled=row.settled,
            ended=row.ended,
        )
        for row in rows[:limit]
    ]
    return Page(items=lines, next=cursor(rows[limit - 1].asof.isoformat()) if len(rows) > limit else None)


@router.get("/{asof}", summary="One hour, stage by stage")
def hour(scope: Scoped, request: Request, asof: AsofPath) -> OneHour:
    try:
        number = TradingHour.at(asof)
    except ValueError as error:
        raise Refused(400, "malformed request", "an asof is a full hour in UTC: 2026-01-01T12:00Z") from error
    try:
        told = story(scope.session, scope.key, asof)
    except UsageError as error:
        raise Refused(404, "no such hour", f"nothing is stored of the hour {number}") from error
    return OneHour(
        **_plain(told),
        previous=number.previous.asof,
        next=number.next.asof,
        workflow=_workflow(request.app.state.temporal_ui, told),
    )


def _workflow(page: str | None, told: Story) -> str | None:
    """Where the engine shows this hour; its page wants slashes of ids escaped twice."""
    if page is None:
        return None
    id = hour_id(told.track, told.asof)
    return f"{page}/workflows/{quote(quote(id, safe=''), safe='')}"


def _plain(value: Any) -> Any:
    """Tuples with names as objects, decimals as exact text."""
    if isinstance(value, Story | Account | Filled | Sent | Verdict):
        return {name: _plain(part) for name, part in value._asdict().items()}
    if isinstance(value, Decimal):
        return decimal_text(value)
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return value
