"""A track as a whole: who is on it, what each stage of its hours left, and how each hour ended."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from adapters.clock import Clock
from adapters.storage.base import PortfolioKey, store_once
from adapters.storage.engine import reading, unit_of_work
from adapters.storage.hours import Hour, Mandate, Observation, PortfolioHour, Stage, TrackTerms
from adapters.storage.journal import Journal
from adapters.storage.outbox import post
from adapters.storage.portfolios import open_portfolio
from adapters.storage.states import StateRow
from trading.clock import TradingHour
from trading.config import TradingConfig, canonical_json
from trading.ledger.entries import opening_entry
from trading.live.documents import digest_of, dump_mandate, dump_state
from trading.live.values import HourEnd
from trading.portfolio import PortfolioState


class Opening(NamedTuple):
    """A portfolio before its first hour."""

    key: PortfolioKey
    quote: str
    cash: int
    """1e-8 quote."""
    hour: TradingHour
    """asof of the first decision."""
    predictor: str
    config: TradingConfig
    review_after_h: int = 0
    opened: datetime | None = None
    """When the account was read; without it, at `hour`."""
    booked: Mapping[str, int] | None = None
    """What the account held then by asset, money included, to be booked as its opening entry. Without it the
    venue's own ledger tells of the opening deposit.
    """


def open_track(session: Session, opening: Opening, terms: Mapping[str, object]) -> bool:
    """Store a portfolio with its mandate and its state before the first hour; False when it stands already.

    The journal begins with the opening entry, or with what the venue's own ledger says of the opening
    deposit. The session holds no lock, as there is nothing to lock yet.
    """
    key, hour = opening.key, opening.hour
    opened = opening.opened or hour.asof
    new = open_portfolio(session, key, opening.quote, opened)
    document = canonical_json(terms).decode()
    store_once(session, TrackTerms(track=key.track, digest=digest_of(document), document=document))
    if not new:
        return False
    config = dump_mandate(opening.config, opening.review_after_h)
    rows = {"digest": digest_of(config), "document": config}
    store_once(session, Mandate(**key._asdict(), asof=hour.asof, predictor=opening.predictor, **rows))
    if opening.booked:
        Journal(session, key).post(opening_entry(opened, opening.quote, opening.booked))
    state = dump_state(PortfolioState.opening(opening.cash, 0), ())
    before: dict[str, Any] = {"asof": hour.previous.asof, "digest": digest_of(state), "document": state}
    store_once(session, StateRow(**key._asdict(), **before))
    return True


class Tracks:
    """The tracks of a database; `clock` is the venue's."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine, self._clock = engine, clock

    def roll(self, track: str, hour: TradingHour) -> Sequence[str]:
        """The portfolios whose mandate began at `hour` or before, sorted."""
        query = select(Mandate.portfolio).where(Mandate.track == track, Mandate.asof <= hour.asof)
        with reading(self._engine) as session:
            return session.scalars(query.distinct().order_by(Mandate.portfolio)).all()

    def predictors(self, track: str, hour: TradingHour) -> Sequence[str]:
        """What drives some portfolio at `hour`, sorted."""
        query = select(Mandate.predictor).where(Mandate.track == track, Mandate.asof <= hour.asof)
        with reading(self._engine) as session:
            return session.scalars(query.distinct().order_by(Mandate.predictor)).all()

    def keep_stage(
        self, track: str, hour: TradingHour, stage: str, reference: str, summary: Mapping[str, object]
    ) -> str:
        """Store what a stage left; returns the reference that stands: the first one stored."""
        # A venue's clock may be a call away: asked before the database has to wait for it.
        text, now = canonical_json(summary).decode(), self._clock.now()
        with unit_of_work(self._engine) as session:
            first = session.get(Stage, (track, hour.asof, stage))
            if first is not None:
                return first.reference
            told: dict[str, Any] = {"reference": reference, "summary": text, "at": now}
            session.add(Stage(track=track, asof=hour.asof, stage=stage, **told))
            return reference

    def stage(self, track: str, hour: TradingHour, stage: str) -> str:
        """The reference that a stage left; empty before it is done."""
        with reading(self._engine) as session:
            row = session.get(Stage, (track, hour.asof, stage))
            return row.reference if row else ""

    def observe(
        self, track: str, hour: TradingHour, what: str, reference: str, summary: Mapping[str, object]
    ) -> str:
        """Store what was observed for the hours from `hour` on; returns the first reference stored."""
        text, now = canonical_json(summary).decode(), self._clock.now()
        with unit_of_work(self._engine) as session:
            first = session.get(Observation, (track, hour.asof, what))
            if first is not None:
                return first.reference
            told: dict[str, Any] = {"reference": reference, "summary": text, "at": now}
            session.add(Observation(track=track, asof=hour.asof, what=what, **told))
            return reference

    def observed(self, track: str, hour: TradingHour, what: str) -> str:
        """The newest reference of what was observed at `hour` or before; empty without."""
        mine = (Observation.track == track, Observation.what == what, Observation.asof <= hour.asof)
        query = select(Observation.reference).where(*mine).order_by(Observation.asof.desc()).limit(1)
        with reading(self._engine) as session:
            return session.scalar(query) or ""

    def observations(
        self, track: str, what: str, after: TradingHour, through: TradingHour
    ) -> dict[TradingHour, str]:
        """Summaries of what was observed, by hour."""
        span = (Observation.asof > after.asof, Observation.asof <= through.asof)
        mine = (Observation.track == track, Observation.what == what)
        query = select(Observation.asof, Observation.summary).where(*mine, *span).order_by(Observation.asof)
        with reading(self._engine) as session:
            return {TradingHour.at(asof): summary for asof, summary in session.execute(query)}

    def ended(self, track: str, hour: TradingHour) -> str:
        """How the hour of the track ended; empty while it has not."""
        with reading(self._engine) as session:
            row = session.get(Hour, (track, hour.asof))
            return row.outcome if row else ""

    def ends(self, track: str, hour: TradingHour) -> Mapping[str, HourEnd]:
        """Of the portfolios whose hour is over, how."""
        query = select(PortfolioHour).where(PortfolioHour.track == track, PortfolioHour.asof == hour.asof)
        with reading(self._engine) as session:
            rows = session.scalars(query).all()
        return {row.portfolio: HourEnd(row.outcome, row.reason, row.fills, row.settled) for row in rows}

    def last(self, track: str) -> TradingHour | None:
        """The last hour of the track that ended; None before the first."""
        with reading(self._engine) as session:
            asof = session.scalar(select(func.max(Hour.asof)).where(Hour.track == track))
        return TradingHour.at(asof) if asof else None

    def end(
        self, track: str, hour: TradingHour, outcome: str, reason: str, portfolios: Collection[str]
    ) -> None:
        """Close the hour of the track; the first row stored stands."""
        settled = sum(end.settled for name, end in self.ends(track, hour).items() if name in portfolios)
        told: dict[str, Any] = {
            "outcome": outcome,
            "reason": reason,
            "portfolios": len(portfolios),
            "settled": settled,
        }
        now = self._clock.now()
        with unit_of_work(self._engine) as session:
            if session.get(Hour, (track, hour.asof)) is None:
                session.add(Hour(track=track, asof=hour.asof, **told, ended=now))

    def alert(self, track: str, name: str, kind: str, portfolio: str, message: str) -> None:
        """Put an alert into the outbox, once."""
        now = self._clock.now()
        with unit_of_work(self._engine) as session:
            post(session, track, name, kind, portfolio, message, now)
