"""What a portfolio is worth, how it got there, and how close it is to its limits."""

import json
from datetime import datetime
from typing import Annotated

import numpy as np
from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from adapters.storage.base import PortfolioKey
from adapters.storage.engine import reading
from adapters.storage.halts import Halts
from adapters.storage.hours import Mandate, PortfolioHour
from adapters.storage.portfolios import Portfolio, Track
from adapters.storage.states import Mark
from api.access.guard import Reader
from api.access.roles import Action
from api.answers import Remembered, rests_on
from api.problems import REFUSALS, Refused
from api.reads.series import NAMES, Marks, MarksCache, asof_of, drawdown, thinned, worst
from api.scope import Scoped
from api.wire import Answer, Money, csv_file, decimal_text, money
from trading.codes import TRIGGERS
from trading.instruments import amount

router = APIRouter(prefix="/api/portfolios", tags=["portfolios"], responses=REFUSALS, route_class=Remembered)

UNIT = 1e8


class Listed(Answer):
    """A portfolio that you may see."""

    track: str
    portfolio: str
    mode: str
    quote: str
    opened: datetime


class Meter(Answer):
    """How much of a limit is used; both are of the same unit."""

    name: str
    used: float
    limit: float
    unit: str


class Overview(Answer):
    """A portfolio at its last mark."""

    track: str
    mode: str
    portfolio: str
    quote: str
    asof: datetime | None
    equity: Money
    cash: Money
    exposure: Money
    unit_value: float
    positions: int
    day_change: float | None
    """Of unit value over 24 hours, a fraction."""
    state: str
    """What the database row says; entries also need the workflow and the audit trail to agree."""
    halt: str
    halt_epoch: int
    state_cause: str
    triggers: list[str]
    risk_drawdown: float
    lifetime_drawdown: float
    tiers: list[float]
    """Where the drawdown tiers begin, fractions."""
    tier: int
    meters: list[Meter]
    predictor: str
    last_hour: datetime | None
    last_outcome: str | None
    last_reason: str | None
    last_ended: datetime | None
    """When it was over by the clock of this machine; a replay's hours pass faster than real ones."""


class Series(Answer):
    """Columns of one length; at most 2,000 points, the last hour of each bucket."""

    asof: list[datetime]
    equity: list[float]
    unit_value: list[float]
    exposure: list[float]
    """Of equity, a fraction."""
    positions: list[int]
    risk_drawdown: list[float]
    """Worst of the bucket, a fraction."""
    lifetime_drawdown: list[float]
    flow: list[float]
    """Deposits less withdrawals in the bucket."""
    tier: list[int]
    hours_a_point: int


@router.get("", summary="The portfolios that you may see")
def portfolios(principal: Reader, request: Request) -> list[Listed]:
    query = select(Portfolio, Track.mode).join(Track, Track.track == Portfolio.track)
    with reading(request.app.state.engine) as session:
        rows = session.execute(query.order_by(Portfolio.opened.desc(), Portfolio.track, Portfolio.portfolio))
        return [
            Listed(track=row.track, portfolio=row.portfolio, mode=mode, quote=row.quote, opened=row.opened)
            for row, mode in rows
            if principal.sees(row.portfolio)
        ]


@router.get("/{portfolio}", summary="A portfolio at its last mark")
def overview(scope: Scoped, request: Request) -> Overview:
    session, key = scope.session, scope.key
    cache: MarksCache = request.app.state.marks
    marks = cache.of(session, key)
    mandate = _mandate(session, key)
    halts = Halts(session, key)
    standing, change = halts.standing(), halts.last()
    last = session.scalar(
        select(PortfolioHour)
        .where(PortfolioHour.track == key.track, PortfolioHour.portfolio == key.portfolio)
        .order_by(PortfolioHour.asof.desc())
        .limit(1)
    )
    row = _last_mark(session, key)
    unit = _unit_values(marks)
    limits = json.loads(mandate.document)["config"]["limits"] if mandate else {}
    portfolio = session.get_one(Portfolio, tuple(key))
    return Overview(
        track=key.track,
        mode=session.get_one(Track, key.track).mode,
        portfolio=key.portfolio,
        quote=portfolio.quote,
        asof=row.asof if row else None,
        equity=money(row.equity if row else 0),
        cash=money(row.cash if row else 0),
        exposure=money(row.exposure if row else 0),
        unit_value=float(unit[-1]) if unit.size else 1.0,
        positions=row.positions if row else 0,
        day_change=float(unit[-1] / unit[-25] - 1) if unit.size > 24 else None,
        state=standing.state,
        halt=row.halt if row else "",
        halt_epoch=standing.epoch,
        state_cause=change.cause if change else "never set",
        triggers=[word for bit, word in enumerate(TRIGGERS) if row and row.triggers >> bit & 1],
        risk_drawdown=_fraction(row, "peak"),
        lifetime_drawdown=_fraction(row, "lifetime_peak"),
        tiers=[limits[f"drawdown_{tier}_pct"] / 100 for tier in ("small", "large", "halt")] if limits else [],
        tier=row.tier if row else 0,
        meters=_meters(row, limits),
        predictor=mandate.predictor if mandate else "",
        last_hour=last.asof if last else None,
        last_outcome=last.outcome if last else None,
        last_reason=last.reason if last else None,
        last_ended=last.ended if last else None,
    )


FromQuery = Annotated[datetime | None, Query(alias="from", description="First asof, with a time zone.")]
ToQuery = Annotated[datetime | None, Query(alias="to", description="Last asof, with a time zone.")]


@router.get("/{portfolio}/equity", summary="Equity, drawdown and exposure over time")
@rests_on("marks")
def equity(scope: Scoped, request: Request, since: FromQuery = None, until: ToQuery = None) -> Series:
    cache: MarksCache = request.app.state.marks
    marks = cache.of(scope.session, scope.key).between(_hour(since, 0), _hour(until, 1 << 40))
    ends = thinned(marks.hour.size)
    value, units = marks.column("equity"), marks.column("units")
    down = [worst(drawdown(value, marks.column(peak)), ends) for peak in ("peak", "lifetime_peak")]
    starts = np.concatenate(([0], ends[:-1] + 1)) if ends.size else ends
    flows = np.add.reduceat(marks.column("flow"), starts) if ends.size else marks.column("flow")
    shown = value[ends]
    return Series(
        asof=[asof_of(int(hour)) for hour in marks.hour[ends]],
        equity=(shown / UNIT).tolist(),
        unit_value=(shown / np.maximum(units[ends], 1)).tolist(),
        exposure=(marks.column("exposure")[ends] / np.maximum(shown, 1)).tolist(),
        positions=marks.column("positions")[ends].tolist(),
        risk_drawdown=down[0].tolist(),
        lifetime_drawdown=down[1].tolist(),
        flow=(flows / UNIT).tolist(),
        tier=marks.column("tier")[ends].tolist(),
        hours_a_point=int(ends[1] - ends[0]) if ends.size > 1 else 1,
    )


@router.get("/{portfolio}/equity.csv", summary="Every hour's mark as a file", response_class=Response)
def equity_csv(scope: Scoped, request: Request, since: FromQuery = None, until: ToQuery = None) -> Response:
    if not scope.principal.may(Action.EXPORT):
        raise Refused(403, "not allowed", "you may not export")
    cache: MarksCache = request.app.state.marks
    marks = cache.of(scope.session, scope.key).between(_hour(since, 0), _hour(until, 1 << 40))
    counts = {"positions", "tier", "triggers", "units"}

    def row(number: int) -> list[object]:
        values = zip(NAMES, marks.values[number].tolist(), strict=True)
        told = [value if name in counts else decimal_text(amount(value)) for name, value in values]
        return [asof_of(int(marks.hour[number])), *told]

    rows = (row(number) for number in range(marks.hour.size))
    return csv_file(f"equity-{scope.key.portfolio}", ("asof", *NAMES), rows)


def _hour(time: datetime | None, otherwise: int) -> int:
    if time is None:
        return otherwise
    if time.tzinfo is None:
        raise Refused(422, "malformed request", "times need a zone, such as 2026-01-01T00:00Z")
    return int(time.timestamp() // 3600)


def _unit_values(marks: Marks) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.asarray(marks.column("equity") / np.maximum(marks.column("units"), 1))


def _last_mark(session: Session, key: PortfolioKey) -> Mark | None:
    query = select(Mark).where(Mark.track == key.track, Mark.portfolio == key.portfolio)
    return session.scalar(query.order_by(Mark.asof.desc()).limit(1))


def _mandate(session: Session, key: PortfolioKey) -> Mandate | None:
    query = select(Mandate).where(Mandate.track == key.track, Mandate.portfolio == key.portfolio)
    return session.scalar(query.order_by(Mandate.asof.desc()).limit(1))


def _fraction(row: Mark | None, peak: str) -> float:
    if row is None:
        return 0.0
    return float(drawdown(np.array([row.equity]), np.array([getattr(row, peak)]))[0])


def _meters(row: Mark | None, limits: dict[str, int]) -> list[Meter]:
    """Used against limit, as the tier that holds has it."""
    if row is None or not limits:
        return []
    large = row.tier >= 2
    exposure = limits["large_exposure_ppm"] if large else limits["exposure_hard_ppm"]
    positions = limits["large_positions_max"] if large else limits["positions_max"]
    share = row.exposure / row.equity if row.equity > 0 else 0.0
    return [
        Meter(name="exposure", used=share, limit=exposure / 1e6, unit="of equity"),
        Meter(name="positions", used=row.positions, limit=positions, unit="positions"),
        Meter(
            name="drawdown",
            used=_fraction(row, "peak"),
            limit=limits["drawdown_halt_pct"] / 100,
            unit="of peak",
        ),
    ]
