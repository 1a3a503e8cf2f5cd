"""Days of an hourly grid: the rows at 00:00 UTC, and what happened in the 24 hours before each.

A day is named by the asof at which it ends, so the value of a day never reads a bar after it. Sums add hours
in a fixed order, oldest first, and windows add days newest first: the bits do not depend on how much history
is loaded.
"""

import numpy as np
from numpy.typing import NDArray

from trading.clock import DAY_H
from trading.market import Floats

Rows = NDArray[np.int64]


def day_rows(first: int, hours: int) -> Rows:
    """Row numbers of the midnights among `hours` rows, the first of which is asof hour `first`."""
    return np.arange(-first % DAY_H, hours, DAY_H, dtype=np.int64)


def day_sum(values: Floats, rows: Rows) -> Floats:
    """Sum of the 24 hours ending at each of `rows`, (D, A); NaN and hours before the grid count as 0."""
    total = np.zeros((rows.size, values.shape[1]))
    for back in range(DAY_H - 1, -1, -1):
        inside = rows >= back
        hour = values[rows[inside] - back]
        total[inside] += np.where(np.isnan(hour), 0.0, hour)
    return total


def day_extremes(high: Floats, low: Floats, rows: Rows) -> tuple[Floats, Floats]:
    """Highest high and lowest low of the 24 hours ending at each of `rows`; NaN without a valid hour."""
    top = np.full((rows.size, high.shape[1]), np.nan)
    bottom = top.copy()
    for back in range(DAY_H):
        inside = rows >= back
        top[inside] = np.fmax(top[inside], high[rows[inside] - back])
        bottom[inside] = np.fmin(bottom[inside], low[rows[inside] - back])
    return top, bottom


def earlier(values: Floats, days: int) -> Floats:
    """The same array `days` rows earlier; NaN where the grid does not reach back so far."""
    if days == 0:
        return values
    shifted = np.full_like(values, np.nan)
    shifted[days:] = values[:-days]
    return shifted


def window_mean(values: Floats, days: int) -> Floats:
    """Mean of the last `days` values, today included; NaN with fewer than 5/6 of them known."""
    total, known = np.zeros_like(values), np.zeros_like(values)
    for back in range(days):
        past = earlier(values, back)
        missing = np.isnan(past)
        total += np.where(missing, 0.0, past)
        known += ~missing
    mean = np.full_like(total, np.nan)
    return np.divide(total, known, out=mean, where=6 * known >= 5 * days)


def window_extremes(high: Floats, low: Floats, days: int) -> tuple[Floats, Floats]:
    """Highest high and lowest low of the `days` days before today; NaN with fewer than 5/6 of them known."""
    top, bottom = np.full_like(high, np.nan), np.full_like(low, np.nan)
    known = np.zeros_like(high)
    for back in range(1, days + 1):
        top = np.fmax(top, earlier(high, back))
        bottom = np.fmin(bottom, earlier(low, back))
        known += ~np.isnan(earlier(high, back))
    enough = 6 * known >= 5 * days
    return np.where(enough, top, np.nan), np.where(enough, bottom, np.nan)
