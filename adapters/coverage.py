"""What a bar store holds of an instrument: span, gaps, wicks, and how far venues are apart."""

from typing import NamedTuple

import numpy as np
import polars as pl

from trading.grid import asof_hours
from trading.quality import wicks


class Gap(NamedTuple):
    """Hours without a bar between two bars."""

    first: int
    """The asof of the first missing bar, hours since the epoch."""
    hours: int


class Coverage(NamedTuple):
    """The bars of one instrument at one venue; asofs are hours since the epoch."""

    first: int
    last: int
    hours: int
    gaps: tuple[Gap, ...]
    empty: int
    """Bars without a trade, which the grid treats like missing ones."""
    wicks: tuple[int, ...]

    @property
    def present(self) -> float:
        """The share of the span's hours that have a bar."""
        return self.hours / (self.last - self.first + 1)

    @property
    def longest_gap_h(self) -> int:
        return max((gap.hours for gap in self.gaps), default=0)


class Deviation(NamedTuple):
    """How far the closes of two venues lie apart in their common hours, in basis points."""

    hours: int
    median_bp: float
    p99_bp: float


def coverage(instrument: str, bars: pl.DataFrame) -> Coverage:
    """The coverage of at least one bar in the bar schema."""
    hours = asof_hours(instrument, bars)
    before = np.nonzero(np.diff(hours) > 1)[0]
    starts, lengths = hours[before] + 1, np.diff(hours)[before] - 1
    return Coverage(
        first=int(hours[0]),
        last=int(hours[-1]),
        hours=len(hours),
        gaps=tuple(Gap(int(start), int(length)) for start, length in zip(starts, lengths, strict=True)),
        empty=int((bars["volume"] == 0).sum()),
        wicks=tuple(asof_hours(instrument, wicks(bars)).tolist()),
    )


def deviation(bars: pl.DataFrame, others: pl.DataFrame) -> Deviation | None:
    """|close/close - 1| over the hours that both have; None without a common hour."""
    both = bars.select("asof", "close").join(others.select("asof", "close"), on="asof", suffix="_other")
    if both.is_empty():
        return None
    apart_bp = (both["close"] / both["close_other"] - 1).abs() * 1e4
    median, p99 = apart_bp.quantile(0.5, "linear"), apart_bp.quantile(0.99, "linear")
    assert median is not None
    assert p99 is not None
    return Deviation(both.height, median, p99)
