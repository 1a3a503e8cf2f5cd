"""What the walk of `tests.machine` moves in, and the words for what can go wrong there."""

from collections.abc import Sequence
from typing import NamedTuple

from trading.backtest.matching import Bar
from trading.portfolio import Ints, Market, Reading, Signal

BROKEN = (
    "",
    "equity is not cash plus marked holdings",
    "a peak is below equity",
    "a tier is lighter than the drawdown allows",
    "a tier ended before its hysteresis",
    "a halt ended without its review",
    "20 % down without a halt",
    "our books and the venue's differ and nothing was tripped",
    "an order in a missed hour",
    "a sell of more than is held",
    "a buy in a blocked hour",
    "a buy without a granted intent",
    "a buy larger than its intent",
    "a buy without a stop",
    "a buy below the venue's minimum",
    "entries above the exposure cap",
    "entries above the number of positions",
    "entries above the cash",
    "an entry above the cap of a name",
    "an entry above the cap of its cluster",
    "an entry above the names of its cluster",
    "entries above the beta cap",
    "an entry above its share of the volume",
    "cash below zero",
    "the venue's cash is not ours",
    "the venue's coins are not ours",
    "a position whose stop does not rest",
    "dust that is no dust",
    "a fill in a bar without a trade",
    "a fill of more than was ordered",
    "a buy above the worst ask",
    "a sale below half the best price a stop could have",
    "cash moved by something else than the fills",
    "a denied order reached the venue",
    "a holding was left under a halt that flattens",
)
"""What can be wrong, by number; 0 is nothing."""


class World(NamedTuple):
    """The market of a walk and what the walk remembers."""

    tape: Ints
    at: Ints
    """How far the tape is read, one element."""
    market: Market
    readings: Sequence[Reading]
    bars: Sequence[Bar]
    signals: Sequence[Sequence[Signal]]
    """One row."""
    prices: Ints
    """Ticks."""
    foreign: Ints
    """What moved at the venue without us: cash, then lots of the first instrument."""
    before: Ints
    """The hour before: halted, tier, epoch, halt hour."""
    own: Ints
    """Scratch of the checks: value, names and new value of each cluster."""
    seen: Ints
