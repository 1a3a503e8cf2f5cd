"""What the window of an hour shows: candles, who may be traded and why not, who moves with whom.

All of it is computed from the bytes that the hour's decision saw, by the functions that the decision used.
"""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Query, Request
from sqlalchemy import select

from adapters.objects import ObjectStore
from adapters.storage.hours import Stage
from api.answers import Remembered, rests_on
from api.problems import REFUSALS, Refused
from api.scope import Scope, Scoped
from api.wire import Answer
from trading.clock import DAY_H, TradingHour

if TYPE_CHECKING:
    from trading.market import Floats, Grid

router = APIRouter(
    prefix="/api/portfolios/{portfolio}/market", tags=["market"], responses=REFUSALS, route_class=Remembered
)

HOURS_MAX = 2_000


class Candles(Answer):
    """Columns of one length, an hour each; an hour without a price is left out."""

    instrument: str
    asof: list[datetime]
    """Close of the hour."""
    open: list[float]
    high: list[float]
    low: list[float]
    close: list[float]
    volume: list[float]


class Candidate(Answer):
    """One instrument at the last midnight, where the universe is decided."""

    instrument: str
    eligible: bool
    reason: str
    """The first rule that keeps it out; `eligible` where none does."""
    list: str | None
    """Which reviewed list names it."""
    notional: float | None
    """Median of a day's turnover, of the quote."""
    spread_bp: float | None
    """Estimated, of the price."""


class Universe(Answer):
    """Who may be traded on this day, and why the others may not."""

    asof: datetime
    decided: datetime
    notional_min: float
    spread_bp_max: float
    age_d: int
    names_max: int
    candidates: list[Candidate]


class Correlation(Answer):
    """Who moves with whom over 30 days, as the day's clusters and betas were decided."""

    decided: datetime
    instruments: list[str]
    correlation: list[list[float | None]]
    """Shrunk; null where two have too little in common."""
    cluster: list[int]
    """The first of its cluster, by place."""
    beta: list[float]
    """To bitcoin, shrunk."""
    cut: float
    """Of one cluster are those whose mean correlation is at least that."""


@router.get("/candles", summary="The hours of one instrument, as the newest decision saw them")
@rests_on("windows")
def candles(
    scope: Scoped,
    request: Request,
    instrument: Annotated[str, Query(max_length=20, examples=["BTC/USD"])],
    hours: Annotated[int, Query(ge=1, le=HOURS_MAX)] = 336,
) -> Candles:
    grid = _window(scope, request)
    if instrument not in grid.instruments:
        raise Refused(404, "no such instrument", f"the window of {scope.key.track} has no {instrument}")
    a = grid.instruments.index(instrument)
    rows = [row for row in range(max(0, grid.hours - hours), grid.hours) if grid.valid[row, a]]
    return Candles(
        instrument=instrument,
        asof=[TradingHour(grid.first + row).asof for row in rows],
        open=grid.open[rows, a].tolist(),
        high=grid.high[rows, a].tolist(),
        low=grid.low[rows, a].tolist(),
        close=grid.close[rows, a].tolist(),
        volume=grid.volume[rows, a].tolist(),
    )


@router.get("/universe", summary="Who may be traded, and the rule that keeps each of the others out")
@rests_on("windows")
def universe(scope: Scoped, request: Request) -> Universe:
    from config.trading import data_venues
    from config.universe import load
    from trading.universe import Reason, eligibility

    grid = _window(scope, request)
    lists, rules = load()
    held = eligibility(grid, lists, rules, data_venues()[grid.venue].volume_scale)
    decided = TradingHour(held.day_first + (held.reason.shape[0] - 1) * DAY_H)
    kinds = {one.base: one.kind for one in lists if one.first <= decided.number}
    candidates = [
        Candidate(
            instrument=name,
            eligible=held.reason[-1, a] == Reason.ELIGIBLE,
            reason=Reason(held.reason[-1, a]).name.lower().replace("_", " "),
            list=kinds.get(name.split("/")[0]),
            notional=_known(held.notional[-1, a]),
            spread_bp=_known(held.spread_bp[-1, a]),
        )
        for a, name in enumerate(grid.instruments)
    ]
    return Universe(
        asof=TradingHour(grid.last).asof,
        decided=decided.asof,
        notional_min=rules.notional_usd_min,
        spread_bp_max=rules.spread_bp_max,
        age_d=rules.age_d,
        names_max=rules.names_max,
        candidates=candidates,
    )


@router.get("/correlation", summary="Correlations, clusters and betas of the day")
@rests_on("windows")
def correlation(scope: Scoped, request: Request) -> Correlation:
    from trading.correlation import CUT, day_structure

    grid = _window(scope, request)
    row = grid.hours - 1 - grid.last % DAY_H
    # Plain: one day takes less than loading the compiler, and has the same bits.
    day = day_structure(grid, row, plain=True)
    return Correlation(
        decided=TradingHour(grid.first + row).asof,
        instruments=list(grid.instruments),
        correlation=[[_known(value) for value in line] for line in day.correlation.tolist()],
        cluster=day.cluster.tolist(),
        beta=day.beta.tolist(),
        cut=round(1.0 - 2.0 * CUT * CUT, 3),
    )


def _window(scope: Scope, request: Request) -> "Grid":
    """What the newest hour saw of the market."""
    from trading.live.sight import parse_grid

    query = select(Stage).where(Stage.track == scope.key.track, Stage.stage == "fetch")
    stage = scope.session.scalar(query.order_by(Stage.asof.desc()).limit(1))
    if stage is None:
        raise Refused(404, "no such hour", "no window of the market is stored yet")
    objects: Callable[[str], ObjectStore] = request.app.state.objects
    return parse_grid(objects(scope.key.track).read(stage.reference))


def _known(value: "Floats | float") -> float | None:
    """JSON has no word for a number that is not known."""
    return float(value) if value == value else None
