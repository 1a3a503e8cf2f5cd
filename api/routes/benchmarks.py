"""The record beside what holding bitcoin, or nothing, would have brought over the same hours."""

from collections.abc import Callable
from datetime import datetime, timedelta

import numpy as np
from fastapi import APIRouter, Request
from numpy.typing import NDArray
from sqlalchemy import select

from adapters.objects import ObjectStore
from adapters.storage.hours import Stage
from api.answers import Remembered, rests_on
from api.problems import REFUSALS
from api.reads.series import MarksCache, asof_of, thinned
from api.scope import Scope, Scoped
from api.wire import Answer

router = APIRouter(
    prefix="/api/portfolios/{portfolio}/performance",
    tags=["performance"],
    responses=REFUSALS,
    route_class=Remembered,
)


class Benchmarks(Answer):
    """Columns of one length, each worth 1 at the first mark; at most 2,000 points."""

    asof: list[datetime]
    portfolio: list[float]
    """Unit value."""
    bitcoin: list[float | None]
    """Bought at the first mark and held, without costs; null where its price is not known."""


@router.get("/benchmarks", summary="The record beside holding bitcoin")
@rests_on("marks")
def benchmarks(scope: Scoped, request: Request) -> Benchmarks:
    cache: MarksCache = request.app.state.marks
    marks = cache.of(scope.session, scope.key)
    if not marks.hour.size:
        return Benchmarks(asof=[], portfolio=[], bitcoin=[])
    unit = marks.column("equity") / np.maximum(marks.column("units"), 1)
    price = _bitcoin(scope, request, marks.hour)
    known = np.flatnonzero(~np.isnan(price))
    held = price / price[known[0]] if known.size else price
    shown = thinned(marks.hour.size)
    return Benchmarks(
        asof=[asof_of(hour) for hour in marks.hour[shown].tolist()],
        portfolio=(unit[shown] / unit[0]).tolist(),
        bitcoin=[None if value != value else value for value in held[shown].tolist()],
    )


def _bitcoin(scope: Scope, request: Request, hours: NDArray[np.int64]) -> NDArray[np.float64]:
    """Closes of bitcoin at these hours, from as few of the stored windows as hold them all."""
    from trading.live.sight import parse_grid

    objects: Callable[[str], ObjectStore] = request.app.state.objects
    price, until = np.full(hours.size, np.nan), asof_of(int(hours[-1]))
    first = asof_of(int(hours[0]))
    while until >= first:
        query = select(Stage).where(
            Stage.track == scope.key.track, Stage.stage == "fetch", Stage.asof <= until
        )
        stage = scope.session.scalar(query.order_by(Stage.asof.desc()).limit(1))
        if stage is None:
            break
        grid = parse_grid(objects(scope.key.track).read(stage.reference))
        rows = hours - grid.first
        inside = np.flatnonzero((rows >= 0) & (rows < grid.hours))
        price[inside] = grid.close[rows[inside], grid.btc]
        until = asof_of(grid.first) - timedelta(hours=1)
    return price
