"""The derived series that features are made of, one row an hour, kept between hours.

`kept[instrument, series, row]` and `sums[instrument, channel, row]` are buffers whose row 0 is the first
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
    stop = row + close.shape[0]
    for a in range(close.shape[1]):
        # Slices count from 0: an index that might be negative costs a comparison on every access.
        p, c, h, lo = (
            kept[a, P, row:stop],
            kept[a, CLOSE, row:stop],
            kept[a, HIGH, row:stop],
            kept[a, LOW, row:stop],
        )
        traded, dollar, channels = kept[a, TRADED, row:stop], kept[a, DOLLAR, row:stop], sums[a, :, row:stop]
        for i in range(stop - row):
            c[i], h[i], lo[i] = close[i, a], high[i, a], low[i, a]
            traded[i] = 0.0 if stale[i, a] else 1.0
            dollar[i] = volume[i, a]
        derive(kept[a, CLOSE, row - 1 : stop - 1], c, h, lo, dollar, traded, kept[a, RANGE, row:stop])
        logs(c, p)
        for i in range(stop - row):
            known = c[i] == c[i]
            channels[SEEN, i] = 1.0 if known else 0.0
            channels[CLOSES, i] = c[i] if known else 0.0
            channels[DOLLARS, i] = dollar[i] if known else 0.0


def derive(
    before: Floats, close: Floats, high: Floats, low: Floats, dollar: Floats, traded: Floats, ranges: Floats
) -> None:
    """Make the stored series of one instrument out of its raw columns, in place; `dollar` holds the volume.

    One array is written a loop, so that the loops vectorise.
    """
    for i in range(close.shape[0]):
        dollar[i] = dollar[i] * (high[i] + low[i] + close[i]) / 3.0 if close[i] > 0.0 else NAN
    for i in range(close.shape[0]):
        known = close[i] > 0.0 and before[i] > 0.0
        ranges[i] = true_range(high[i], low[i], before[i]) if known else NAN
    for i in range(close.shape[0]):
        traded[i] = traded[i] if close[i] > 0.0 else 0.0
    for i in range(close.shape[0]):
        high[i] = high[i] if close[i] > 0.0 else -math.inf
    for i in range(close.shape[0]):
        low[i] = low[i] if close[i] > 0.0 else math.inf
    for i in range(close.shape[0]):
        close[i] = close[i] if close[i] > 0.0 else NAN


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
    """The channels made of one return; 0 unless both bars traded."""
    for a in range(kept.shape[0]):
        p, before = kept[a, P, row:stop], kept[a, P, row - 1 : stop - 1]
        traded, traded_before = kept[a, TRADED, row:stop], kept[a, TRADED, row - 1 : stop - 1]
        channels = sums[a, :, row:stop]
        for i in range(stop - row):
            ok = traded[i] * traded_before[i]
            r = p[i] - before[i] if ok > 0.0 else 0.0
            channels[N, i] = ok
            channels[R, i] = r
            channels[RR, i] = r * r


def spreads(row: int, stop: int, kept: Floats, sums: Floats) -> None:
    """The spread term of each pair of bars; 0 unless both traded."""
    terms = np.empty(stop - row)
    for a in range(kept.shape[0]):
        p = kept[a, P, row - 1 : stop - 1]
        middle, before = kept[a, MIDDLE, row:stop], kept[a, MIDDLE, row - 1 : stop - 1]
        channels = sums[a, :, row:stop]
        logs(kept[a, HIGH, row:stop], terms)
        logs(kept[a, LOW, row:stop], middle)
        for i in range(stop - row):
            middle[i] = 0.5 * (terms[i] + middle[i])
        for i in range(stop - row):
            term = 4.0 * (p[i] - before[i]) * (p[i] - middle[i])
            terms[i] = math.sqrt(term if term > 0.0 else 0.0)
        for i in range(stop - row):
            channels[PAIR, i] = terms[i] if channels[N, i] > 0.0 else 0.0


def pairs(row: int, stop: int, btc: int, sums: Floats) -> None:
    """The channels made of a return that bitcoin and the instrument both have."""
    for a in range(sums.shape[0]):
        one, bitcoin = sums[a, :, row:stop], sums[btc, :, row:stop]
        for i in range(stop - row):
            both = one[N, i] * bitcoin[N, i]
            x, y = bitcoin[R, i] * both, one[R, i] * both
            one[BOTH, i] = both
            one[BTC, i] = x
            one[OWN, i] = y
            one[BTC_BTC, i] = x * x
            one[OWN_OWN, i] = y * y
            one[BTC_OWN, i] = x * y


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
