"""Order statistics: medians and percentiles. They are exact, so how they are found never shows in the
bits.
"""

import numpy as np
from numpy.typing import NDArray

from trading.features.arithmetic import MIN_SHARE, NAN
from trading.market import Floats

MEDIAN_H = 168
PERCENTILE_H = 2160


def refill(values: Floats, row: int, window: Floats) -> int:
    """Sort the MEDIAN_H values before `row` into `window`; the number of known ones."""
    count = 0
    for t in range(row - MEDIAN_H, row):
        count = slide(window, count, NAN, values[t])
    return count


def slide(window: Floats, count: int, old: float, new: float) -> int:
    """Take `old` out of the sorted window[:count] and put `new` in, NaN meaning nothing; the new count.

    Positions are found by counting, which has no branch to mispredict and vectorises.
    """
    i, j = 0, 0
    for k in range(count):
        i += window[k] < old
        j += window[k] < new
    if old != old:
        if new != new:
            return count
        i, count = count, count + 1
    elif new != new:
        j = count
    if j > i:
        for k in range(i, j - 1):
            window[k] = window[k + 1]
        if new != new:
            return count - 1
        window[j - 1] = new
    else:
        for k in range(i, j, -1):
            window[k] = window[k - 1]
        window[j] = new
    return count


def median(window: Floats, count: int) -> float:
    """Median of the sorted window[:count]; NaN when fewer than 5/6 of MEDIAN_H are known."""
    if count < MIN_SHARE * MEDIAN_H:
        return NAN
    half = count // 2
    if count % 2:
        return float(window[half])
    return float(0.5 * (window[half - 1] + window[half]))


def percentiles(x: Floats, first: int, stop: int, out: NDArray[np.float64]) -> None:
    """Share of the last PERCENTILE_H values of x that are at most the newest, for rows first..stop-1.

    NaN when the newest or more than a sixth is unknown. Counts are integers.
    """
    known = 0
    for t in range(first - PERCENTILE_H, first):
        known += x[t] == x[t]
    for t in range(first, stop):
        known += int(x[t] == x[t]) - int(x[t - PERCENTILE_H] == x[t - PERCENTILE_H])
        now = x[t]
        out[t - first] = NAN
        if now == now and known >= MIN_SHARE * PERCENTILE_H:
            window, below = x[t - PERCENTILE_H + 1 : t + 1], 0
            for k in range(PERCENTILE_H):
                below += window[k] <= now
            out[t - first] = below / known
