"""The derived series that features are made of, one row an hour, kept between hours.

`kept[instrument, series, row]` and `sums[instrument, row, channel]` are buffers whose row 0 is the first
hour of a day (an asof divisible by 24). Each row reads at most 24 bars back, so a row has the same bits
wherever a buffer begins.
"""

import math

import numpy as np
from numpy.typing import NDArray

from trading.features.arithmetic import MIN_SHARE, NAN, ln, variance
from trading.market import Flags, Floats

SERIES = 12
P, CLOSE, HIGH, LOW, MIDDLE, TRADED, RANGE, DOLLAR, STD_24, SPREAD, HIGH_24, LOW_24 = range(SERIES)
"""ln C; C; H (-inf if masked); L (+inf if masked); (ln H + ln L)/2; 1 if known and not stale; true range;
V$; standard deviation of 24 returns; spread of 24 pairs; highest H and lowest L of 24 bars. NaN where
unknown unless said."""

CHANNELS = 12
N, R, RR, BOTH, BTC, OWN, BTC_BTC, OWN_OWN, BTC_OWN, SUM_DOLLAR, SUM_CLOSE, PAIR = range(CHANNELS)
"""What is summed over windows, 0 where unknown: 1, r and r^2 of a return; 1, x, y, x^2, y^2, xy of a
return that bitcoin (x) and the instrument (y) both have; V$; C; the spread term of a pair of bars."""


def bars(
    high: Floats,
    low: Floats,
    close: Floats,
    volume: Floats,
    stale: Flags,
    row: int,
    kept: NDArray[np.float64],
    sums: NDArray[np.float64],
) -> None:
    """Enter bars of shape (hours, instruments) at rows `row`.. of the buffers, all but what needs 24
    hours.
    """
    for a in range(close.shape[1]):
        for i in range(close.shape[0]):
            t = row + i
            c, h, lo = close[i, a], high[i, a], low[i, a]
            known = c > 0.0
            kept[a, P, t] = ln(c)
            kept[a, CLOSE, t] = c if known else NAN
            kept[a, HIGH, t] = h if known else -math.inf
            kept[a, LOW, t] = lo if known else math.inf
            kept[a, MIDDLE, t] = 0.5 * (ln(h) + ln(lo)) if known else NAN
            kept[a, TRADED, t] = 1.0 if known and not stale[i, a] else 0.0
            dollar = volume[i, a] * (h + lo + c) / 3.0 if known else NAN
            kept[a, DOLLAR, t] = dollar
            sums[a, t, SUM_DOLLAR] = dollar if known else 0.0
            sums[a, t, SUM_CLOSE] = c if known else 0.0
            before = kept[a, CLOSE, t - 1]
            kept[a, RANGE, t] = true_range(h, lo, before) if known and before > 0.0 else NAN


def true_range(high: float, low: float, before: float) -> float:
    """The largest of H - L, |H - C before| and |L - C before|."""
    widest = high - low
    up, down = abs(high - before), abs(low - before)
    if up > widest:
        widest = up
    if down > widest:
        widest = down
    return widest


def returns(row: int, stop: int, kept: NDArray[np.float64], sums: NDArray[np.float64]) -> None:
    """The channels made of one return or of one pair of bars; 0 unless both bars traded."""
    for a in range(kept.shape[0]):
        p, middle, traded = kept[a, P], kept[a, MIDDLE], kept[a, TRADED]
        for t in range(row, stop):
            ok = traded[t] * traded[t - 1] > 0.0
            r = p[t] - p[t - 1] if ok else 0.0
            term = 4.0 * (p[t - 1] - middle[t - 1]) * (p[t - 1] - middle[t]) if ok else 0.0
            sums[a, t, N] = 1.0 if ok else 0.0
            sums[a, t, R] = r
            sums[a, t, RR] = r * r
            sums[a, t, PAIR] = math.sqrt(term) if term > 0.0 else 0.0


def pairs(row: int, stop: int, btc: int, sums: NDArray[np.float64]) -> None:
    """The channels made of a return that bitcoin and the instrument both have."""
    for a in range(sums.shape[0]):
        for t in range(row, stop):
            both = sums[a, t, N] * sums[btc, t, N]
            x, y = sums[btc, t, R] * both, sums[a, t, R] * both
            sums[a, t, BOTH] = both
            sums[a, t, BTC] = x
            sums[a, t, OWN] = y
            sums[a, t, BTC_BTC] = x * x
            sums[a, t, OWN_OWN] = y * y
            sums[a, t, BTC_OWN] = x * y


def deviation(n: float, total: float, squares: float, window_h: int) -> float:
    """Sample standard deviation of the returns of a window; NaN when fewer than 5/6 are known."""
    if n >= MIN_SHARE * window_h:
        return math.sqrt(variance(n, total, squares))
    return NAN


def average(n: float, total: float, window_h: int) -> float:
    """Mean of a window; NaN when fewer than 5/6 of its values are known."""
    if n >= MIN_SHARE * window_h:
        return total / n
    return NAN
