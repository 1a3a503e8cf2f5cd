"""How a venue answered lately: which calls failed and when, and how long the slowest answer took."""

import threading
from collections import deque

from adapters.clock import Clock
from adapters.kraken.faults import Fate, Fault

WINDOW_S = 3_600.0
NO_CONNECTION = "no connection"
SILENCE = (NO_CONNECTION, "no answer")


class Meter:
    """Counts the calls of one process over the last hour; may be used from several threads.

    A refusal, or a call for patience, is an answer. In lockstep no time passes while a call is under way, and
    a simulator that says nothing was stopped by whoever runs the replay: neither is a fact about the venue.
    """

    def __init__(self, clock: Clock, *, lockstep: bool = False) -> None:
        self._clock, self._lockstep = clock, lockstep
        self._failed_s: deque[float] = deque()
        self._answers_s: deque[tuple[float, float]] = deque()
        self._turn = threading.Lock()

    def answered(self, took_s: float) -> None:
        """Real seconds from the request to its whole answer."""
        if not self._lockstep:
            with self._turn:
                self._answers_s.append((self._now_s(), took_s))

    def failed(self, fault: Fault) -> None:
        name = fault.row.text
        failed = fault.row.fate is Fate.UNKNOWN or name == NO_CONNECTION
        if failed and not (self._lockstep and name in SILENCE):
            with self._turn:
                self._failed_s.append(self._now_s())

    def failures(self) -> list[float]:
        """When calls of the last hour failed, in seconds since any moment, oldest first."""
        with self._turn:
            since_s = self._now_s() - WINDOW_S
            while self._failed_s and self._failed_s[0] < since_s:
                self._failed_s.popleft()
            return list(self._failed_s)

    def slowest_s(self) -> float:
        """Of the answers of the last hour; NaN where there was none, 0 in lockstep."""
        if self._lockstep:
            return 0.0
        with self._turn:
            since_s = self._now_s() - WINDOW_S
            while self._answers_s and self._answers_s[0][0] < since_s:
                self._answers_s.popleft()
            return max((took_s for _, took_s in self._answers_s), default=float("nan"))

    def _now_s(self) -> float:
        return self._clock.now().timestamp()
