"""What an hour's decisions could see of the market: universe, clusters, beta, and what the models said."""

import json
import math
from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from sqlalchemy import select

from adapters.objects import ObjectStore
from adapters.storage.hours import Stage
from api.answers import Remembered, rests_on
from api.problems import REFUSALS, Refused
from api.scope import Scope, Scoped
from api.wire import Answer, Money, decimal_text, money
from config.instruments import grid_for
from trading.clock import TradingHour
from trading.portfolio import Reading

router = APIRouter(
    prefix="/api/portfolios/{portfolio}/market", tags=["market"], responses=REFUSALS, route_class=Remembered
)

AsofQuery = Annotated[datetime | None, Query(description="An hour; without it the newest one.")]


class Seen(Answer):
    """One instrument as the decision saw it; null where nothing is known."""

    instrument: str
    close: Money | None
    eligible: bool
    usable: bool
    traded: bool
    vetoed: bool
    """A guard of the release keeps entries out."""
    cluster: int
    beta: float
    volatility: float | None
    """Daily, a fraction."""
    spread: float | None
    notional_24h: Money
    p4: float | None
    p24: float | None
    e24: float | None
    """Expected log return over 24 hours."""
    e_hold: float | None


class Cluster(Answer):
    """Instruments that move together; a cap holds over each."""

    cluster: int
    instruments: list[str]


class MarketView(Answer):
    """The market at one asof."""

    asof: datetime
    release: str
    """Of the predictions; empty where a policy decides."""
    policies: list[str]
    refused: bool
    """Too little of the market is usable: nothing is decided."""
    btc_return: float | None
    btc_volatility_percentile: float | None
    p_crash: float
    p_high_volatility: float
    breadth: int
    """Instruments that may be entered."""
    instruments: list[Seen]
    clusters: list[Cluster]


class Model(Answer):
    """What one model of a release said in an hour."""

    model: str
    artefact: str
    """Digest of the model's bytes."""
    trained_through: datetime
    said: dict[str, dict[str, float | None]]
    """Outputs by instrument; the market as a whole is the instrument without a name."""


class Outputs(Answer):
    """Everything that was predicted in an hour."""

    asof: datetime
    release: str
    models: list[Model]
    """None where a policy decides."""


@router.get("", summary="Universe, clusters, beta and predictions of an hour")
def market(scope: Scoped, request: Request, asof: AsofQuery = None) -> MarketView:
    # Reads packed records, whose modules take a second to load: not before somebody asks.
    from trading.live.sight import Sight

    objects: Callable[[str], ObjectStore] = request.app.state.objects
    stage = _predicted(scope, asof)
    sight = Sight.parse(objects(scope.key.track).read(stage.reference))
    seen = sight.view.market
    told = [_seen(*pair) for pair in zip(sight.instruments, sight.view.readings, strict=True)]
    numbers = sorted({one.cluster for one in told if one.eligible})
    return MarketView(
        asof=stage.asof,
        release=sight.release,
        policies=sorted(sight.advice),
        refused=bool(seen.refused),
        btc_return=_known(seen.btc_return),
        btc_volatility_percentile=_known(seen.btc_volatility_percentile),
        p_crash=seen.p_crash,
        p_high_volatility=seen.p_high_volatility,
        breadth=sum(one.eligible for one in told),
        instruments=told,
        clusters=[
            Cluster(
                cluster=n, instruments=[one.instrument for one in told if one.cluster == n and one.eligible]
            )
            for n in numbers
        ],
    )


@router.get("/outputs", summary="What every model of the release said in an hour, and the meta-learner")
@rests_on("hours", "windows")
def outputs(scope: Scoped, request: Request, asof: AsofQuery = None) -> Outputs:
    stage = _predicted(scope, asof)
    told = json.loads(stage.summary)
    models = {}
    if told.get("outputs"):
        objects: Callable[[str], ObjectStore] = request.app.state.objects
        models = json.loads(objects(scope.key.track).read(told["outputs"]))
    return Outputs(
        asof=stage.asof,
        release=told.get("release", ""),
        models=[
            Model(
                model=name,
                artefact=one["artefact"],
                trained_through=TradingHour(one["trained_through"]).asof,
                said=one["said"],
            )
            for name, one in sorted(models.items())
        ],
    )


def _predicted(scope: Scope, asof: datetime | None) -> Stage:
    """The record of an hour's predictions, without one of the newest hour's."""
    query = select(Stage).where(Stage.track == scope.key.track, Stage.stage == "predict")
    if asof is not None:
        query = query.where(Stage.asof == asof)
    stage = scope.session.scalar(query.order_by(Stage.asof.desc()).limit(1))
    if stage is None:
        raise Refused(404, "no such hour", "no prediction is stored of that hour")
    return stage


def _seen(name: str, reading: Reading) -> Seen:
    return Seen(
        instrument=name,
        close=decimal_text(grid_for(name).price(reading.close)) if reading.close else None,
        eligible=bool(reading.eligible),
        usable=bool(reading.usable),
        traded=bool(reading.traded),
        vetoed=bool(reading.veto),
        cluster=reading.cluster,
        beta=reading.beta_ppm / 1e6,
        volatility=_known(reading.sigma_24),
        spread=_known(reading.spread),
        notional_24h=money(reading.notional_24h),
        p4=_known(reading.p4),
        p24=_known(reading.p24),
        e24=_known(reading.e24),
        e_hold=_known(reading.e_hold),
    )


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None
