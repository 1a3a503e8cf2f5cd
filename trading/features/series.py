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
        # Slices, counted from 0: an index that might be negative costs a comparison on every access.
        one, channels = kept[a, :, row : row + hours], sums[a, row : row + hours]
        known_before = kept[a, CLOSE, row - 1 : row + hours - 1]
        for i in range(hours):
            c, h, lo = close[i, a], high[i, a], low[i, a]
            known, dollar = c > 0.0, volume[i, a] * (h + lo + c) / 3.0
            one[CLOSE, i] = c if known else NAN
            one[HIGH, i] = h if known else -math.inf
            one[LOW, i] = lo if known else math.inf
            one[TRADED, i] = 1.0 if known and not stale[i, a] else 0.0
            one[DOLLAR, i] = dollar if known else NAN
            channels[i, DOLLARS] = dollar if known else 0.0
            channels[i, CLOSES] = c if known else 0.0
            channels[i, SEEN] = 1.0 if known else 0.0
            before = known_before[i]
            one[RANGE, i] = true_range(h, lo, before) if known and before > 0.0 else NAN
        logs(kept[a, CLOSE, row : row + hours], kept[a, P, row : row + hours])
        logs(kept[a, HIGH, row : row + hours], ln_high)
        logs(kept[a, LOW, row : row + hours], ln_low)
        for i in range(hours):
            one[MIDDLE, i] = 0.5 * (ln_high[i] + ln_low[i])


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
        before, now, channels = kept[a, :, row - 1 : stop - 1], kept[a, :, row:stop], sums[a, row:stop]
        for i in range(stop - row):
            ok = before[TRADED, i] * now[TRADED, i] > 0.0
            p, middle = before[P, i], before[MIDDLE, i]
            r = now[P, i] - p if ok else 0.0
            term = 4.0 * (p - middle) * (p - now[MIDDLE, i]) if ok else 0.0
            channels[i, N] = 1.0 if ok else 0.0
            channels[i, R] = r
            channels[i, RR] = r * r
            channels[i, PAIR] = math.sqrt(term if term > 0.0 else 0.0)


def pairs(row: int, stop: int, btc: int, sums: Floats) -> None:
    """The channels made of a return that bitcoin and the instrument both have."""
    for a in range(sums.shape[0]):
        one, bitcoin = sums[a, row:stop], sums[btc, row:stop]
        for i in range(stop - row):
            both = one[i, N] * bitcoin[i, N]
            x, y = bitcoin[i, R] * both, one[i, R] * both
            one[i, BOTH] = both
            one[i, BTC] = x
            one[i, OWN] = y
            one[i, BTC_BTC] = x * x
            one[i, OWN_OWN] = y * y
            one[i, BTC_OWN] = x * y


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
