"""Kraken's rate counters, modelled so that we wait here instead of being refused there.

The counter of a key rises by what a call costs and decays steadily. The counter of an account's orders in a
pair rises by one for an order or amendment, and by more the younger the order is that is amended or
cancelled. Public calls have no published limit; one a second is the documented safe pace. Times are seconds
of a clock that does not step back. After a restart the counters here begin at zero; a refusal fills them.
"""

from typing import NamedTuple

EPSILON = 1e-9
"""Rounding of waited seconds must not ask for another wait."""


class Tier(NamedTuple):
    """What an account's verification level allows."""

    key_max: float
    key_decay_per_s: float
    orders_max: float
    orders_decay_per_s: float


STARTER = Tier(15, 0.33, 60, 1.0)
INTERMEDIATE = Tier(20, 0.5, 125, 2.34)
PRO = Tier(20, 1.0, 180, 3.75)
TIERS = {"starter": STARTER, "intermediate": INTERMEDIATE, "pro": PRO}

ADD_COST = 1
AMEND_COST = 1
AMEND_BY_AGE = ((5, 3), (10, 2), (15, 1))
CANCEL_BY_AGE = ((5, 8), (10, 6), (15, 5), (45, 4), (90, 2), (300, 1))
"""(younger than so many seconds, added cost)"""


class Counter:
    """A level that rises by what is spent, decays steadily, and may not pass `limit`."""

    def __init__(self, limit: float, decay_per_s: float) -> None:
        self._limit, self._decay_per_s = limit, decay_per_s
        self._level, self._at_s = 0.0, 0.0

    def level(self, now_s: float) -> float:
        return max(self._level - self._decay_per_s * max(now_s - self._at_s, 0.0), 0.0)

    def wait_s(self, cost: float, now_s: float) -> float:
        """Seconds until `cost` fits; a cost above the limit fits when the counter is empty."""
        excess = self.level(now_s) - max(self._limit - cost, 0.0)
        return excess / self._decay_per_s if excess > EPSILON else 0.0

    def spend(self, cost: float, now_s: float) -> None:
        self._level, self._at_s = self.level(now_s) + cost, max(now_s, self._at_s)

    def fill(self, now_s: float) -> None:
        """The venue says that the counter is full."""
        self._level, self._at_s = max(self.level(now_s), self._limit), max(now_s, self._at_s)


def amend_cost(age_s: float) -> int:
    """What amending an order of this age adds to its pair's counter."""
    return AMEND_COST + _by_age(AMEND_BY_AGE, age_s)


def cancel_cost(age_s: float) -> int:
    """What cancelling an order of this age adds to its pair's counter."""
    return _by_age(CANCEL_BY_AGE, age_s)


def _by_age(steps: tuple[tuple[int, int], ...], age_s: float) -> int:
    return next((cost for younger_s, cost in steps if age_s < younger_s), 0)


class Charge(NamedTuple):
    """What one call costs."""

    key: float
    pair: str = ""
    orders: float = 0


class Pacer:
    """All counters of one key, or of one address for public calls, and the pauses that errors impose."""

    def __init__(self, key: Counter, tier: Tier = STARTER) -> None:
        self._key, self._tier = key, tier
        self._orders: dict[str, Counter] = {}
        self._quiet_until_s: dict[str, float] = {}

    def wait_s(self, charge: Charge, now_s: float) -> float:
        """Seconds until a call fits into every counter and no pause stands against it."""
        quiet_until_s = max(self._quiet_until_s.get(name, now_s) for name in ("", charge.pair))
        waits = [quiet_until_s - now_s, self._key.wait_s(charge.key, now_s)]
        if charge.orders:
            waits.append(self._of(charge.pair).wait_s(charge.orders, now_s))
        return max(waits) if max(waits) > EPSILON else 0.0

    def spend(self, charge: Charge, now_s: float) -> None:
        """Count a call; the fixed cost of an order counts even when it is refused."""
        self._key.spend(charge.key, now_s)
        if charge.orders:
            self._of(charge.pair).spend(charge.orders, now_s)

    def pause(self, pair: str, seconds: float, now_s: float) -> None:
        """Keep still in one pair, or everywhere for an empty name, and take that counter for full."""
        until_s = max(now_s + seconds, self._quiet_until_s.get(pair, now_s))
        self._quiet_until_s[pair] = until_s
        (self._of(pair) if pair else self._key).fill(now_s)

    def _of(self, pair: str) -> Counter:
        return self._orders.setdefault(pair, Counter(self._tier.orders_max, self._tier.orders_decay_per_s))


def public_pacer() -> Pacer:
    """One call a second."""
    return Pacer(Counter(1, 1.0))


def private_pacer(tier: Tier) -> Pacer:
    return Pacer(Counter(tier.key_max, tier.key_decay_per_s), tier)
