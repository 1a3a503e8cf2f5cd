"""What a portfolio holds, with the stops and targets that were fixed when it was entered."""

import json
from datetime import datetime

from fastapi import APIRouter
from sqlalchemy import select

from adapters.storage.states import StateRow
from api.answers import Remembered
from api.problems import REFUSALS
from api.scope import Scoped
from api.wire import Answer, Money, decimal_text, money
from config.instruments import grid_for
from trading.clock import TradingHour
from trading.portfolio import Terms, value_at

router = APIRouter(
    prefix="/api/portfolios/{portfolio}/positions",
    tags=["portfolios"],
    responses=REFUSALS,
    route_class=Remembered,
)


class Holding(Answer):
    """One position after the last settled hour."""

    instrument: str
    quantity: Money
    dust: bool
    """Below the venue's minimum, and all there is."""
    mark: Money
    value: Money
    cost: Money
    """What the open quantity cost with fees."""
    result: Money
    """Value less cost, before what leaving costs."""
    entry: Money
    stop: Money | None
    take: Money | None
    trail: Money | None
    """Distance below the peak."""
    peak: Money
    since: datetime
    reversal: int
    """Hours in a row in which the prediction pointed down."""


class Holdings(Answer):
    """The positions after an hour."""

    asof: datetime | None
    positions: list[Holding]


@router.get("", summary="Open positions with stops and targets")
def positions(scope: Scoped) -> Holdings:
    query = select(StateRow).where(
        StateRow.track == scope.key.track, StateRow.portfolio == scope.key.portfolio
    )
    row = scope.session.scalar(query.order_by(StateRow.asof.desc()).limit(1))
    if row is None:
        return Holdings(asof=None, positions=[])
    told = json.loads(row.document)
    held = (
        (name, dict(zip(told["fields"], values, strict=True))) for name, values in told["positions"].items()
    )
    holdings = [_holding(name, one) for name, one in sorted(held) if one["lots"] or one["dust"]]
    return Holdings(asof=row.asof, positions=holdings)


def _holding(name: str, held: dict[str, int]) -> Holding:
    grid = grid_for(name)
    lots = held["lots"] or held["dust"]
    value = value_at(held["mark"], lots, Terms.of(grid))

    def price(field: str) -> str | None:
        return decimal_text(grid.price(held[field])) if held[field] else None

    return Holding(
        instrument=name,
        quantity=decimal_text(grid.quantity(lots)),
        dust=not held["lots"],
        mark=decimal_text(grid.price(held["mark"])),
        value=money(value),
        cost=money(held["cost"]),
        result=money(value - held["cost"]),
        entry=decimal_text(grid.price(held["entry"])),
        stop=price("stop"),
        take=price("take"),
        trail=price("trail"),
        peak=decimal_text(grid.price(held["peak"])),
        since=TradingHour(held["since"]).asof,
        reversal=held["reversal"],
    )
