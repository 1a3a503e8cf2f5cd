"""Windows of whole days, hour by hour, with nothing ever subtracted.

A window of 24 d hours that ends in today's hour h is the rest of its oldest day after h, the d - 1 whole
days between, and today up to h. The whole days are added once a day, newest first; the rest of the oldest
day from its end backwards; today forwards; and the three in one order. So an hour costs O(1), reads no
bar outside its window, and has the same bits alone and in a batch. `docs/adr/0004-day-blocks.md` says
what else was tried.

`days[instrument, day, :]` keeps what is known of each whole day: the sums of `series.CHANNELS`, the
moments of the path, highest and lowest price, and Wilder's average of the true range.
"""

import math

import numpy as np
from numpy.typing import NDArray

from trading.clock import DAY_H
from trading.features.arithmetic import MIN_SHARE, NAN, SMALLEST_SPREAD
from trading.features.series import CHANNELS, HIGH, LOW, QUAD_STARTS, RANGE, P
from trading.market import Floats

PATH = CHANNELS
"""n, then the sums of x, x^2, y, xy, y^2, where x is the hour and y = p - origin; then the origin."""
ORIGIN = PATH + 6
HIGHEST = ORIGIN + 1
LOWEST = HIGHEST + 1
WILDER = LOWEST + 1
DAY = WILDER + 1

Moments = tuple[float, float, float, float, float, float]
"""n, sums of x, x^2, y, xy, y^2."""

PATH_COLUMNS = 5
"""What `window_path` writes."""

GAIN = 1.0 / 14.0
DECAY = 13.0 / 14.0


def close_days(first: int, stop: int, kept: Floats, sums: Floats, days: Floats) -> None:
    """Total each day whose last row is among rows first..stop-1."""
    for day in range(first // DAY_H, stop // DAY_H):
        for a in range(kept.shape[0]):
            total = days[a, day]
            total[:] = 0.0
            highest, lowest, wilder = -math.inf, math.inf, 0.0
            moments, origin = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0), 0.0
            for h in range(DAY_H):
                t = day * DAY_H + h
                for k in range(CHANNELS):
                    total[k] += sums[a, t, k]
                moments, origin = seen(moments, origin, h, kept[a, P, t])
                highest = kept[a, HIGH, t] if kept[a, HIGH, t] > highest else highest
                lowest = kept[a, LOW, t] if kept[a, LOW, t] < lowest else lowest
                wilder = wilder * DECAY + kept[a, RANGE, t] * GAIN
            keep_moments(total[PATH:], moments, origin)
            total[HIGHEST], total[LOWEST], total[WILDER] = highest, lowest, wilder


def window_sums(
    sums: Floats, days: Floats, quad: int, length: int, first: int, stop: int, out: Floats
) -> None:
    """Sums over the `length` days that end at rows first..stop-1, of four channels of one instrument.

    out (rows, channels), of which it fills the quad's.
    """
    k = QUAD_STARTS[quad]
    rest = np.zeros((DAY_H + 1, 4))
    for day in range(first // DAY_H, (stop - 1) // DAY_H + 1):
        w0, w1, w2, w3 = 0.0, 0.0, 0.0, 0.0
        for j in range(1, length):
            whole = days[day - j]
            w0, w1, w2, w3 = w0 + whole[k], w1 + whole[k + 1], w2 + whole[k + 2], w3 + whole[k + 3]
        r0, r1, r2, r3 = 0.0, 0.0, 0.0, 0.0
        for h in range(DAY_H - 1, 0, -1):
            x = sums[(day - length) * DAY_H + h]
            r0, r1, r2, r3 = r0 + x[k], r1 + x[k + 1], r2 + x[k + 2], r3 + x[k + 3]
            rest[h, 0], rest[h, 1], rest[h, 2], rest[h, 3] = r0, r1, r2, r3
        t0, t1, t2, t3 = 0.0, 0.0, 0.0, 0.0
        for h in range(min(DAY_H, stop - day * DAY_H)):
            t = day * DAY_H + h
            x = sums[t]
            t0, t1, t2, t3 = t0 + x[k], t1 + x[k + 1], t2 + x[k + 2], t3 + x[k + 3]
            if t >= first:
                y, r = out[t - first], rest[h + 1]
                y0, y1, y2, y3 = t0 + w0 + r[0], t1 + w1 + r[1], t2 + w2 + r[2], t3 + w3 + r[3]
                y[k], y[k + 1], y[k + 2], y[k + 3] = y0, y1, y2, y3


def window_extremes(
    high: Floats, low: Floats, days: Floats, length: int, first: int, stop: int, out: Floats
) -> None:
    """Highest and lowest price of the `length` days that end at rows first..stop-1; out (rows, 2).

    NaN when fewer than 5/6 of the hours are known.
    """
    rest = np.empty((DAY_H + 1, 3))
    rest[DAY_H, 0], rest[DAY_H, 1], rest[DAY_H, 2] = -math.inf, math.inf, 0.0
    for day in range(first // DAY_H, (stop - 1) // DAY_H + 1):
        highest, lowest, known = -math.inf, math.inf, 0.0
        for j in range(1, length):
            highest, lowest = wider(highest, lowest, days[day - j, HIGHEST], days[day - j, LOWEST])
            known += days[day - j, PATH]
        for h in range(DAY_H - 1, 0, -1):
            t = (day - length) * DAY_H + h
            rest[h, 0], rest[h, 1] = wider(rest[h + 1, 0], rest[h + 1, 1], high[t], low[t])
            rest[h, 2] = rest[h + 1, 2] + (1.0 if low[t] < math.inf else 0.0)
        for h in range(min(DAY_H, stop - day * DAY_H)):
            t = day * DAY_H + h
            highest, lowest = wider(highest, lowest, high[t], low[t])
            known += 1.0 if low[t] < math.inf else 0.0
            if t >= first:
                enough = known + rest[h + 1, 2] >= MIN_SHARE * (length * DAY_H)
                top, bottom = wider(highest, lowest, rest[h + 1, 0], rest[h + 1, 1])
                out[t - first, 0] = top if enough else NAN
                out[t - first, 1] = bottom if enough else NAN


def wider(highest: float, lowest: float, high: float, low: float) -> tuple[float, float]:
    """The range that holds both; exact, so any order gives the same."""
    return (high if high > highest else highest), (low if low < lowest else lowest)


def window_path(p: Floats, days: Floats, length: int, first: int, stop: int, out: Floats) -> None:
    """Centred moments of the path p over the `length` days that end at rows first..stop-1, of one
    instrument.

    out (rows, 5): n, sum of (x - mean)^2, of (x - mean)(y - mean), of (y - mean)^2, and p - mean of p.
    NaN when fewer than 5/6 of the hours are known, or this one is not. Every part is kept around a price
    of its own and moved to today's first when merged, so that squares stay as small as the window's own
    moves.
    """
    rest = np.zeros((DAY_H + 1, ORIGIN + 1 - PATH))
    for day in range(first // DAY_H, (stop - 1) // DAY_H + 1):
        whole, whole_origin = whole_days(days, day, length)
        moments, origin = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0), 0.0
        for h in range(DAY_H - 1, 0, -1):
            moments, origin = seen(moments, origin, h, p[(day - length) * DAY_H + h])
            keep_moments(rest[h], moments, origin)
        moments, origin = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0), 0.0
        for h in range(min(DAY_H, stop - day * DAY_H)):
            t = day * DAY_H + h
            moments, origin = seen(moments, origin, h, p[t])
            if t >= first:
                oldest = moved(kept_moments(rest[h + 1]), -DAY_H * length, rest[h + 1, 6] - origin)
                total = merged(merged(moments, moved(whole, 0.0, whole_origin - origin)), oldest)
                centre(total, p[t] - origin, MIN_SHARE * (length * DAY_H), out[t - first])


def whole_days(days: Floats, day: int, length: int) -> tuple[Moments, float]:
    """Moments of the length - 1 days before `day`, hours counted from the start of `day`, and their
    origin.
    """
    whole, origin = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0), 0.0
    for j in range(1, length):
        block = days[day - j, PATH:]
        if block[0] > 0.0:
            if whole[0] == 0.0:
                origin = block[6]
            whole = merged(whole, moved(kept_moments(block), -DAY_H * j, block[6] - origin))
    return whole, origin


def seen(m: Moments, origin: float, x: float, p: float) -> tuple[Moments, float]:
    """Moments with one more price at hour x; the first known price becomes the origin, an unknown one is
    left out.
    """
    if p != p:
        return m, origin
    if m[0] == 0.0:
        origin = p
    y = p - origin
    return (m[0] + 1.0, m[1] + x, m[2] + x * x, m[3] + y, m[4] + x * y, m[5] + y * y), origin


def moved(m: Moments, dx: float, dy: float) -> Moments:
    """Moments of (x + dx, y + dy)."""
    n, x, xx, y, xy, yy = m
    return (
        n,
        x + n * dx,
        xx + (2.0 * x + n * dx) * dx,
        y + n * dy,
        xy + y * dx + (x + n * dx) * dy,
        yy + (2.0 * y + n * dy) * dy,
    )


def merged(m: Moments, other: Moments) -> Moments:
    return (
        m[0] + other[0],
        m[1] + other[1],
        m[2] + other[2],
        m[3] + other[3],
        m[4] + other[4],
        m[5] + other[5],
    )


def keep_moments(block: Floats, m: Moments, origin: float) -> None:
    """Write moments and origin into a row of seven."""
    block[0], block[1], block[2], block[3], block[4], block[5] = m
    block[6] = origin


def kept_moments(block: Floats) -> Moments:
    return block[0], block[1], block[2], block[3], block[4], block[5]


def centre(m: Moments, y: float, least: float, out: NDArray[np.float64]) -> None:
    """Centre the moments on their means; `y` is the newest price in the same coordinates."""
    n, x, xx, sy, xy, yy = m
    if n < least or y != y:
        out[:5] = NAN
        return
    out[0] = n
    out[1] = xx - x * x / n
    out[2] = xy - x * sy / n
    about = yy - sy * sy / n
    out[3] = about if about > SMALLEST_SPREAD * yy else 0.0
    out[4] = y - sy / n
