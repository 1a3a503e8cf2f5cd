"""The record of a portfolio as its database has it, in the lines that a backtest's record has."""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Engine, and_, select

from adapters.storage.base import PortfolioKey
from adapters.storage.decisions import StoredDecision
from adapters.storage.engine import reading
from adapters.storage.order_book import TRADE
from adapters.storage.orders import FillRow, OrderRow
from trading.clock import HOUR_S, TradingHour
from trading.config import canonical_json
from trading.execution.fills import Fill
from trading.execution.protocol import Kind, Trade
from trading.live.hour import fill_kind
from trading.live.record import Record, decision_line, fill_lines
from trading.live.values import Booked


def lived(engine: Engine, key: PortfolioKey) -> Record:
    """Every decision, fill and hourly account of a portfolio."""
    mine = (StoredDecision.track == key.track, StoredDecision.portfolio == key.portfolio)
    with reading(engine) as session:
        rows = session.scalars(select(StoredDecision).where(*mine).order_by(StoredDecision.asof))
        documents = [(TradingHour.at(row.asof).number, json.loads(row.prove().document)) for row in rows]
        same = (FillRow.track == OrderRow.track, FillRow.portfolio == OrderRow.portfolio)
        query = (
            select(OrderRow.kind, OrderRow.number, OrderRow.asof, FillRow.trade_id, *TRADE)
            .join(OrderRow, and_(*same, FillRow.id == OrderRow.id))
            .where(FillRow.track == key.track, FillRow.portfolio == key.portfolio)
            .order_by(FillRow.at, OrderRow.number)
        )
        fills = [
            Booked(Trade(*trade), Kind(kind), n, asof) for kind, n, asof, *trade in session.execute(query)
        ]
    return Record(
        tuple(line for hour, document in documents for line in _decisions(hour, document)),
        fill_lines([_fill(fill) for fill in fills]),
        tuple(canonical_json(document["account_at_asof"]).decode() for _, document in documents),
    )


def _decisions(hour: int, document: dict[str, Any]) -> Sequence[str]:
    lines = []
    for name, intent in sorted(document["intents"].items()):
        approved = document["orders"].get(name, [0])[0]
        told = intent | {"intent_lots": intent["lots"], "approved_lots": approved}
        lines.append(decision_line(hour, name, told))
    return lines


def _fill(booked: Booked) -> tuple[int, str, Fill]:
    trade = booked.trade
    hour = int(trade.at.timestamp()) // HOUR_S
    amounts = (trade.lots, trade.ticks, trade.value, trade.fee)
    return hour, trade.instrument, Fill(hour, 0, fill_kind(booked), *amounts, 0, 0, 0, 0)
