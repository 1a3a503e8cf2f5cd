"""What was recorded of one portfolio's hour. A reconstruction looks here for one purpose: to compare."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Protocol

from sqlalchemy import Engine, and_, select
from sqlalchemy.orm import Session

from adapters.reconstruction.replies import SETTLED_AT
from adapters.reconstruction.stages import OUTPUTS, Content, entry_told, fill_told
from adapters.storage.base import PortfolioKey
from adapters.storage.decisions import Approval, Decisions, StoredDecision
from adapters.storage.engine import reading
from adapters.storage.hours import Observation, Stage
from adapters.storage.journal import Journal
from adapters.storage.order_book import TRADE
from adapters.storage.orders import FillRow, OrderRow
from adapters.storage.states import StateRow
from trading.clock import TradingHour
from trading.errors import DataError
from trading.execution.protocol import Kind, Trade
from trading.ledger.entries import is_flow

STAGE_OF = {"window": "fetch", "features": "features", "predictions": "predict"}
HOUR = timedelta(hours=1)
VERDICT = (
    *("verdict", "reason", "breach", "wanted_lots"),
    *("lots", "limit", "stop", "take", "trail"),
)


class Objects(Protocol):
    """Where the contents of stages are kept."""

    def read(self, name: str) -> bytes: ...


def recorded(engine: Engine, key: PortfolioKey, hour: TradingHour, objects: Objects) -> dict[str, Content]:
    """Every stage of which something is recorded."""
    with reading(engine) as session:
        return _market(session, key, hour, objects) | _portfolio(session, key, hour)


def predictions(engine: Engine, track: str, hour: TradingHour, objects: Objects) -> Content | None:
    """What was recorded of the predictions alone."""
    with reading(engine) as session:
        row = session.get(Stage, (track, hour.asof, STAGE_OF["predictions"]))
    return Content(row.reference, _kept(objects, row.reference)) if row else None


def observed(engine: Engine, track: str, hour: TradingHour, what: str) -> str:
    """The newest reference of what was observed at `hour` or before; empty without."""
    mine = (Observation.track == track, Observation.what == what, Observation.asof <= hour.asof)
    query = select(Observation.reference).where(*mine).order_by(Observation.asof.desc()).limit(1)
    with reading(engine) as session:
        return session.scalar(query) or ""


def summaries(engine: Engine, track: str, hour: TradingHour) -> dict[str, Any]:
    """What people were told of the market's stages: the release, the environment."""
    with reading(engine) as session:
        rows = session.scalars(select(Stage).where(Stage.track == track, Stage.asof == hour.asof))
        return {row.stage: json.loads(row.summary) for row in rows}


def _market(session: Session, key: PortfolioKey, hour: TradingHour, objects: Objects) -> dict[str, Content]:
    found = {}
    for name, stage in STAGE_OF.items():
        row = session.get(Stage, (key.track, hour.asof, stage))
        if row is not None:
            found[name] = Content(row.reference, _kept(objects, row.reference))
            if outputs := json.loads(row.summary).get(OUTPUTS):
                found[OUTPUTS] = Content(outputs, _kept(objects, outputs))
    return found


def _kept(objects: Objects, name: str) -> bytes | None:
    try:
        return objects.read(name)
    except DataError:
        return None


def _portfolio(session: Session, key: PortfolioKey, hour: TradingHour) -> dict[str, Content]:
    found = {}
    decision = session.get(StoredDecision, (*key, hour.asof))
    if decision is not None:
        found["decision"] = Content(decision.digest, decision.document.encode())
        found["verdict"] = Content.told(verdicts(Decisions(session, key).approvals(hour.asof)))
        found["orders"] = Content.told(_orders(session, key, hour))
        found["fills"] = Content.told(_fills(session, key, hour))
        begin, end = hour.previous.asof + SETTLED_AT, hour.asof + SETTLED_AT
        # A flow is posted whenever a comparison comes upon it; the decision that it is folded into tells it.
        entries = [
            entry
            for entry in Journal(session, key).since(begin)
            if begin < entry.time <= end and not is_flow(entry)
        ]
        found["entries"] = Content.told({entry.name: entry_told(entry) for entry in entries})
    state = session.get(StateRow, (*key, hour.asof))
    if state is not None:
        found["state"] = Content(state.digest, state.document.encode())
    return found


def verdicts(rows: Any) -> dict[str, Mapping[str, object]]:
    """Risk's word on each intent, by instrument."""
    told: list[Approval] = list(rows)
    return {row.instrument: {name: getattr(row, name) for name in VERDICT} for row in told}


def _orders(session: Session, key: PortfolioKey, hour: TradingHour) -> dict[str, object]:
    """What reached the venue for the intents of the hour; stops belong to positions."""
    query = select(OrderRow).where(
        OrderRow.track == key.track,
        OrderRow.portfolio == key.portfolio,
        OrderRow.asof == hour.asof,
        OrderRow.kind != str(Kind.STOP),
        OrderRow.venue_id.is_not(None),
    )
    return {
        str(row.id): [row.instrument, row.kind, row.lots, row.price, row.stop]
        for row in session.scalars(query)
    }


def _fills(session: Session, key: PortfolioKey, hour: TradingHour) -> dict[str, object]:
    """Every fill of minute 58 before asof to minute 58 after it."""
    same = (FillRow.track == OrderRow.track, FillRow.portfolio == OrderRow.portfolio)
    query = (
        select(OrderRow.kind, FillRow.trade_id, *TRADE)
        .join(OrderRow, and_(*same, FillRow.id == OrderRow.id))
        .where(FillRow.track == key.track, FillRow.portfolio == key.portfolio)
        .where(FillRow.at > hour.previous.asof + SETTLED_AT, FillRow.at <= hour.asof + SETTLED_AT)
    )
    return {id: fill_told(Trade(id, *trade), kind) for kind, id, *trade in session.execute(query)}
