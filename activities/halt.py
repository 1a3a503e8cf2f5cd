"""The halt workflow's hands: rows and audit entries, signatures, working entries at the venue, alerts."""

from collections.abc import Callable
from typing import Protocol

from temporalio import activity

from activities.halt_messages import (
    OfPortfolio,
    Opened,
    OpenIn,
    RecordIn,
    RecordOut,
    ReviewIn,
    VerifyIn,
    VerifyOut,
)
from activities.messages import Telling, Tellings
from trading.errors import VenueUnavailable
from trading.risk.halt_events import Recorded, Told
from trading.risk.trading_state import HALTED, Cause, Standing, flattens, signed_bytes
from trading.risk.vigil import Vigil


class States(Protocol):
    """Where trading states are kept: the row, the audit log, the outbox, in one transaction."""

    def open(self, track: str, portfolio: str, first: str, cause: str) -> Vigil: ...

    def tellings(self, track: str, portfolio: str) -> tuple[Standing | None, Standing | None]: ...

    def halt(self, track: str, portfolio: str) -> str:
        """The name of the halt that stands; empty without one."""
        ...

    def record(self, track: str, portfolio: str, told: Told) -> Recorded: ...


class Operators(Protocol):
    """Who may review, by public key."""

    def refusal(self, operator: str, content: bytes, signature: str) -> str:
        """Why this is not the operator's signature of the content; empty if it is."""
        ...


class Entries(Protocol):
    """Working entries at the venue."""

    def cancel(self, track: str, portfolio: str) -> int:
        """Cancel what works; returns how many are not seen to be over yet."""
        ...


class Outbox(Protocol):
    """Alerts that are to leave."""

    def deliver(self, track: str) -> int:
        """Send what has not left; returns how many could not."""
        ...


class HaltActivities:
    """Records are of the queue `guard`, errands of `trading`."""

    def __init__(self, states: States, operators: Operators, entries: Entries, outbox: Outbox) -> None:
        self._states = states
        self._operators = operators
        self._entries = entries
        self._outbox = outbox

    def records(self) -> list[Callable[..., object]]:
        """What a guard waits for before it answers."""
        return [self.open_guard, self.read_tellings, self.record_halt, self.verify_signature]

    def errands(self) -> list[Callable[..., object]]:
        """What takes as long as a venue or a channel takes, and nobody waits for."""
        return [self.cancel_entries, self.deliver_alerts]

    @activity.defn
    def open_guard(self, told: OpenIn) -> Opened:
        """Where the portfolio stands, opened if it never was."""
        cause = Cause.OPENING if told.first == HALTED else "opened for trading"
        return Opened(vigil=self._states.open(told.track, told.portfolio, told.first, cause))

    @activity.defn
    def read_tellings(self, told: OfPortfolio) -> Tellings:
        row, audit = self._states.tellings(told.track, told.portfolio)
        flattening = flattens(self._states.halt(told.track, told.portfolio))
        return Tellings(row=_telling(row), audit=_telling(audit), flattening=flattening)

    @activity.defn
    def record_halt(self, told: RecordIn) -> RecordOut:
        """Store an event; an objection says that nothing was stored, and why."""
        event = Told(
            told.id,
            told.what,
            told.operator,
            told.reason,
            Standing(told.known.state, told.known.epoch),
            Standing(told.wanted.state, told.wanted.epoch),
            told.halt,
            told.refusal,
            told.flattening,
            told.hour,
        )
        recorded = self._states.record(told.track, told.portfolio, event)
        return RecordOut(**recorded.standing._asdict(), objection=recorded.objection)

    @activity.defn
    def verify_signature(self, told: VerifyIn) -> VerifyOut:
        said: ReviewIn = told.said
        content = signed_bytes(told.track, told.portfolio, said.act)
        return VerifyOut(refusal=self._operators.refusal(said.operator, content, said.signature))

    @activity.defn
    def cancel_entries(self, told: OfPortfolio) -> None:
        """Cancel working entries; fails, to be tried again, until each was seen to be over."""
        working = self._entries.cancel(told.track, told.portfolio)
        if working:
            raise VenueUnavailable(f"{working} entries are not over yet; looking again")

    @activity.defn
    def deliver_alerts(self, told: OfPortfolio) -> None:
        """Empty the outbox; fails, to be tried again, until every channel took every alert."""
        waiting = self._outbox.deliver(told.track)
        if waiting:
            raise VenueUnavailable(f"{waiting} alerts could not leave; trying again")


def _telling(standing: Standing | None) -> Telling | None:
    return Telling(**standing._asdict()) if standing else None
