"""What activities need of the world. Adapters satisfy these by their shape and are handed in when a worker
is put together.

Every write is durable when its unit ends, and may be repeated: the same again changes nothing, something else
under the same key is an `InvariantError`.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Protocol, runtime_checkable

from activities.messages import GuardOut, MarkIn, Tellings
from trading.backtest.inputs import Scene
from trading.clock import TradingHour
from trading.execution.findings import Census
from trading.execution.placing import Steps
from trading.instruments import Instrument
from trading.live.desk import Desk
from trading.live.flows import Flow
from trading.live.values import Booked, Guarded, Held, HourEnd, Standing, Ticket, Told
from trading.market import Grid
from trading.models.protocol import Said
from trading.portfolio import Account, Decision
from trading.risk.approve import ApprovedOrder


class Objects(Protocol):
    """Immutable bytes, named by their content."""

    def put_bytes(self, content: bytes) -> str: ...

    def read(self, name: str) -> bytes: ...


class Clock(Protocol):
    """The venue's time, and who is through with it (`adapters.venue_clock`)."""

    def now(self) -> datetime: ...

    async def wait(self, until: datetime, order: str) -> bool: ...

    def decided(self, hour: TradingHour, portfolios: list[str], orders: list[str]) -> None: ...

    def withdrawn(self, order: str, then: list[str]) -> None: ...


class Release(Protocol):
    """What predicts for the portfolios that no policy drives."""

    def predict(self, market: Scene, hour: TradingHour) -> Said:
        """Predictions at asof, from a window that ends there."""
        ...


class Feed(Protocol):
    """Where the market's hours come from."""

    def catch_up(self, hour: TradingHour) -> None: ...

    def window(self, hour: TradingHour) -> Grid: ...

    def backfill(self, instrument: str, first: TradingHour, last: TradingHour) -> int:
        """Rebuild hours from single trades; returns how many were added."""
        ...


class Tracks(Protocol):
    """What is stored of a track as a whole."""

    def roll(self, track: str, hour: TradingHour) -> Sequence[str]: ...

    def predictors(self, track: str, hour: TradingHour) -> Sequence[str]: ...

    def keep_stage(
        self, track: str, hour: TradingHour, stage: str, reference: str, summary: Mapping[str, object]
    ) -> str: ...

    def stage(self, track: str, hour: TradingHour, stage: str) -> str: ...

    def observe(
        self, track: str, hour: TradingHour, what: str, reference: str, summary: Mapping[str, object]
    ) -> str: ...

    def observed(self, track: str, hour: TradingHour, what: str) -> str:
        """The newest reference of what was observed at `hour` or before; empty without."""
        ...

    def observations(
        self, track: str, what: str, after: TradingHour, through: TradingHour
    ) -> Mapping[TradingHour, str]:
        """Summaries of what was observed, by hour."""
        ...

    def ended(self, track: str, hour: TradingHour) -> str: ...

    def ends(self, track: str, hour: TradingHour) -> Mapping[str, HourEnd]: ...

    def end(
        self, track: str, hour: TradingHour, outcome: str, reason: str, portfolios: Collection[str]
    ) -> None: ...

    def alert(self, track: str, name: str, kind: str, portfolio: str, message: str) -> None: ...


class Books(Protocol):
    """One portfolio's hours, inside a transaction."""

    def ticket(self, hour: TradingHour) -> Ticket: ...

    def standing(self, instruments: Sequence[str]) -> Standing: ...

    def ended(self, hour: TradingHour) -> HourEnd | None: ...

    def settled_hour(self) -> int:
        """Of the last state."""
        ...

    def held(self, hour: TradingHour, instruments: Sequence[Instrument]) -> Held | None: ...

    def is_unclear(self, hour: TradingHour) -> bool: ...

    def unfolded(self) -> list[Booked]: ...

    def fold(self, hour: TradingHour, booked: Collection[Booked]) -> None: ...

    def unfolded_flows(self) -> list[Flow]: ...

    def fold_flows(self, hour: TradingHour, flows: Collection[Flow]) -> None: ...

    def keep_mark(
        self, hour: TradingHour, account: Account, flow: int, fired: int, said: Guarded
    ) -> None: ...

    def guarded(self, hour: TradingHour) -> Guarded | None: ...

    def keep_decision(
        self,
        hour: TradingHour,
        outcome: str,
        halt_epoch: int,
        document: str,
        instruments: Sequence[str],
        decision: Decision,
        orders: Sequence[ApprovedOrder],
    ) -> Told: ...

    def decision(self, hour: TradingHour) -> Told | None: ...

    def settle(self, hour: TradingHour, document: str, end: HourEnd) -> str: ...

    def end(self, hour: TradingHour, end: HourEnd) -> None: ...


class Unit(Protocol):
    """One transaction over a batch; each portfolio has a savepoint of its own."""

    def part(self, portfolio: str) -> AbstractContextManager[Books]: ...


class Library(Protocol):
    """The books of every portfolio."""

    def unit(self, track: str, portfolios: Sequence[str]) -> AbstractContextManager[Unit]: ...

    def view(self, track: str, portfolio: str) -> AbstractContextManager[Books]: ...


@runtime_checkable
class Put(Protocol):
    """A procedure is put aside until venue time `until`, or a change of `order`."""

    @property
    def until(self) -> datetime: ...

    @property
    def order(self) -> str: ...


class Compared(Protocol):
    """What a comparison came to."""

    @property
    def census(self) -> Census: ...

    @property
    def unexplained(self) -> Mapping[str, int]: ...


class VenueAccount(Protocol):
    """One portfolio's account at its venue."""

    def reconcile(self, hour: TradingHour) -> Compared:
        """Bring orders, journal and findings up to what the account shows, and compare every balance."""
        ...

    def work(self, hour: TradingHour, steps: Steps[Any], name: str, beat: Callable[[], None]) -> Any:
        """What a procedure returned, or a `Put` where it has to wait for long."""
        ...


class Watch(Protocol):
    """Sees what only a running hour can: the exchange's interface, its book, its clock, other venues."""

    def fired(self, track: str, desk: Desk) -> Sequence[str]:
        """Names of the kill-switch triggers that fire in this hour, the same however often it is asked."""
        ...


class Latch(Protocol):
    """The long-lived workflow that alone may loosen the trading state of a portfolio."""

    def tellings(self, track: str, portfolio: str) -> Tellings:
        """What row and audit log say now, so that the guard need not ask."""
        ...

    def mark(self, track: str, told: MarkIn) -> GuardOut:
        """Tell an hour's mark; told again, the first answer comes back."""
        ...
