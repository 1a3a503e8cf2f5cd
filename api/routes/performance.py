"""What the record earned so far, month by month, and how it stands against the targets.

Only what a record can say by itself: the statistical bounds of the verdict need every logged trial and the
benchmarks beside it, and stand in the dossier of an evaluation.
"""

from datetime import date, datetime

import polars as pl
from fastapi import APIRouter, Request
from sqlalchemy import select

from adapters.storage.orders import FillRow
from api.answers import Remembered, rests_on
from api.problems import REFUSALS
from api.reads.series import Marks, MarksCache, asof_of
from api.scope import Scope, Scoped
from api.wire import Answer
from trading.ledger.performance import metrics, period_drawdowns, periods, years
from trading.ledger.verdict import Evidence, performance_verdict

router = APIRouter(
    prefix="/api/portfolios/{portfolio}/performance",
    tags=["performance"],
    responses=REFUSALS,
    route_class=Remembered,
)

UNIT = 1e8
HOURS_MIN = 49
"""Two days and an hour: fewer give no daily return to speak of."""
UNKNOWN = float("nan")


class Month(Answer):
    """One UTC month, or the part of it that is over."""

    month: date
    result: float
    """Of unit value, a fraction."""
    drawdown: float
    """Deepest fall inside it."""


class Target(Answer):
    """One of the mission's targets."""

    name: str
    wanted: str
    value: float | None
    holds: bool | None


class Performance(Answer):
    """The record of a portfolio, on unit value: deposits and withdrawals do not count."""

    label: str
    """What kind of money this is: real, paper or replay."""
    since: datetime | None
    until: datetime | None
    years: float
    cagr: float | None
    volatility: float | None
    sharpe: float | None
    sortino: float | None
    max_drawdown: float | None
    max_monthly_drawdown: float | None
    worst_month: float | None
    exposure: float | None
    turnover: float | None
    trades: int
    fees_paid: float
    months: list[Month]
    targets: list[Target]
    outcome: str
    """NOT MET as soon as one point target fails; never MET by a record alone."""


LABELS = {"live": "real", "paper": "paper", "replay": "replay", "backtest": "backtest"}


@router.get("", summary="The record so far, against the targets")
@rests_on("marks", "ended")
def performance(scope: Scoped, request: Request) -> Performance:
    cache: MarksCache = request.app.state.marks
    marks = cache.of(scope.session, scope.key)
    label = LABELS[scope.key.track.split("-")[0]]
    fills = _fills(scope)
    if marks.hour.size < HOURS_MIN:
        return _too_short(label, marks, fills)
    record = _frame(marks)
    told = metrics(record, fills)
    evidence = Evidence(
        years=years(record),
        bear_years=0,
        cagr=told.cagr,
        sharpe=told.sharpe,
        max_monthly_drawdown=told.max_monthly_drawdown,
        max_drawdown=told.max_drawdown,
        largest_year_share=None,
        largest_coin_share=None,
        sharpe_double_cost=None,
        sharpe_low=UNKNOWN,
        sharpe_gain_low=None,
        dsr=UNKNOWN,
        pbo=None,
    )
    checks = [check for check in performance_verdict(evidence, None).checks if check.point]
    monthly = periods(record, "M")
    falls = period_drawdowns(record, "M")
    return Performance(
        label=label,
        since=asof_of(int(marks.hour[0])),
        until=asof_of(int(marks.hour[-1])),
        years=evidence.years,
        **told._asdict(),
        months=[
            Month(month=month, result=result, drawdown=fall)
            for month, result, fall in zip(monthly["period"], monthly["return"], falls.tolist(), strict=True)
        ],
        targets=[Target(name=c.name, wanted=c.wanted, value=c.value, holds=c.holds) for c in checks],
        outcome="NOT MET" if any(check.holds is False for check in checks) else "INCONCLUSIVE",
    )


def _frame(marks: Marks) -> pl.DataFrame:
    equity = marks.column("equity")
    return pl.DataFrame(
        {
            "asof": pl.Series(marks.hour * 3_600_000, dtype=pl.Int64).cast(pl.Datetime("ms", "UTC")),
            "equity": equity / UNIT,
            "units": marks.column("units") / UNIT,
            "exposure": marks.column("exposure") / equity,
        }
    )


def _fills(scope: Scope) -> pl.DataFrame:
    query = select(FillRow.value, FillRow.fee).where(
        FillRow.track == scope.key.track, FillRow.portfolio == scope.key.portfolio
    )
    rows = scope.session.execute(query).all()
    return pl.DataFrame(
        {"value": [row[0] / UNIT for row in rows], "fee": [row[1] / UNIT for row in rows]},
        schema={"value": pl.Float64, "fee": pl.Float64},
    )


def _too_short(label: str, marks: Marks, fills: pl.DataFrame) -> Performance:
    hours = marks.hour
    return Performance(
        label=label,
        since=asof_of(int(hours[0])) if hours.size else None,
        until=asof_of(int(hours[-1])) if hours.size else None,
        years=hours.size / 8760,
        **dict.fromkeys(
            (
                *("cagr", "volatility", "sharpe", "sortino", "max_drawdown", "max_monthly_drawdown"),
                *("worst_month", "exposure", "turnover"),
            )
        ),
        trades=fills.height,
        fees_paid=float(fills["fee"].sum()),
        months=[],
        targets=[],
        outcome="INCONCLUSIVE",
    )
