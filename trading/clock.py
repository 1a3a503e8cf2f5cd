"""Hours. A trading hour is named by its asof: the close of the last bar that a decision may see.

Inside `trading/` an hour is one integer, the number of hours since 1970-01-01T00:00Z; 24 divides midnight.
"""

from datetime import UTC, datetime
from typing import NamedTuple

HOUR_S = 3600
DAY_H = 24


class TradingHour(NamedTuple):
    """One trading hour, ordered by its number."""

    number: int
    """Hours since the epoch at asof."""

    @classmethod
    def at(cls, asof: datetime) -> "TradingHour":
        """The trading hour of an aware UTC time on the hour; anything else is a `ValueError`."""
        if asof.tzinfo is None or asof.utcoffset() != UTC.utcoffset(None):
            raise ValueError(f"{asof!r} is not an aware UTC time")
        seconds = asof.timestamp()
        if seconds % HOUR_S:
            raise ValueError(f"{asof.isoformat()} is not on the hour")
        return cls(int(seconds // HOUR_S))

    @property
    def asof(self) -> datetime:
        return datetime.fromtimestamp(self.number * HOUR_S, UTC)

    @property
    def previous(self) -> "TradingHour":
        return TradingHour(self.number - 1)

    @property
    def next(self) -> "TradingHour":
        return TradingHour(self.number + 1)

    @property
    def starts_day(self) -> bool:
        return self.number % DAY_H == 0

    def staleness_s(self, now: datetime) -> float:
        """Seconds from asof to `now`; negative while the bar is still open."""
        return (now - self.asof).total_seconds()

    def __str__(self) -> str:
        return self.asof.strftime("%Y-%m-%dT%H:%MZ")
