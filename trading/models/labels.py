"""What a prediction is about: the return from the next open to the open `h` hours later.

A decision at asof tau first trades in the bar after it, so the label starts at that bar's open, O+(tau):
r_h = ln O+(tau + h) - ln O+(tau), y_h = r_h > 0, z_h = clip(r_h / (sigma_24 * sqrt(h / 24)), -5, 5).
A label is unknown (NaN) where any bar from the first open to the last is stale or masked: nobody could trade
there.
"""

from math import isnan, nan, sqrt
from typing import NamedTuple

import numpy as np

from trading.compiled import compiled
from trading.features.arithmetic import clip, ln
from trading.market import Flags, Floats, Grid

HORIZONS_H = (1, 4, 24)
CLIP_SIGMA = 5.0


class Label(NamedTuple):
    """The label of one horizon; arrays have shape (hours, instruments)."""

    horizon_h: int
    returns: Floats
    """r_h, natural logarithm."""
    scaled: Floats
    """z_h, in units of the volatility expected over the horizon."""

    def end(self, asof: int) -> int:
        """The asof at which the label of `asof` is settled: the bar that follows opens at its price."""
        return asof + self.horizon_h


def labels(
    grid: Grid, horizons_h: tuple[int, ...], sigma_24: Floats, *, plain: bool = False
) -> tuple[Label, ...]:
    """The labels of every row of the grid.

    `sigma_24` is the daily volatility known at each row, (hours, instruments), a fraction. The last h + 1
    rows have none. `plain` runs the same source uncompiled.
    """
    run = _fill if plain else compiled(_fill)
    made = []
    for horizon_h in horizons_h:
        label = Label(horizon_h, np.empty(grid.open.shape), np.empty(grid.open.shape))
        run(grid.open, grid.stale, sigma_24, horizon_h, label.returns, label.scaled)
        made.append(label)
    return tuple(made)


def _fill(
    opens: Floats, stale: Flags, sigma_24: Floats, horizon_h: int, returns: Floats, scaled: Floats
) -> None:
    rows, assets = opens.shape
    scale = sqrt(horizon_h / 24.0)
    for a in range(assets):
        tradable = 0
        # Bars in a row, from the one after t on, in which a trade happened.
        for t in range(rows - 1, -1, -1):
            returns[t, a] = nan
            scaled[t, a] = nan
            if tradable > horizon_h:
                value = ln(opens[t + 1 + horizon_h, a]) - ln(opens[t + 1, a])
                returns[t, a] = value
                unit = sigma_24[t, a] * scale
                if unit > 0.0:
                    scaled[t, a] = clip(value / unit, CLIP_SIGMA)
            tradable = 0 if stale[t, a] or isnan(opens[t, a]) else tradable + 1
