"""Kraken's two rate counters, in venue time: one a key for calls, one a pair for the trading engine."""

from typing import NamedTuple

from simulator.protocol import Refusal
from simulator.tape import SECOND_NS


class Tier(NamedTuple):
    """What an account of a verification tier is allowed."""

    calls_max: float
    calls_decay: float
    """A second."""
    engine_max: float
    engine_decay: float
    open_max: int
    """Open orders of one pair."""


TIERS = {
    "starter": Tier(15, 0.33, 60, 1.0, 60),
    "intermediate": Tier(20, 0.5, 125, 2.34, 80),
    "pro": Tier(20, 1.0, 180, 3.75, 225),
}

CALL_COST = {"TradesHistory": 2, "Ledgers": 2, "AddOrder": 0, "AmendOrder": 0, "CancelOrder": 0}
"""Every other private call costs 1."""

CANCEL_COST = ((5, 8), (10, 6), (15, 5), (45, 4), (90, 2), (300, 1))
AMEND_COST = ((5, 3), (10, 2), (15, 1))
"""Younger than so many seconds: so many points."""


class Counter:
    """Points that melt away with time."""

    def __init__(self) -> None:
        self._points, self._seen_ns = 0.0, 0

    def add(self, points: float, now_ns: int, decay: float) -> float:
        """Count `points` and return the total."""
        melted = (now_ns - self._seen_ns) / SECOND_NS * decay
        self._points, self._seen_ns = max(0.0, self._points - melted) + points, now_ns
        return self._points


class Limits:
    """The counters of one account; without a tier nothing is counted."""

    def __init__(self, tier: str | None) -> None:
        self.tier = TIERS[tier] if tier else None
        self._calls, self._engine = Counter(), dict[str, Counter]()

    def call(self, endpoint: str, now_ns: int) -> None:
        """Count a private call; one too many is a `Refusal`."""
        tier, cost = self.tier, CALL_COST.get(endpoint, 1)
        if tier and self._calls.add(cost, now_ns, tier.calls_decay) > tier.calls_max and cost:
            raise Refusal("EAPI:Rate limit exceeded")

    def engine(self, pair: str, points: float, now_ns: int) -> None:
        """Count an order action on a pair, which counts even when it is then refused."""
        tier = self.tier
        counter = self._engine.setdefault(pair, Counter())
        if tier and counter.add(points, now_ns, tier.engine_decay) > tier.engine_max:
            raise Refusal("EOrder:Rate limit exceeded")

    def room(self, open_orders: int) -> None:
        """Refuse one open order too many in a pair."""
        if self.tier and open_orders >= self.tier.open_max:
            raise Refusal("EOrder:Orders limit exceeded")


def aged(costs: tuple[tuple[int, int], ...], age_ns: int) -> int:
    """Points for touching an order of that age."""
    return next((points for limit_s, points in costs if age_ns < limit_s * SECOND_NS), 0)
