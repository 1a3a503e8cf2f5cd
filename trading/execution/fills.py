"""What a venue says: its books, and the fills that moved assets."""

from collections.abc import MutableSequence, Sequence
from dataclasses import dataclass
from typing import NamedTuple


@dataclass(slots=True)
class Fill:
    """One execution; prices in ticks, lots signed, amounts in 1e-8 quote."""

    hour: int
    """asof of the decision; the fill lies in the hour after it. A stop's decision is the hour it filled
    in.
    """
    instrument: int
    kind: int
    lots: int
    ticks: int
    value: int
    fee: int
    limit: int
    stop: int
    """The position's resting stop after a buy, before a sell; 0 for none."""
    slippage: int
    """Part of the value that slippage cost."""
    pnl: int
    """Of a sale: what was received less the average cost of the lots, fees included."""


@dataclass(slots=True)
class Holding:
    """The venue's own books for one instrument."""

    lots: int
    stop: int
    """Price of the resting stop, ticks; 0 for none."""
    stop_lots: int


class FillLog(NamedTuple):
    """Fills in the order they happened; `used[0]` of the preallocated rows are taken."""

    rows: Sequence[Fill]
    used: MutableSequence[int]
