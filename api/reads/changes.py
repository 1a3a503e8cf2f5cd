"""How far each part of a portfolio's record has got, asked for once however many listen."""

import time
from threading import Lock
from typing import Any

from sqlalchemy import Engine, Select, func, select

from adapters.storage.audit import AuditRow
from adapters.storage.base import PortfolioKey
from adapters.storage.engine import reading
from adapters.storage.halts import StateChange
from adapters.storage.hours import Hour, PortfolioHour, Stage
from adapters.storage.orders import EventRow, OrderRow
from adapters.storage.outbox import Alert, Delivery
from adapters.storage.states import Mark

LOOK_S = 0.5

Reached = dict[str, str]
"""The last row of each part: a number or a time, in words."""


class Changes:
    """Looks at a portfolio at most every `LOOK_S`, and gives everyone else what it saw."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = Lock()
        self._seen: dict[PortfolioKey, tuple[float, Reached]] = {}

    def reached(self, key: PortfolioKey) -> Reached:
        with self._lock:
            at, seen = self._seen.get(key, (0.0, {}))
            if not seen or time.monotonic() > at + LOOK_S / 2:
                seen = self._look(key)
                self._seen[key] = (time.monotonic(), seen)
            return seen

    def _look(self, key: PortfolioKey) -> Reached:
        parts = _last_rows(key)
        with reading(self._engine) as session:
            row = session.execute(select(*(query.scalar_subquery() for query in parts.values()))).one()
        return {part: str(last) for part, last in zip(parts, row, strict=True)}


def _last_rows(key: PortfolioKey) -> dict[str, Select[Any]]:
    """Each looks at the end of an index. Rows are only ever added, but for orders: those have events."""
    newest: dict[str, Select[Any]] = {
        "hours": select(func.max(Hour.asof)).where(Hour.track == key.track),
        "alerts": select(func.max(Alert.at)).where(Alert.track == key.track),
        "deliveries": select(func.max(Delivery.at)).where(Delivery.track == key.track),
        "audit": select(func.max(AuditRow.seq)).where(AuditRow.track == key.track),
        "events": select(func.max(EventRow.at)),
    }
    windows = (Stage.track == key.track, Stage.stage == "fetch")
    newest["windows"] = select(func.max(Stage.asof)).where(*windows)
    for part, row, number in (
        ("ended", PortfolioHour, PortfolioHour.asof),
        ("marks", Mark, Mark.asof),
        ("orders", OrderRow, OrderRow.number),
        ("state", StateChange, StateChange.number),
    ):
        mine = (row.track == key.track, row.portfolio == key.portfolio)
        newest[part] = select(func.max(number)).where(*mine)
    return newest
