"""The clock that adapters are given: the time of day, a time that never goes back, and sleep."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What waits, deadlines, nonces and stamps are measured with."""

    def now(self) -> datetime:
        """The time of day, aware, UTC."""
        ...

    def monotonic_s(self) -> float:
        """Seconds since some moment; unlike the time of day this never steps back."""
        ...

    def sleep(self, seconds: float) -> None: ...


class SystemClock:
    """The clock of this computer."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic_s(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)
