"""Is this market fit to trade on? The bar schema, and the masks that a decision asks for."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from trading.market import Flags, Grid

SCHEMA = pl.Schema(
    {
        "asof": pl.Datetime("ms", "UTC"),
        "open": pl.Float64(),
        "high": pl.Float64(),
        "low": pl.Float64(),
        "close": pl.Float64(),
        "volume": pl.Float64(),
        "trades": pl.Int64(),
    }
)
"""A stored bar: asof is its close, volume in base units, trades null where the source does not count them."""

LOOKBACK_H = 24
"""Rows before an hour, that hour included, on which its usability depends."""
STALE_MAX = 2
FRESH_H = 3
REFUSED_SHARE = 3
"""The window is refused when more than one in this many listed instruments is unusable."""


def usability(grid: Grid) -> tuple[Flags, Flags]:
    """Which instruments, and which whole hours, may not be entered on: unusable (T, A) and refused (T,).

    An instrument is unusable without a price, with more than `STALE_MAX` carried hours in the last day, or
    with a carried or masked hour among the last `FRESH_H`. An hour is refused when bitcoin is unusable or
    more than a third of the listed instruments are; listed is what had a price within the last day. Rows
    before the grid count as nothing: a window agrees with the whole history from row `LOOKBACK_H - 1` on.
    """
    gap = ~grid.valid
    listed = _count(grid.valid, LOOKBACK_H) > 0
    unusable = gap | (_count(grid.stale, LOOKBACK_H) > STALE_MAX) | (_count(grid.stale | gap, FRESH_H) > 0)
    lost = (unusable & listed).sum(axis=1)
    refused = unusable[:, grid.btc] | (lost * REFUSED_SHARE > listed.sum(axis=1))
    return unusable, refused


def _count(flags: Flags, hours: int) -> NDArray[np.int64]:
    """How many of the last `hours` rows are set, the present one included."""
    total = np.cumsum(flags, axis=0, dtype=np.int64)
    total[hours:] -= total[:-hours].copy()
    return total
