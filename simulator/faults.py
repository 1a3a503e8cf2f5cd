"""What goes wrong on purpose, and when: rules that a request, a reply or the venue's state is held against.

A rule names a kind, the endpoints and pair it is for, and when it strikes: after `skip` requests, `count`
times, with a seeded probability, inside a window of venue time. `effect` says what became of the request
behind it: `none` it never arrived, `applied` it took effect, `late` it takes effect `late_s` later. Kinds by
what they touch:

- the wire, instead of the reply: error, http, silence, close, reset, drip, slow, garbled
(`simulator.server`) - the result before it is sent: see `simulator.distortions` - the venue's state, with no
request involved: mode, thin, fees, skew, frozen (`simulator.venue`) - one order: partial, pending, cross,
race, stuck (`simulator.trading`)
"""

from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Any

from simulator.tape import SECOND_NS
from trading.errors import UsageError

WIRE = ("error", "http", "silence", "close", "reset", "drip", "slow", "garbled")
RESULT = ("patch", "warning", "null", "hidden", "echo", "lag", "price", "book", "candles", "prints")
STATE = ("mode", "thin", "fees", "skew", "frozen")
ORDER = ("partial", "pending", "cross", "race", "stuck")
FITS = {
    "hidden": ("OpenOrders", "ClosedOrders", "QueryOrders"),
    "echo": ("OpenOrders",),
    "lag": ("Balance", "BalanceEx"),
    "price": ("Ticker", "Depth", "OHLC"),
    "book": ("Ticker", "Depth"),
    "candles": ("OHLC",),
    "prints": ("Trades",),
    "partial": ("AddOrder",),
    "pending": ("AddOrder",),
    "cross": ("AddOrder",),
    "race": ("CancelOrder",),
    "stuck": ("CancelOrder",),
}
"""Endpoints that a kind makes sense for; the others may strike any."""
EFFECTS = ("none", "applied", "late")


@dataclass(slots=True)
class Rule:
    """One fault; times are venue seconds."""

    kind: str
    endpoint: str = "*"
    """A name such as AddOrder, several with commas, or * for all."""
    pair: str | None = None
    """BTC/USD; a request without a pair is not struck by a rule that names one."""
    count: int | None = None
    skip: int = 0
    probability: float = 1.0
    seed: int = 0
    from_s: float | None = None
    until_s: float | None = None
    effect: str = "none"
    late_s: float = 0.0
    args: dict[str, Any] = field(default_factory=dict)
    """What the kind needs to know."""
    id: int = 0
    struck: int = 0
    _random: Random = field(default_factory=Random, repr=False)

    def __post_init__(self) -> None:
        if self.kind not in WIRE + RESULT + STATE + ORDER:
            raise UsageError(f"no fault {self.kind!r}; there are {', '.join(WIRE + RESULT + STATE + ORDER)}")
        if self.effect not in EFFECTS:
            raise UsageError(f"no effect {self.effect!r}; there are {', '.join(EFFECTS)}")
        self._random = Random(self.seed)  # noqa: S311

    def in_time(self, now_ns: int) -> bool:
        now_s = now_ns / SECOND_NS
        return (self.from_s is None or now_s >= self.from_s) and (
            self.until_s is None or now_s < self.until_s
        )

    def concerns(self, endpoint: str, pair: str | None) -> bool:
        named = self.endpoint == "*" or endpoint in self.endpoint.split(",")
        return named and endpoint in FITS.get(self.kind, (endpoint,)) and self.pair in (None, pair)

    def strikes(self) -> bool:
        """Whether the rule strikes the request it concerns; counts it."""
        if self.skip > 0:
            self.skip -= 1
            return False
        if self.count is not None and self.struck >= self.count:
            return False
        if self.probability < 1.0 and self._random.random() >= self.probability:
            return False
        self.struck += 1
        return True


class Faults:
    """The rules in force, in the order they were set."""

    def __init__(self) -> None:
        self.rules: list[Rule] = []
        self._ids = count(1)

    def add(self, rule: Rule) -> int:
        rule.id = next(self._ids)
        self.rules.append(rule)
        return rule.id

    def clear(self, id: int | None = None) -> int:
        """Take one rule out, or all; returns how many went."""
        kept = [rule for rule in self.rules if id is not None and rule.id != id]
        gone = len(self.rules) - len(kept)
        self.rules = kept
        return gone

    def struck(self, endpoint: str, pair: str | None, now_ns: int) -> list[Rule]:
        """The rules that strike this request; of those that replace the reply only the first."""
        found: list[Rule] = []
        for rule in self.rules:
            if rule.kind in STATE or not rule.in_time(now_ns) or not rule.concerns(endpoint, pair):
                continue
            if rule.kind in WIRE and any(other.kind in WIRE for other in found):
                continue
            if rule.strikes():
                found.append(rule)
        return found

    def state(self, kind: str, pair: str | None, now_ns: int) -> Rule | None:
        """The rule of that kind that holds now for the venue, or for a pair; the newest wins."""
        for rule in reversed(self.rules):
            if rule.kind == kind and rule.in_time(now_ns) and rule.pair in (None, pair):
                return rule
        return None
