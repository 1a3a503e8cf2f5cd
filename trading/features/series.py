"""The derived series that features are made of, one row an hour, kept between hours.

`kept[instrument, series, row]` and `sums[instrument, row, channel]` are buffers whose row 0 is the first
hour of a day (an asof divisible by 24). Each row reads at most 24 bars back, so a row has the same bits
wherever a buffer begins.
"""

import math

import numpy as np

from trading.features.arithmetic import MIN_SHARE, NAN, logs, variance
from trading.market import Flags, Floats

SERIES = 12
P, CLOSE, HIGH, LOW, MIDDLE, TRADED, RANGE, DOLLAR, STD_24, SPREAD, HIGH_24, LOW_24 = range(SERIES)
"""ln C; C; H (-inf if masked); L (+inf if masked); (ln H + ln L)/2; 1 if known and not stale; true range;
V$; standard deviation of 24 returns; spread of 24 pairs; highest H and lowest L of 24 bars. NaN where
unknown unless said."""

CHANNELS = 13
N, R, RR, PAIR, SEEN, CLOSES, DOLLARS, BOTH, BTC, OWN, BTC_BTC, OWN_OWN, BTC_OWN = range(CHANNELS)
"""What is summed over windows, 0 where unknown: 1, r, r^2 of a return and the spread term of its two bars; 1,
C, V$ of a known bar; 1, x, y, x^2, y^2, xy of a return that bitcoin (x) and the instrument (y) both have."""
QUADS = 4
QUAD_STARTS = (N, SEEN, BOTH, OWN)
RETURN_QUAD, LEVEL_QUAD, PAIR_QUAD, SQUARE_QUAD = range(QUADS)
"""Channels are added four neighbours at a time, which keeps them in registers; the last two quads overlap."""


def bars(
    high: Floats,
    low: Floats,
    close: Floats,
    volume: Floats,
    stale: Flags,
    row: int,
    kept: Floats,
    sums: Floats,
) -> None:
    """Enter bars of shape (hours, instruments) at rows `row`.. of the buffers, all but what needs others."""
    hours = close.shape[0]
    ln_high, ln_low = np.empty(hours), np.empty(hours)
    for a in range(close.shape[1]):
        one = kept[a]
        for i in range(hours):
            t = row + i
            c, h, lo = close[i, a], high[i, a], low[i, a]
            known = c > 0.0
            one[CLOSE, t] = c if known else NAN
            one[HIGH, t] = h if known else -math.inf
            one[LOW, t] = lo if known else math.inf
            one[TRADED, t] = 1.0 if known and not stale[i, a] else 0.0
            one[DOLLAR, t] = volume[i, a] * (h + lo + c) / 3.0 if known else NAN
            before = one[CLOSE, t - 1]
            one[RANGE, t] = true_range(h, lo, before) if known and before > 0.0 else NAN
            sums[a, t, DOLLARS] = one[DOLLAR, t] if known else 0.0
            sums[a, t, CLOSES] = c if known else 0.0
            sums[a, t, SEEN] = 1.0 if known else 0.0
        logs(one[CLOSE, row : row + hours], one[P, row : row + hours])
        logs(one[HIGH, row : row + hours], ln_high)
        logs(one[LOW, row : row + hours], ln_low)
        for i in range(hours):
            one[MIDDLE, row + i] = 0.5 * (ln_high[i] + ln_low[i])


def true_range(high: float, low: float, before: float) -> float:
    """The largest of H - L, |H - C before| and |L - C before|."""
    widest = high - low
    up, down = abs(high - before), abs(low - before)
    if up > widest:
        widest = up
    if down > widest:
        widest = down
    return widest


def returns(row: int, stop: int, kept: Floats, sums: Floats) -> None:
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


def pairs(row: int, stop: int, btc: int, sums: Floats) -> None:
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
