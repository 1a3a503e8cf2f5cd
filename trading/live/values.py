"""What is stored of one portfolio's hour, as plain values."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from trading.execution.protocol import Kind, Trade
from trading.portfolio import PortfolioState

ACTIVE, REDUCING, HALTED = "ACTIVE", "REDUCING", "HALTED"


class Held(NamedTuple):
    """What the venue holds for a portfolio, as the hour's comparison found it."""

    cash: int
    """1e-8 quote."""
    lots: Mapping[str, int]
    """By instrument, where there are any."""


class Guarded(NamedTuple):
    """What the long-lived guard of a portfolio answered to an hour's mark."""

    state: str
    epoch: int
    tier: int
    halt: str
    """Names the halt that stands; empty without one."""


class Booked(NamedTuple):
    """A fill, and the order that it is of."""

    trade: Trade
    kind: Kind
    number: int
    """The order's place among the orders of its portfolio, which tells apart what happened at one instant."""
    asof: datetime
    """Of the decision whose approval the order rests on."""


class Approved(NamedTuple):
    """What risk left of one intent; prices in ticks, lots signed."""

    lots: int
    limit: int
    stop: int
    take: int
    trail: int


class Standing(NamedTuple):
    """A portfolio as an hour left it."""

    hour: int
    """asof, in hours since the epoch."""
    state: PortfolioState


class HourEnd(NamedTuple):
    """How the hour of one portfolio ended."""

    outcome: str
    reason: str
    fills: int
    settled: bool


class Told(NamedTuple):
    """A stored decision, as far as what follows from it needs to know."""

    outcome: str
    halt_epoch: int
    digest: str
    document: str
    approved: Mapping[str, Approved]
    """By instrument; what was denied is not here."""


class Proved(NamedTuple):
    """What another process came to for one portfolio's hour."""

    portfolio: str
    held: bool
    """It came to the same."""
    decision: str
    """Digests that it came to; zeros where it came to nothing."""
    state: str
    note: str
    """What differs first, or why nothing could be computed; empty where it held."""

    @classmethod
    def failed(cls, portfolio: str, why: str) -> "Proved":
        return cls(portfolio, False, "0" * 64, "0" * 64, why)


class Ticket(NamedTuple):
    """The rules that a portfolio is under, and what drives it."""

    predictor: str
    digest: str
    document: str
