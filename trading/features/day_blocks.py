"""Windows of whole days, hour by hour, with nothing ever subtracted.

A window of 24 d hours that ends in today's hour h is the rest of its oldest day after h, the d - 1 whole
days between, and today up to h. The whole days are added once a day, oldest first; the rest of the oldest
day from its end backwards; today forwards; and the three in one order. So an hour costs O(1), reads no
bar outside its window, and has the same bits alone and in a batch. `docs/adr/0004-day-blocks.md` says
what else was tried.

`days[instrument, day, :]` keeps what is known of each whole day: the sums of `series.CHANNELS`, the
moments of the path, highest and lowest price, and Wilder's average of the true range.
"""

import math

import numpy as np

from trading.clock import DAY_H
from trading.features.arithmetic import MIN_SHARE, NAN, SMALLEST_SPREAD
from trading.features.series import CHANNELS, HIGH, LOW, RANGE, P
from trading.market import Flags, Floats

PATH = CHANNELS
"""n, then the sums of x, x^2, y, xy, y^2, where x is the hour and y = p - origin; then the origin."""
ORIGIN = PATH + 6
HIGHEST = ORIGIN + 1
LOWEST = HIGHEST + 1
WILDER = LOWEST + 1
DAY = WILDER + 1

Moments = tuple[float, float, float, float, float, float]
"""n, sums of x, x^2, y, xy, y^2."""

PATH_COLUMNS = 6
"""What `window_path` writes."""

GAIN = 1.0 / 14.0
DECAY = 13.0 / 14.0


def close_days(first: int, stop: int, needed: Flags, kept: Floats, sums: Floats, days: Floats) -> None:
    """Total each day whose last row is among rows first..stop-1; of the channels, those that are `needed`."""
    for day in range(first // DAY_H, stop // DAY_H):
        for a in range(kept.shape[0]):
            total, begin, end = days[a, day], day * DAY_H, day * DAY_H + DAY_H
            x, one = sums[a, :, begin:end], kept[a, :, begin:end]
            for k in range(CHANNELS):
                if needed[k]:
                    channel = 0.0
                    for h in range(DAY_H):
                        channel += x[k, h]
                    total[k] = channel
            highest, lowest, wilder = -math.inf, math.inf, 0.0
            moments, origin = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0), 0.0
            for h in range(DAY_H):
                moments, origin = seen(moments, origin, h, one[P, h])
                highest, lowest = wider(highest, lowest, one[HIGH, h], one[LOW, h])
                wilder = wilder * DECAY + one[RANGE, h] * GAIN
            keep_moments(total[PATH:], moments, origin)
            total[HIGHEST], total[LOWEST], total[WILDER] = highest, lowest, wilder


def whole_sums(days: Floats, length: int, first: int, stop: int, out: Floats) -> None:
    """Sums over the length - 1 days before each day that rows first..stop-1 touch; out (days, channels)."""
    before = first // DAY_H - (length - 1)
    out[:] = 0.0
    # Days inside, so that the additions of a window do not wait for each other.
    for j in range(length - 1):
        for i in range((stop - 1) // DAY_H - first // DAY_H + 1):
            for k in range(CHANNELS):
                out[i, k] += days[before + i + j, k]


def window_sums(sums: Floats, whole: Floats, length: int, first: int, stop: int, out: Floats) -> None:
    """Sums over the `length` days that end at rows first..stop-1, of one channel of one instrument.

    whole (days) as `whole_sums` gives it; out (rows).
    """
    rest, sofar = np.zeros(DAY_H + 1), np.zeros(DAY_H)
    for day in range(first // DAY_H, (stop - 1) // DAY_H + 1):
        begin, end = day * DAY_H, min(day * DAY_H + DAY_H, stop)
        # Slices count from 0: an index that might be negative costs a comparison on every access.
        oldest = sums[begin - length * DAY_H : begin - length * DAY_H + DAY_H]
        today, after = sums[begin:end], whole[day - first // DAY_H]
        # Two sums in one loop, because each addition waits for the one before.
        backwards, forwards = 0.0, 0.0
        for h in range(DAY_H - 1):
            backwards += oldest[DAY_H - 1 - h]
            rest[DAY_H - 1 - h] = backwards
            if h < end - begin:
                forwards += today[h]
                sofar[h] = forwards
        if end - begin == DAY_H:
            sofar[DAY_H - 1] = forwards + today[DAY_H - 1]
        skip = max(first - begin, 0)
        now, past, y = sofar[skip : end - begin], rest[skip + 1 :], out[begin + skip - first : end - first]
        for i in range(end - begin - skip):
            y[i] = (now[i] + after) + past[i]


def window_extremes(
    high: Floats, low: Floats, days: Floats, length: int, first: int, stop: int, out: Floats
) -> None:
    """Highest and lowest price of the `length` days that end at rows first..stop-1; out (rows, 2).

    NaN when fewer than 5/6 of the hours are known.
    """
    rest = np.empty((DAY_H + 1, 3))
    rest[DAY_H, 0], rest[DAY_H, 1], rest[DAY_H, 2] = -math.inf, math.inf, 0.0
    least = MIN_SHARE * (length * DAY_H)
    for day in range(first // DAY_H, (stop - 1) // DAY_H + 1):
        begin, end = day * DAY_H, min(day * DAY_H + DAY_H, stop)
        old, between = begin - length * DAY_H, days[day - length + 1 : day]
        old_high, old_low = high[old : old + DAY_H], low[old : old + DAY_H]
        new_high, new_low = high[begin:end], low[begin:end]
        top, bottom, known = -math.inf, math.inf, 0.0
        for h in range(DAY_H - 1, 0, -1):
            top, bottom = wider(top, bottom, old_high[h], old_low[h])
            known += 1.0 if old_low[h] < math.inf else 0.0
            rest[h, 0], rest[h, 1], rest[h, 2] = top, bottom, known
        top, bottom, known = -math.inf, math.inf, 0.0
        for j in range(length - 1):
            top, bottom = wider(top, bottom, between[j, HIGHEST], between[j, LOWEST])
            known += between[j, PATH]
        for h in range(end - begin):
            top, bottom = wider(top, bottom, new_high[h], new_low[h])
            known += 1.0 if new_low[h] < math.inf else 0.0
            if begin + h >= first:
                i, enough = begin + h - first, known + rest[h + 1, 2] >= least
                highest, lowest = wider(top, bottom, rest[h + 1, 0], rest[h + 1, 1])
                out[i, 0], out[i, 1] = (highest, lowest) if enough else (NAN, NAN)


def wider(highest: float, lowest: float, high: float, low: float) -> tuple[float, float]:
    """The range that holds both; exact, so any order gives the same."""
    return (high if high > highest else highest), (low if low < lowest else lowest)


def window_path(p: Floats, days: Floats, length: int, first: int, stop: int, out: Floats) -> None:
    """Centred moments of the path p over the `length` days that end at rows first..stop-1, of one
    instrument.

    out (6, rows): n, sum of x, of (x - mean)^2, of (x - mean)(y - mean), of (y - mean)^2, and p - mean of p.
    NaN when fewer than 5/6 of the hours are known, or this one is not. Every part is kept around a price of
    its own and moved to today's first when merged, so that squares stay as small as the window's own moves.
    """
    rest = np.zeros((DAY_H + 1, ORIGIN + 1 - PATH))
    y = np.empty(stop - first)
    for day in range(first // DAY_H, (stop - 1) // DAY_H + 1):
        begin, end = day * DAY_H, min(day * DAY_H + DAY_H, stop)
        oldest, today = p[begin - length * DAY_H : begin - length * DAY_H + DAY_H], p[begin:end]
        whole, whole_origin = whole_days(days[day - length + 1 : day])
        moments, origin = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0), 0.0
        for h in range(DAY_H - 1, 0, -1):
            moments, origin = seen(moments, origin, h, oldest[h])
            keep_moments(rest[h], moments, origin)
        moments, origin = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0), 0.0
        for h in range(end - begin):
            moments, origin = seen(moments, origin, h, today[h])
            if begin + h >= first:
                past = moved(kept_moments(rest[h + 1]), -DAY_H * length, rest[h + 1, 6] - origin)
                total = merged(moments, past)
                if length > 1:
                    total = merged(total, moved(whole, 0.0, whole_origin - origin))
                i = begin + h - first
                out[0, i], out[1, i], out[2, i], out[3, i], out[4, i], out[5, i] = total
                y[i] = today[h] - origin
    centre(out, y, MIN_SHARE * (length * DAY_H))


def whole_days(between: Floats) -> tuple[Moments, float]:
    """Moments of the whole days before today, hours counted from today's start, and their origin."""
    whole, origin = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0), 0.0
    for j in range(between.shape[0]):
        block = between[j, PATH:]
        if block[0] > 0.0:
            if whole[0] == 0.0:
                origin = block[6]
            age_h = DAY_H * (between.shape[0] - j)
            whole = merged(whole, moved(kept_moments(block), -age_h, block[6] - origin))
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


def centre(m: Floats, newest: Floats, least: float) -> None:
    """Centre moments (6, rows) on their means, in place; `newest` prices in the same coordinates.

    In a loop of its own, which vectorises.
    """
    for i in range(newest.shape[0]):
        known = m[0, i] >= least and newest[i] == newest[i]
        n = m[0, i] if known else NAN
        x, sy, xy, yy = m[1, i], m[3, i], m[4, i], m[5, i]
        about = yy - sy * sy / n
        m[0, i] = n
        m[2, i] = m[2, i] - x * x / n
        m[3, i] = xy - x * sy / n
        m[4, i] = (about if about > SMALLEST_SPREAD * yy else 0.0) if known else NAN
        m[5, i] = newest[i] - sy / n
