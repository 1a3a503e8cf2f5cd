"""What befell the trading state of a portfolio: trips, requests, approvals, refusals, resumes.

`TradingStates.record` is the one way to change it, for the workflow's activities and for `ballast halt trip`
alike. Event, change of the row, audit entries and alert are one transaction, and an event has an id of its
own, so that telling it again changes nothing and gets the first answer.
"""

from datetime import datetime

from sqlalchemy import CheckConstraint, Engine, Index, UniqueConstraint, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from adapters.audit import Audit, Kind
from adapters.clock import Clock
from adapters.observability import show_state
from adapters.storage.base import WITNESS, Base, Owned, PortfolioKey, Repository, one_of, refers
from adapters.storage.engine import reading, unit_of_work
from adapters.storage.halts import Halts
from adapters.storage.outbox import post
from adapters.storage.states import Mark
from trading.clock import TradingHour
from trading.config import canonical_json
from trading.risk.drawdown import HALT_TIER
from trading.risk.halt_events import (
    CAUTIOUS,
    CLEARED,
    LIFTED,
    LOOSENS,
    OPENED,
    REFUSED,
    RESUMED,
    TAKEN,
    TRIPPED,
    WHAT,
    Recorded,
    Told,
)
from trading.risk.trading_state import (
    APPROVE,
    HALTED,
    REQUEST,
    STATES,
    Cause,
    Latch,
    Standing,
    flattens,
    halt_name,
)
from trading.risk.vigil import Vigil

COUNTED = f"what IN ('{REQUEST}', '{APPROVE}')"
NAMES = (OPENED, TRIPPED, TAKEN)
"""What gives a halt its name."""
AUDITED = {APPROVE: Kind.APPROVAL, REFUSED: Kind.REFUSAL}
"""Everything else goes into the audit log as `Kind.HALT`."""
ALERTS = {
    TRIPPED: "halt",
    TAKEN: "halt",
    CAUTIOUS: "kill-switch",
    CLEARED: "kill-switch",
    REFUSED: "refused-resume",
    RESUMED: "resume",
    LIFTED: "resume",
}


class HaltEvent(Owned, Base):
    """One thing that befell the trading state. Append-only; a trigger refuses to lift a live halt by rule."""

    __tablename__ = "halt_events"

    number: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str]
    """Of the one who told it."""
    what: Mapped[str]
    halt: Mapped[str]
    """Names the halt that it concerns; empty where none does."""
    operator: Mapped[str]
    """A person, or the part of the system that did it."""
    reason: Mapped[str]
    refusal: Mapped[str]
    """Why it does not count; empty where it does."""
    state: Mapped[str]
    epoch: Mapped[int]
    """What held afterwards."""
    at: Mapped[datetime] = mapped_column(info=WITNESS)

    __table_args__ = (
        UniqueConstraint("track", "portfolio", "id"),
        refers("portfolios"),
        one_of("what", WHAT),
        one_of("state", STATES),
        CheckConstraint("number > 0 AND epoch >= 0", name="counted"),
        CheckConstraint(f"(what = '{REFUSED}') = (refusal <> '')", name="refused"),
        # One person acts once on one halt: who requested cannot approve, who approved cannot approve again.
        Index(
            "uq_halt_events_person",
            *("track", "portfolio", "halt", "operator"),
            unique=True,
            sqlite_where=text(COUNTED),
            postgresql_where=text(COUNTED),
        ),
    )


class TradingStates:
    """The trading states of the portfolios in one database."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    def tellings(self, track: str, portfolio: str) -> tuple[Standing | None, Standing | None]:
        """What the row and the audit log say, from one view; None for a portfolio that they do not know."""
        with reading(self._engine) as session:
            row = Halts(session, PortfolioKey(track, portfolio)).last()
            audited = Audit(session).last_state(track, portfolio)
        told = Standing(row.state, row.epoch) if row else None
        return told, Standing(*audited) if audited else None

    def open(self, track: str, portfolio: str, first: str, cause: str) -> Vigil:
        """Where a portfolio stands by the database alone; one without a row gets its first, in state `first`.

        What cannot be told from it, the clean hours that triggers still need, begins anew.
        """
        key = PortfolioKey(track, portfolio)
        with unit_of_work(self._engine, key) as session:
            last = Halts(session, key).last()
            if last is None:
                wanted = Standing(first, 1 if first == HALTED else 0)
                told = Told("opened", OPENED, "system", cause, Standing(HALTED, 0), wanted)
                standing = _store(session, key, told, self._clock.now()).standing
            else:
                standing, cause = Standing(last.state, last.epoch), last.cause
            asked = (str(Cause.FLATTEN),) if flattens(HaltEvents(session, key).halt(standing)) else ()
            latch = Latch(*standing, (*asked, cause) if standing.state == HALTED else ())
            mark = _last_mark(session, key)
        show_state(track, portfolio, standing)
        return _begun(latch, mark)

    def halt(self, track: str, portfolio: str) -> str:
        """The name of the halt that stands; empty without one."""
        key = PortfolioKey(track, portfolio)
        with reading(self._engine) as session:
            return HaltEvents(session, key).halt(Halts(session, key).standing())

    def record(self, track: str, portfolio: str, told: Told) -> Recorded:
        """Store an event with all that goes with it; told again, the first answer comes back."""
        key = PortfolioKey(track, portfolio)
        with unit_of_work(self._engine, key) as session:
            recorded = _store(session, key, told, self._clock.now())
        show_state(track, portfolio, recorded.standing)
        return recorded

    def history(self, track: str, portfolio: str, most: int = 50) -> list[HaltEvent]:
        """The last events, oldest first."""
        with reading(self._engine) as session:
            return HaltEvents(session, PortfolioKey(track, portfolio)).last(most)


def _last_mark(session: Session, key: PortfolioKey) -> Mark | None:
    mine = (Mark.track == key.track, Mark.portfolio == key.portfolio)
    return session.scalars(select(Mark).where(*mine).order_by(Mark.asof.desc()).limit(1)).first()


def _marked(session: Session, key: PortfolioKey) -> int:
    """The last hour whose mark is stored; before the first one, -1."""
    mark = _last_mark(session, key)
    return TradingHour.at(mark.asof).number if mark else -1


def _begun(latch: Latch, mark: Mark | None) -> Vigil:
    """The vigil of a guard that begins anew at the last mark; a halt that was lifted since is not tripped
    again by the same drawdown.
    """
    if mark is None:
        return Vigil(latch)
    hour = TradingHour.at(mark.asof).number
    figures = (mark.equity, mark.units, mark.peak, mark.lifetime_peak, mark.tier)
    begun = Vigil(latch, hour, *figures, halt_hour=hour)
    if mark.tier == HALT_TIER and latch.state != HALTED:
        return begun._replace(tier=0, peak=mark.equity, rebases=True)
    return begun


class HaltEvents(Repository):
    """The events of one portfolio."""

    def find(self, id: str) -> HaltEvent | None:
        query = select(HaltEvent).where(*self._mine(HaltEvent), HaltEvent.id == id)
        return self._session.scalars(query).first()

    def last(self, most: int) -> list[HaltEvent]:
        query = select(HaltEvent).where(*self._mine(HaltEvent))
        newest = self._session.scalars(query.order_by(HaltEvent.number.desc()).limit(most))
        return list(newest)[::-1]

    def halt(self, standing: Standing) -> str:
        """The name of the halt that stands: one that flattens goes on under the name of each later trip."""
        if standing.state != HALTED:
            return ""
        query = select(HaltEvent.halt).where(*self._mine(HaltEvent), HaltEvent.what.in_(NAMES))
        named = self._session.scalars(query.order_by(HaltEvent.number.desc()).limit(1)).first()
        return halt_name(standing.epoch, flattens(named or ""))

    def add(self, told: Told, held: Standing, holds: Standing, now: datetime) -> HaltEvent:
        """Store an event: what `held` before it, what `holds` after it."""
        last = self.last(1)
        flattening = told.flattening or flattens(self.halt(held))
        named = told.halt or (halt_name(holds.epoch, flattening) if holds.state == HALTED else "")
        event = HaltEvent(
            **self._key._asdict(),
            number=last[0].number + 1 if last else 1,
            id=told.id,
            what=told.what,
            halt=named,
            operator=told.operator,
            reason=told.reason,
            refusal=told.refusal,
            state=holds.state,
            epoch=holds.epoch,
            at=now,
        )
        self._session.add(event)
        self._session.flush()
        return event


def _store(session: Session, key: PortfolioKey, told: Told, now: datetime) -> Recorded:
    events, halts = HaltEvents(session, key), Halts(session, key)
    stored = events.find(told.id)
    if stored is not None:
        return Recorded(Standing(stored.state, stored.epoch))
    held = halts.standing()
    if told.what in LOOSENS and held != told.known:
        return Recorded(held, f"the row is {held.state} at epoch {held.epoch}, not as it was known")
    holds = _change(halts, told, now)
    event = events.add(told, held, holds, now)
    audit = Audit(session)
    hour = _marked(session, key) if told.hour is None else told.hour
    facts = canonical_json({**event.facts(), "at": now.isoformat(), "hour": hour})
    audit.append(key.track, AUDITED.get(told.what, Kind.HALT), key.portfolio, facts)
    if audit.last_state(*key) != holds:
        audit.append(key.track, Kind.HALT_STATE, key.portfolio, canonical_json(holds._asdict()))
    if told.what in ALERTS:
        kind = ALERTS[told.what]
        name = f"{kind}/{key.portfolio}/{event.number}"
        post(session, key.track, name, kind, key.portfolio, _sentence(key, event), now)
    return Recorded(holds)


def _change(halts: Halts, told: Told, now: datetime) -> Standing:
    """Change the row as the event says; returns what holds."""
    why = (told.reason, told.operator, now)
    if told.what == OPENED:
        return halts.change(told.wanted, *why)
    if told.what == TRIPPED:
        return halts.tighten(HALTED, *why, epoch=told.wanted.epoch)
    if told.what == CAUTIOUS:
        return halts.tighten(told.wanted.state, *why)
    if told.what in LOOSENS:
        return halts.loosen(told.wanted.state, told.known.epoch, *why)
    return halts.standing()


def _sentence(key: PortfolioKey, event: HaltEvent) -> str:
    """The alert's text: what happened to whom, why, and what to do."""
    said = f"{key.portfolio} on {key.track}: {event.what} by {event.operator} ({event.reason})"
    if event.refusal:
        return f"{said}, refused: {event.refusal}"
    if event.state == HALTED:
        return f"{said}; no entries until {event.halt} is reviewed: ballast halt status"
    return f"{said}; trading is {event.state}"
