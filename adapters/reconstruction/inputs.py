"""What an hour is computed again from, beside raw replies: nothing here was computed by an hour of the track,
except the state that the first of them begins with.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from adapters.audit import Kind
from adapters.storage.audit import AuditRow
from adapters.storage.base import PortfolioKey
from adapters.storage.hours import Mandate, PortfolioHour
from adapters.storage.journal import Journal
from adapters.storage.orders import FillRow
from adapters.storage.portfolios import Portfolio
from adapters.storage.states import StateRow
from trading.clock import TradingHour
from trading.errors import UsageError
from trading.ledger.entries import OPENING
from trading.ledger.journal import DUST
from trading.live.again import Word
from trading.live.flows import Flow
from trading.live.values import Ticket
from trading.risk.trading_state import ACTIVE, HALTED

GUARDS = ("guard", "system")
"""Who the audit log says acted where no person did: at the mark of an hour, and at no other time. The second
one opens the trading state at the first mark of all.
"""


class Ruling(NamedTuple):
    """What holds of a portfolio from `asof` on."""

    asof: int
    portfolio: str
    ticket: Ticket


class Event(NamedTuple):
    """Something that befell the trading state, by the audit log."""

    at: datetime
    operator: str
    state: str
    epoch: int
    halt: str
    """The name of the halt that it concerns."""
    hour: int | None = None
    """The last hour whose mark the guard had answered before; None in a log from before it was told."""

    def is_known(self, hour: TradingHour, asked: datetime) -> bool:
        """The guard's answer to the mark of `hour` rests on it; without `hour` by time, at the mark's own."""
        if self.hour is not None:
            return self.hour < hour.number
        return self.at <= asked or (self.operator in GUARDS and self.at < hour.next.asof)


class Inputs(NamedTuple):
    """One portfolio of a track."""

    key: PortfolioKey
    quote: str
    opened: datetime
    """Money that came up to then is part of the first state."""
    first: TradingHour
    """asof of its first decision."""
    rulings: Sequence[Ruling]
    """Of every portfolio of the track, oldest first."""
    began: TradingHour
    """After which hour `state` stood."""
    state: str
    """The document of the state that the first hour begins with."""
    events: Sequence[Event]
    skipped: frozenset[int]
    """Hours that ended without a settled state, which no computation can tell."""
    own: frozenset[str] | None
    """Trades of this portfolio, where several share one account; None: every trade of the account is."""
    brought: Sequence[Flow] = ()
    """Coins that a real account held when it was opened: flows of its first hour."""

    def ticket(self, hour: TradingHour) -> Ticket:
        """What drives the portfolio at an hour."""
        mine = [r for r in self.rulings if r.portfolio == self.key.portfolio and r.asof <= hour.number]
        if not mine:
            raise UsageError(f"{self.key.portfolio} had no mandate at {hour}; its first hour is {self.first}")
        return mine[-1].ticket

    def predictors(self, hour: TradingHour) -> tuple[str, ...]:
        """What drives some portfolio of the track."""
        return tuple(sorted({r.ticket.predictor for r in self.rulings if r.asof <= hour.number}))

    def word(self, hour: TradingHour, asked: datetime) -> Word:
        """The guard's, to a mark of `hour` that was told at `asked` or soon after."""
        said, halt = Event(asked, "", ACTIVE, 0, ""), ""
        for event in self.events:
            if event.is_known(hour, asked):
                said = event
                halt = event.halt if event.halt.endswith(f"-{event.epoch}") else halt
        return Word(said.state, said.epoch, halt if said.state == HALTED else "")


def inputs_of(
    session: Session, key: PortfolioKey, rulings: Sequence[Ruling], before: TradingHour | None
) -> Inputs:
    """Read a portfolio's inputs; the state is the newest one before `before`, or its opening's."""
    row = session.get(Portfolio, tuple(key))
    mine = [ruling.asof for ruling in rulings if ruling.portfolio == key.portfolio]
    if row is None or not mine:
        raise UsageError(f"there is no portfolio {key.portfolio} on {key.track}")
    first = TradingHour(min(mine))
    began, state = _state(session, key, before or first)
    hours = (PortfolioHour.track == key.track, PortfolioHour.portfolio == key.portfolio)
    unsettled = select(PortfolioHour.asof).where(*hours, ~PortfolioHour.settled)
    skipped = frozenset(TradingHour.at(asof).number for asof in session.scalars(unsettled))
    alone = session.scalar(select(func.count()).where(Portfolio.track == key.track)) == 1
    fills = select(FillRow.trade_id).where(FillRow.track == key.track, FillRow.portfolio == key.portfolio)
    own = None if alone else frozenset(session.scalars(fills))
    events = _events(session, key)
    brought = _brought(session, key)
    return Inputs(key, row.quote, row.opened, first, rulings, began, state, events, skipped, own, brought)


def _brought(session: Session, key: PortfolioKey) -> list[Flow]:
    entry = Journal(session, key).entry(OPENING)
    sides = [side for side in entry.postings if side.account == DUST] if entry else []
    return [Flow(OPENING, side.asset, side.amount, is_income=False) for side in sides]


def rulings_of(session: Session, track: str) -> list[Ruling]:
    """What holds of every portfolio of a track, oldest first."""
    rows = session.scalars(select(Mandate).where(Mandate.track == track).order_by(Mandate.asof)).all()
    return [
        Ruling(
            TradingHour.at(row.asof).number, row.portfolio, Ticket(row.predictor, row.digest, row.document)
        )
        for row in rows
    ]


def _state(session: Session, key: PortfolioKey, before: TradingHour) -> tuple[TradingHour, str]:
    query = select(StateRow).where(
        StateRow.track == key.track, StateRow.portfolio == key.portfolio, StateRow.asof < before.asof
    )
    row = session.scalars(query.order_by(StateRow.asof.desc()).limit(1)).first()
    if row is None:
        raise UsageError(f"no state of {key.portfolio} before {before} is stored")
    return TradingHour.at(row.asof), row.document


def _events(session: Session, key: PortfolioKey) -> list[Event]:
    mine = (AuditRow.track == key.track, AuditRow.portfolio == key.portfolio)
    query = select(AuditRow.body).where(*mine, AuditRow.kind == Kind.HALT).order_by(AuditRow.seq)
    told: list[dict[str, Any]] = [json.loads(body) for body in session.scalars(query)]
    return [
        Event(
            datetime.fromisoformat(one["at"]),
            *(one["operator"], one["state"], one["epoch"], one["halt"], one.get("hour")),
        )
        for one in told
    ]
