"""What the guards of portfolios say, asked of each at most once a second however many look."""

from collections import defaultdict
from collections.abc import Callable
from threading import Lock

from activities.halt_messages import HaltStatus
from adapters.storage.base import PortfolioKey
from temporal.guards import Guards
from trading.errors import VenueUnavailable

HELD_S = 1.0


class Watched:
    """The last word of each guard; None while it does not answer."""

    def __init__(self, monotonic_s: Callable[[], float]) -> None:
        self._monotonic_s = monotonic_s
        self._locks: defaultdict[PortfolioKey, Lock] = defaultdict(Lock)
        self._said: dict[PortfolioKey, tuple[float, HaltStatus | None]] = {}

    def status(self, guards: Guards | None, key: PortfolioKey) -> HaltStatus | None:
        with self._locks[key]:
            at, said = self._said.get(key, (0.0, None))
            if key not in self._said or self._monotonic_s() > at + HELD_S:
                said = _asked(guards, key)
                self._said[key] = (self._monotonic_s(), said)
            return said

    def forget(self, key: PortfolioKey) -> None:
        """Ask anew: somebody has just told the guard something."""
        self._said.pop(key, None)


def _asked(guards: Guards | None, key: PortfolioKey) -> HaltStatus | None:
    try:
        return guards.status(*key) if guards else None
    except VenueUnavailable:
        return None
