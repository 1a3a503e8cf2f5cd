"""What activities need of the world. Adapters satisfy these by their shape and are handed in when a worker
is put together.

Every write is durable when it returns, and may be repeated: the same again changes nothing, something else
under the same key is an `InvariantError`.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from activities.messages import Digest, GuardOut, MarkIn
from trading.clock import TradingHour
from trading.market import Grid
from trading.portfolio import PortfolioState


class Objects(Protocol):
    """Immutable bytes, named by their content."""

    def put_bytes(self, content: bytes) -> Digest: ...

    def read(self, name: Digest) -> bytes: ...


class Feed(Protocol):
    """Where the market's hours come from."""

    def catch_up(self, hour: TradingHour) -> None:
        """Bring in every finished hour up to `hour`: replies stored first, then bars, then checks."""
        ...

    def window(self, hour: TradingHour) -> Grid:
        """The window of hours ending at `hour`, as long as the longest need of the configuration."""
        ...


class Latch(Protocol):
    """The long-lived workflow that alone may loosen the trading state of a portfolio."""

    def mark(self, track: str, told: MarkIn) -> GuardOut:
        """Tell an hour's mark; told again, the first answer comes back."""
        ...


class HourEnd(NamedTuple):
    """How the hour of one portfolio ended."""

    outcome: str
    reason: str
    fills: int
    settled: bool


class Hours(Protocol):
    """What is stored of a track's hours."""

    def roll(self, track: str, hour: TradingHour) -> Sequence[str]:
        """The portfolios whose mandate began at `hour` or before, sorted."""
        ...

    def keep_stage(
        self, track: str, hour: TradingHour, stage: str, reference: Digest, summary: Mapping[str, object]
    ) -> Digest:
        """Store what a stage left; returns the reference that stands, which is the first one stored."""
        ...

    def ended(self, track: str, hour: TradingHour) -> str:
        """How the hour of the track ended; empty while it has not."""
        ...

    def ends(self, track: str, hour: TradingHour, portfolios: Collection[str]) -> Mapping[str, HourEnd]:
        """Of those portfolios whose hour is over, how."""
        ...

    def end(
        self, track: str, hour: TradingHour, outcome: str, reason: str, portfolios: int, settled: int
    ) -> None: ...

    def skip(self, track: str, hour: TradingHour, portfolio: str, outcome: str, reason: str) -> None:
        """Give a portfolio's hour its row without a settled state; nothing if it has one."""
        ...

    def alert(self, track: str, name: str, kind: str, portfolio: str, message: str) -> None:
        """Put an alert into the outbox, once."""
        ...


class Standing(NamedTuple):
    """A portfolio as the last settled hour left it."""

    hour: TradingHour
    state: PortfolioState


class Clock(Protocol):
    """The venue's time, for what is stored and for what has a deadline."""

    def now(self) -> datetime: ...
