"""Average true range, standard deviations and the volatility regime, of one instrument."""

import math

import numpy as np
from numpy.typing import NDArray

from trading.clock import DAY_H
from trading.features.arithmetic import NAN, logs, ratio
from trading.features.day_blocks import DECAY, GAIN, WILDER
from trading.features.library import INDEX
from trading.features.order import percentiles
from trading.market import Floats

ATR = INDEX["atr_14h"]
STD_24H = INDEX["std_24h"]
SIGMA_1H = INDEX["sigma_1h"]
STD_720H = INDEX["std_720h"]
SIGMA_24 = INDEX["sigma_24"]
RATIO = INDEX["std_ratio_168h"]
PERCENTILE = INDEX["vol_percentile"]
REGIME = INDEX["vol_regime"]

ATR_BARS = 200
SEED_BARS = 14
STEPS = ATR_BARS - SEED_BARS


def _powers() -> NDArray[np.float64]:
    powers = np.ones(STEPS + 1)
    for i in range(STEPS):
        powers[i + 1] = powers[i] * DECAY
    return powers


POWERS = _powers()
"""DECAY**i by repeated multiplication."""


def average_true_range(ranges: Floats, days: Floats, first: int, stop: int, out: Floats) -> None:
    """ATR(14) in price units for rows first..stop-1: the mean of 14 true ranges, then 186 steps of
    Wilder's average.

    The average is linear, so its 186 steps are today's, the whole days' and the oldest day's part, each
    decayed by its age. Any unknown true range among the 200 gives NaN.
    """
    late, early = np.zeros(DAY_H + 1), np.zeros(DAY_H + 1)
    seeds = np.empty(stop - first)
    seed_sums(ranges[first - ATR_BARS + 1 : stop - STEPS], seeds)
    for day in range(first // DAY_H, (stop - 1) // DAY_H + 1):
        six = 0.0
        for j in range(1, 7):
            six += POWERS[(j - 1) * DAY_H] * days[day - j, WILDER]
        seven = six + POWERS[6 * DAY_H] * days[day - 7, WILDER]
        for k in range(DAY_H - 1):
            late[k + 1] = late[k] + POWERS[k] * GAIN * ranges[(day - 6) * DAY_H - 1 - k]
            early[k + 1] = early[k] + POWERS[k] * GAIN * ranges[(day - 7) * DAY_H - 1 - k]
        today = 0.0
        for h in range(min(DAY_H, stop - day * DAY_H)):
            t = day * DAY_H + h
            today = today * DECAY + ranges[t] * GAIN
            if t < first:
                continue
            left = STEPS - (h + 1)
            if left >= 7 * DAY_H:
                past = seven + POWERS[7 * DAY_H] * early[left - 7 * DAY_H]
            else:
                past = six + POWERS[6 * DAY_H] * late[left - 6 * DAY_H]
            out[t - first] = (today + POWERS[h + 1] * past) + POWERS[STEPS] * (seeds[t - first] / SEED_BARS)


def seed_sums(ranges: Floats, out: Floats) -> None:
    """Sums of SEED_BARS true ranges that begin at each of the first rows, even and odd ones apart."""
    for i in range(out.shape[0]):
        even, odd = 0.0, 0.0
        for k in range(0, SEED_BARS, 2):
            even, odd = even + ranges[i + k], odd + ranges[i + k + 1]
        out[i] = even + odd


def deviations(close: Floats, stds: Floats, out: Floats) -> None:
    """Standard deviations; stds (4, rows) on 24, 72, 168 and 720 hours."""
    for i in range(close.shape[0]):
        known = close[i] > 0.0
        out[STD_24H, i] = stds[0, i] if known else NAN
        out[SIGMA_1H, i] = stds[2, i] if known else NAN
        out[STD_720H, i] = stds[3, i] if known else NAN
        out[SIGMA_24, i] = stds[2, i] * math.sqrt(24.0) if known else NAN


def deviation_ratios(stds: Floats, close: Floats, out: Floats) -> None:
    """Logs of the 24-hour deviation over the others; stds as in `deviations`."""
    ratios = np.empty(close.shape[0])
    for k in range(2):
        for i in range(close.shape[0]):
            ratios[i] = ratio(stds[0, i], stds[2 + k, i]) if close[i] > 0.0 else NAN
        logs(ratios, out[RATIO + k])


def relative_range(atr: Floats, close: Floats, out: Floats) -> None:
    column = out[ATR]
    for i in range(close.shape[0]):
        column[i] = ratio(atr[i], close[i])


def regime(std_24: Floats, first: int, stop: int, out: Floats) -> None:
    """Percentile of the 24-hour deviation in its last 90 days, and its class."""
    share, flag = out[PERCENTILE], out[REGIME]
    percentiles(std_24, first, stop, share)
    for i in range(stop - first):
        x = share[i]
        flag[i] = (x >= 0.33) * 1.0 + (x >= 0.67) * 1.0 + (x >= 0.95) * 1.0 if x == x else NAN
