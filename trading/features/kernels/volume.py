"""Volume surges and the widening of the spread, of one instrument."""

import numpy as np
from numpy.typing import NDArray

from trading.features.arithmetic import NAN, logs, ratio
from trading.features.library import INDEX
from trading.features.order import MEDIAN_H, median, refill, slide
from trading.market import Floats

SURGE_1H = INDEX["volume_surge_1h"]
SURGE_24H = INDEX["volume_surge_24h"]
WIDENING = INDEX["spread_widening"]
WIDE = INDEX["spread_wide"]

WIDE_RATIO = 2.0


def medians(
    values: Floats, first: int, stop: int, warm: bool, window: Floats, counts: NDArray[np.int64], out: Floats
) -> None:
    """Medians of the MEDIAN_H values that end at rows first..stop-1.

    `window` and counts[0] hold the sorted values before row `first` if `warm`, else they are made, and
    then moved on.
    """
    count = counts[0] if warm else refill(values, first, window)
    for t in range(first, stop):
        count = slide(window, count, values[t - MEDIAN_H], values[t])
        out[t - first] = median(window, count)
    counts[0] = count


def daily_surge(dollar: Floats, day: Floats, month: Floats, out: Floats) -> None:
    """Surge of the mean of V$ on 24 h against 720 h; all (rows), NaN if unknown."""
    ratios = np.empty(dollar.shape[0])
    for i in range(dollar.shape[0]):
        ratios[i] = ratio(day[i], month[i]) if dollar[i] == dollar[i] else NAN
    logs(ratios, out[SURGE_24H])


def hourly_surge(dollar: Floats, typical: Floats, out: Floats) -> None:
    """Surge of V$ against its median on 168 h; all (rows), NaN if unknown."""
    ratios = np.empty(dollar.shape[0])
    for i in range(dollar.shape[0]):
        ratios[i] = (dollar[i] + 1.0) / (typical[i] + 1.0)
    logs(ratios, out[SURGE_1H])


def widening(spread: Floats, typical: Floats, close: Floats, out: Floats) -> None:
    """The spread proxy against its median on 168 h, and whether it doubled."""
    indicator, flag = out[WIDENING], out[WIDE]
    for i in range(typical.shape[0]):
        x = ratio(spread[i], typical[i]) if close[i] > 0.0 else NAN
        indicator[i] = x
        flag[i] = (1.0 if x > WIDE_RATIO else 0.0) if x == x else NAN
