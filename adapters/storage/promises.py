"""How well the system keeps what it promises, read from what it stored.

1. An hour is decided, traded or skipped with a reason, by `DECIDED_BY` after its asof, for every portfolio.
2. What became of an order is known `KNOWN_WITHIN` of its being sent.

Both are judged when their time is over, so an hour that nobody worked on is broken like one that was late.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from adapters.clock import Clock
from adapters.storage.decisions import StoredDecision
from adapters.storage.engine import reading
from adapters.storage.hours import Hour, Mandate, Stage
from adapters.storage.orders import EventRow, OrderRow
from adapters.storage.outbox import Alert, Delivery
from adapters.storage.reconciliations import FindingRow, ReviewRow
from trading.clock import TradingHour
from trading.execution.orders import State, What

DECIDED_BY = timedelta(minutes=5)
KNOWN_WITHIN = timedelta(minutes=2)
GRACE = timedelta(seconds=15)
"""Between an end of time and the judgement: what was done in time is stored by then."""
HOUR, ORDER = "hour", "order"
PROMISES = (HOUR, ORDER)


class Judged(NamedTuple):
    """A promise whose time is over."""

    promise: str
    portfolio: str
    of: str
    """The hour's asof, or the order's id."""
    kept: bool


class Vitals(NamedTuple):
    """Where a track stands."""

    last_hour: float
    """asof of the last hour that was closed, Unix seconds; 0 before the first."""
    data_age_s: float
    """Since the close of the last bar that was fetched."""
    unknown_orders: int
    """Sent longer ago than `KNOWN_WITHIN`, and still nobody knows."""
    open_findings: int
    waiting_alerts: int
    """That have left by no channel yet."""


class Promises:
    """Of one track, from the time at which this is made."""

    def __init__(self, engine: Engine, clock: Clock, track: str) -> None:
        self._engine, self._clock, self._track = engine, clock, track
        self._judged = _hour(clock.now() - DECIDED_BY - GRACE)
        self._sent_after = clock.now() - KNOWN_WITHIN
        self._sent: dict[UUID, tuple[str, datetime]] = {}

    def judge(self) -> list[Judged]:
        """What was kept or broken since the last look."""
        now = self._clock.now()
        with reading(self._engine) as session:
            return [*self._hours(session, now), *self._orders(session, now)]

    def vitals(self) -> Vitals:
        now, mine = self._clock.now(), self._track
        with reading(self._engine) as session:
            closed = session.scalar(select(func.max(Hour.asof)).where(Hour.track == mine))
            fetched = (Stage.track == mine, Stage.stage == "fetch")
            seen = session.scalar(select(func.max(Stage.asof)).where(*fetched))
            reviewed = select(ReviewRow.id).where(ReviewRow.track == mine)
            findings = (FindingRow.track == mine, FindingRow.id.not_in(reviewed))
            left = select(Delivery.alert).where(Delivery.track == mine)
            alerts = (Alert.track == mine, Alert.alert.not_in(left))
            return Vitals(
                closed.timestamp() if closed else 0.0,
                (now - seen).total_seconds() if seen else 0.0,
                len(self._unknown(session, now - KNOWN_WITHIN)),
                session.scalar(select(func.count()).select_from(FindingRow).where(*findings)) or 0,
                session.scalar(select(func.count()).select_from(Alert).where(*alerts)) or 0,
            )

    def _hours(self, session: Session, now: datetime) -> Iterator[Judged]:
        while self._judged.asof + timedelta(hours=1) + DECIDED_BY + GRACE <= now:
            self._judged = self._judged.next
            asof = self._judged.asof
            roll = select(Mandate.portfolio).where(Mandate.track == self._track, Mandate.asof <= asof)
            mine = (StoredDecision.track == self._track, StoredDecision.asof == asof)
            query = select(StoredDecision.portfolio, StoredDecision.decided).where(*mine)
            decided = dict(session.execute(query).all())
            for name in sorted(set(session.scalars(roll))):
                kept = name in decided and decided[name] <= asof + DECIDED_BY
                yield Judged(HOUR, name, str(self._judged), kept)

    def _orders(self, session: Session, now: datetime) -> Iterator[Judged]:
        sent = (EventRow.track == self._track, EventRow.what == What.SENT, EventRow.at > self._sent_after)
        rows = session.execute(select(EventRow.id, EventRow.portfolio, EventRow.at).where(*sent))
        for id, portfolio, at in rows.all():
            self._sent[id] = (portfolio, at)
            self._sent_after = max(self._sent_after, at)
        for id, (portfolio, at) in list(self._sent.items()):
            after = (EventRow.id == id, EventRow.what.not_in([What.SENT, What.LOST]))
            known = session.scalar(select(func.min(EventRow.at)).where(*after))
            if known is not None or now > at + KNOWN_WITHIN + GRACE:
                del self._sent[id]
                yield Judged(ORDER, portfolio, str(id), known is not None and known <= at + KNOWN_WITHIN)

    def _unknown(self, session: Session, before: datetime) -> list[UUID]:
        unsettled = OrderRow.state.in_([State.SENT, State.UNKNOWN])
        sent = (EventRow.id == OrderRow.id, EventRow.what == What.SENT, EventRow.at < before)
        query = select(OrderRow.id).join(EventRow, EventRow.id == OrderRow.id)
        return list(session.scalars(query.where(OrderRow.track == self._track, unsettled, *sent)))


def _hour(time: datetime) -> TradingHour:
    return TradingHour.at(time.replace(minute=0, second=0, microsecond=0))
