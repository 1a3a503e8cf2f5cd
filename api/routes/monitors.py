"""What a portfolio's monitors found at their last look: calibration, drift, costs, live against backtest."""

import json
from datetime import datetime
from typing import Any, Literal

from fastapi import APIRouter

from adapters.audit.chain import Kind
from adapters.audit.log import Audit
from api.answers import Remembered, rests_on
from api.problems import REFUSALS
from api.scope import Scoped
from api.wire import Answer

router = APIRouter(
    prefix="/api/portfolios/{portfolio}", tags=["operations"], responses=REFUSALS, route_class=Remembered
)


class Watched(Answer):
    """One figure beside its bounds."""

    name: str
    level: Literal["unknown", "quiet", "watch", "alert"]
    """unknown: it has seen less than half its window."""
    value: float | None
    note: str
    """The bounds, or what is missing."""


class Monitors(Answer):
    """The last look, by the audit log."""

    asof: datetime | None
    """None before anybody looked."""
    action: Literal["nothing", "log", "halve", "halt"]
    taken: list[str]
    """What was done about it then."""
    restored_by: str
    """Who gave entries their full size back since; empty if nobody did."""
    found: list[Watched]


@router.get("/monitors", summary="Calibration, drift, costs and the gap to the backtest, as last looked at")
@rests_on("audit")
def monitors(scope: Scoped) -> Monitors:
    row = Audit(scope.session).last(scope.key.track, Kind.MONITOR, scope.key.portfolio)
    if row is None:
        return Monitors(asof=None, action="nothing", taken=[], restored_by="", found=[])
    told: dict[str, Any] = json.loads(row.body)
    return Monitors(
        asof=told["asof"],
        action=told["action"],
        taken=told["taken"],
        restored_by=told.get("by", ""),
        found=[
            Watched(name=name, level=one["level"], value=one["value"], note=one.get("note", ""))
            for name, one in told["monitors"].items()
        ],
    )
