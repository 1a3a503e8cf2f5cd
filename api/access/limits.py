"""How often one caller may ask: a bucket that refills steadily, kept in the memory of one process.

A caller is a token, a session or, before either is known, an address. Sign-ins have a stricter bucket, beside
the lockout that the database remembers.
"""

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

CALLERS_MAX = 10_000


class Buckets:
    """One bucket for each caller, holding `burst` requests and refilled by `per_s` each second."""

    def __init__(self, per_s: float, burst: int, monotonic_s: Callable[[], float]) -> None:
        self._per_s = per_s
        self._burst = burst
        self._monotonic_s = monotonic_s
        self._held: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = Lock()

    def take(self, caller: str) -> float:
        """Take one request; 0 if there was one, else the seconds until there is."""
        now = self._monotonic_s()
        with self._lock:
            left, since = self._held.pop(caller, (float(self._burst), now))
            left = min(self._burst, left + (now - since) * self._per_s)
            short = max(0.0, 1.0 - left)
            self._held[caller] = (left if short else left - 1.0, now)
            while len(self._held) > CALLERS_MAX:
                self._held.popitem(last=False)
        return short / self._per_s
