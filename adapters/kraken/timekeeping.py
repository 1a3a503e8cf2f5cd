"""Kraken's own time, measured against this computer's clock now and then; deadlines rest on it."""

from datetime import UTC, datetime, timedelta

from adapters.clock import Clock
from adapters.kraken.public import PublicApi
from trading.errors import VenueError

MEASURE_EVERY = timedelta(minutes=5)


class KrakenTime:
    """The time at the venue that `public` asks."""

    def __init__(self, public: PublicApi, clock: Clock) -> None:
        self._public, self._clock = public, clock
        self._ahead: timedelta | None = None
        self._measured_s = 0.0

    def now(self) -> datetime:
        """Kraken's time, known to about a second; raises only if it was never measured."""
        stale = self._clock.monotonic_s() - self._measured_s >= MEASURE_EVERY.total_seconds()
        if self._ahead is None or stale:
            try:
                self.measure()
            except VenueError:
                if self._ahead is None:
                    raise
        assert self._ahead is not None
        return self._clock.now() + self._ahead

    def measure(self) -> timedelta:
        """How far Kraken's clock is ahead of this one, asked now."""
        sent = self._clock.now()
        there = datetime.fromtimestamp(self._public.time().unixtime, UTC)
        # Kraken tells whole seconds; the middle of that second is off by half of one at most.
        between = sent + (self._clock.now() - sent) / 2
        self._ahead = there + timedelta(seconds=0.5) - between
        self._measured_s = self._clock.monotonic_s()
        return self._ahead

    def wait(self, until: datetime) -> None:
        """Return when Kraken's clock has reached `until`."""
        while (left_s := (until - self.now()).total_seconds()) > 0:
            self._clock.sleep(left_s)
