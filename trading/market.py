"""The market as arrays: one dense hourly grid for all instruments, rows are bars keyed by their close."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


class Grid(NamedTuple):
    """Hourly bars of one data venue; arrays have shape (hours, instruments).

    Row i is the bar that closed at hour `first + i` (hours since the epoch). A masked hour has NaN prices. An
    hour without a trade inside a gap of at most six hours is carried: the previous close in all four prices,
    volume 0, `stale` set; the first six hours of a longer gap are carried too, since nobody knew then how
    long it would last.
    """

    venue: str
    instruments: tuple[str, ...]
    """Sorted names such as BTC/USD; the order is part of every sum over instruments."""
    first: int
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    """Base units."""
    stale: Flags

    @property
    def hours(self) -> int:
        return int(self.close.shape[0])

    @property
    def last(self) -> int:
        """The asof of the last row."""
        return self.first + self.hours - 1

    @property
    def valid(self) -> Flags:
        """True where a price is known, traded or carried."""
        return ~np.isnan(self.close)

    def column(self, instrument: str) -> int:
        return self.instruments.index(instrument)

    @property
    def btc(self) -> int:
        """The column of bitcoin, against which beta and market state are measured; else `ValueError`."""
        return [name.split("/")[0] for name in self.instruments].index("BTC")

    def rows(self, start: int, stop: int) -> "Grid":
        """The rows of asof hours start..stop-1, sharing memory; hours outside the grid are a `ValueError`."""
        if not self.first <= start <= stop <= self.last + 1:
            raise ValueError(f"hours {start}..{stop} are outside the grid {self.first}..{self.last}")
        i, j = start - self.first, stop - self.first
        return self._replace(
            first=start,
            open=self.open[i:j],
            high=self.high[i:j],
            low=self.low[i:j],
            close=self.close[i:j],
            volume=self.volume[i:j],
            stale=self.stale[i:j],
        )
