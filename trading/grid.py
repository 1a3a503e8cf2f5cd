"""Bars of single instruments -> one dense hourly grid.

The carry rule, in one place: an hour without a bar repeats the previous close for at most `CARRY_H` hours,
with no volume and marked stale; after that it is masked until the next bar. Nothing is known before the first
bar. A grid therefore depends on at most `CARRY_H` hours before its first row: a window has the same rows as
the whole history.
"""

from collections.abc import Mapping

import numpy as np
import polars as pl
from numpy.typing import NDArray

from trading.clock import HOUR_S
from trading.errors import DataError
from trading.market import Flags, Floats, Grid

CARRY_H = 6
PRICES = ("open", "high", "low", "close")


def dense(venue: str, bars: Mapping[str, pl.DataFrame], first: int, last: int) -> Grid:
    """The grid of asof hours first..last (inclusive, hours since the epoch), instruments in sorted order.

    `bars` maps an instrument to a frame with `asof` (Datetime, UTC, bar close), open, high, low, close and
    volume, sorted and unique; it must reach back to `first - CARRY_H` where such bars exist. Bars outside the
    span are ignored; unsorted, doubled or off-the-hour bars are a `DataError`. A masked hour has volume 0.
    """
    instruments = tuple(sorted(bars))
    start = first - CARRY_H
    shape = (last - start + 1, len(instruments))
    prices = {name: np.full(shape, np.nan) for name in PRICES}
    volume = np.zeros(shape)
    present = np.zeros(shape, dtype=np.bool_)
    for j, instrument in enumerate(instruments):
        frame = bars[instrument]
        hours = asof_hours(instrument, frame)
        i, k = np.searchsorted(hours, (start, last + 1))
        rows = hours[i:k] - start
        volume[rows, j] = frame["volume"].to_numpy()[i:k]
        # Some sources leave an hour without a trade out, others repeat the close with volume 0: one meaning.
        present[rows, j] = volume[rows, j] > 0
        for name in PRICES:
            prices[name][rows, j] = frame[name].to_numpy()[i:k]
    stale = _carry(prices, present)
    shown = slice(CARRY_H, None)
    return Grid(
        venue=venue,
        instruments=instruments,
        first=first,
        open=prices["open"][shown],
        high=prices["high"][shown],
        low=prices["low"][shown],
        close=prices["close"][shown],
        volume=volume[shown],
        stale=stale[shown],
    )


def asof_hours(instrument: str, frame: pl.DataFrame) -> NDArray[np.int64]:
    """The hour number of each bar's close, strictly increasing; otherwise a `DataError`."""
    seconds: NDArray[np.int64] = frame["asof"].dt.epoch("s").to_numpy()
    hours, beyond = np.divmod(seconds, HOUR_S)
    if beyond.any() or (np.diff(hours) <= 0).any():
        raise DataError(f"{instrument}: bars must be on the hour, sorted and unique; import the data again")
    return hours


def _carry(prices: dict[str, Floats], known: Flags) -> Flags:
    """Fill gaps in place, one hour further into every gap at a pass; returns the hours that were filled."""
    carried = np.zeros_like(known)
    for _ in range(CARRY_H):
        row, column = np.nonzero(known[:-1] & ~known[1:])
        close = prices["close"][row, column]
        for name in PRICES:
            prices[name][row + 1, column] = close
        known[row + 1, column] = True
        carried[row + 1, column] = True
    return carried
