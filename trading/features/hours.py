"""The two entry points of the compiled code: enter bars into the kept series, and fill rows of columns
from them.
"""

import numpy as np
from numpy.typing import NDArray

from trading.clock import DAY_H
from trading.features.arithmetic import NAN
from trading.features.day_blocks import PATH_COLUMNS, close_days, window_extremes, window_path, window_sums
from trading.features.kernels.breakout import breakouts, positions, structure
from trading.features.kernels.market import against_bitcoin, breadth, state
from trading.features.kernels.trend import returns as trend_returns
from trading.features.kernels.trend import reversion, slopes
from trading.features.kernels.volatility import average_true_range, deviations, regime
from trading.features.kernels.volume import daily_surge, hourly_surge, medians, widening
from trading.features.library import INDEX, INSTRUMENT_FEATURES, MARKET_FEATURES
from trading.features.series import (
    CHANNELS,
    CLOSE,
    DOLLAR,
    HIGH,
    HIGH_24,
    LOW,
    LOW_24,
    PAIR,
    RANGE,
    RR,
    SPREAD,
    STD_24,
    SUM_CLOSE,
    SUM_DOLLAR,
    N,
    P,
    R,
    average,
    bars,
    deviation,
    pairs,
    returns,
)
from trading.market import Flags, Floats

Counts = NDArray[np.int64]

TREND, VOLATILITY, REGIME, VOLUME, MEDIAN, BREAKOUT, MARKET, BREADTH = range(8)
"""Groups of columns, in the order of `spec.Family`."""
WINDOW_DAYS = (1, 3, 7, 30)
DAY, THREE_DAYS, WEEK, MONTH = range(4)
"""Positions of the windows in `WINDOW_DAYS`."""

SIGMA_1H = INDEX["sigma_1h"]
SLOPE_168H = INDEX["slope_168h"]
PERCENTILE = INDEX["vol_percentile"]
INSTRUMENT_COLUMNS = len(INSTRUMENT_FEATURES)
MARKET_COLUMNS = len(MARKET_FEATURES)


def enter(
    high: Floats,
    low: Floats,
    close: Floats,
    volume: Floats,
    stale: Flags,
    row: int,
    btc: int,
    kept: Floats,
    sums: Floats,
    days: Floats,
) -> None:
    """Enter bars of shape (hours, instruments) at rows `row`.. of the buffers."""
    stop = row + close.shape[0]
    bars(high, low, close, volume, stale, row, kept, sums)
    returns(row, stop, kept, sums)
    pairs(row, stop, btc, sums)
    close_days(row, stop, kept, sums, days)
    totals, extremes = np.empty((stop - row, CHANNELS)), np.empty((stop - row, 2))
    for a in range(kept.shape[0]):
        window_sums(sums[a], days[a], 1, row, stop, totals)
        window_extremes(kept[a, HIGH], kept[a, LOW], days[a], 1, row, stop, extremes)
        for i in range(stop - row):
            s, t = totals[i], row + i
            known = kept[a, CLOSE, t] > 0.0
            kept[a, STD_24, t] = deviation(s[N], s[R], s[RR], DAY_H) if known else NAN
            kept[a, SPREAD, t] = average(s[N], s[PAIR], DAY_H) if known else NAN
            kept[a, HIGH_24, t], kept[a, LOW_24, t] = extremes[i, 0], extremes[i, 1]


def fill(
    first: int,
    stop: int,
    btc: int,
    groups: Flags,
    warm: bool,
    kept: Floats,
    sums: Floats,
    days: Floats,
    windows: Floats,
    counts: Counts,
    eligible: Flags,
    columns: Counts,
    market_columns: Counts,
    at: int,
    values: Floats,
    market: Floats,
) -> None:
    """Compute rows first..stop-1 of the buffers and write the chosen columns at rows `at`.. of the
    results.

    groups: which groups to compute. windows (instruments, 2, MEDIAN_H) and counts (instruments, 2) are
    the sorted windows before row `first` if `warm`. columns and market_columns are positions in the
    library.
    """
    rows, assets = stop - first, kept.shape[0]
    block = np.empty((assets, INSTRUMENT_COLUMNS, rows))
    week_close = np.empty((assets, rows))
    totals, stds, path = np.empty((4, rows, CHANNELS)), np.empty((4, rows)), np.empty((4, rows, PATH_COLUMNS))
    for a in range(assets):
        measure(first, stop, groups, kept[a], sums[a], days[a], totals, stds, path)
        instrument(first, stop, groups, kept[a], days[a], totals, stds, path, block[a])
        if groups[MEDIAN]:
            against_medians(first, stop, warm, kept[a], windows[a], counts[a], block[a])
        averages(path[WEEK], totals[WEEK], SUM_CLOSE, 168, week_close[a])
    for c in range(columns.shape[0]):
        for i in range(rows):
            for a in range(assets):
                values[c, at + i, a] = block[a, columns[c], i]
    if groups[BREADTH]:
        whole = np.empty((MARKET_COLUMNS, rows))
        breadth(kept, week_close, eligible, first, whole)
        state(kept[btc], block[btc, SIGMA_1H], block[btc, SLOPE_168H], block[btc, PERCENTILE], first, whole)
        for c in range(market_columns.shape[0]):
            for i in range(rows):
                market[c, at + i] = whole[market_columns[c], i]


def measure(
    first: int,
    stop: int,
    groups: Flags,
    kept: Floats,
    sums: Floats,
    days: Floats,
    totals: Floats,
    stds: Floats,
    path: Floats,
) -> None:
    """Sums, standard deviations and path moments of one instrument on the four windows."""
    for k in range(4):
        length = WINDOW_DAYS[k]
        window_sums(sums, days, length, first, stop, totals[k])
        for i in range(stop - first):
            s = totals[k, i]
            stds[k, i] = deviation(s[N], s[R], s[RR], length * DAY_H)
        if groups[TREND] or groups[VOLUME] or groups[BREADTH]:
            window_path(kept[P], days, length, first, stop, path[k])


def instrument(
    first: int,
    stop: int,
    groups: Flags,
    kept: Floats,
    days: Floats,
    totals: Floats,
    stds: Floats,
    path: Floats,
    out: Floats,
) -> None:
    """The columns of one instrument, all but those against medians; out (columns, rows)."""
    close = kept[CLOSE, first:stop]
    atr = np.empty(stop - first)
    if groups[TREND]:
        trend_returns(kept, stds[WEEK], first, out)
        for k in range(4):
            slopes(path[k], stds[k], k, WINDOW_DAYS[k] * DAY_H, out)
        reversion(path[DAY], 0, out)
        reversion(path[WEEK], 1, out)
    if groups[VOLATILITY] or groups[BREAKOUT]:
        average_true_range(kept[RANGE], days, first, stop, atr)
    if groups[VOLATILITY]:
        deviations(close, atr, stds, out)
    if groups[REGIME]:
        regime(kept[STD_24], first, stop, out)
    if groups[VOLUME]:
        volume(kept[DOLLAR, first:stop], totals, path, out)
    if groups[BREAKOUT]:
        ranges(first, stop, kept, days, atr, out)
    if groups[MARKET]:
        against_bitcoin(totals[WEEK], close, 0, 168, out)
        against_bitcoin(totals[MONTH], close, 1, 720, out)


def ranges(first: int, stop: int, kept: Floats, days: Floats, atr: Floats, out: Floats) -> None:
    """Breakouts and positions in the range, from the extremes up to this bar and up to the one before."""
    rows = stop - first
    close = kept[CLOSE, first:stop]
    week, month = np.empty((rows + 1, 2)), np.empty((rows, 2))
    window_extremes(kept[HIGH], kept[LOW], days, 7, first - 1, stop, week)
    window_extremes(kept[HIGH], kept[LOW], days, 30, first, stop, month)
    breakouts(close, kept[HIGH_24, first - 1 : stop - 1], kept[LOW_24, first - 1 : stop - 1], atr, 0, out)
    breakouts(close, week[:rows, 0], week[:rows, 1], atr, 1, out)
    positions(close, week[1:, 0], week[1:, 1], 0, out)
    positions(close, month[:, 0], month[:, 1], 1, out)
    structure(kept, first, stop, out)


def volume(dollar: Floats, totals: Floats, path: Floats, out: Floats) -> None:
    """The surge of a day's volume against a month's."""
    day, month = np.empty(dollar.shape[0]), np.empty(dollar.shape[0])
    averages(path[DAY], totals[DAY], SUM_DOLLAR, 24, day)
    averages(path[MONTH], totals[MONTH], SUM_DOLLAR, 720, month)
    daily_surge(dollar, day, month, out)


def against_medians(
    first: int, stop: int, warm: bool, kept: Floats, windows: Floats, counts: Counts, out: Floats
) -> None:
    """The columns of one instrument that are measured against a median; moves its sorted windows on."""
    typical = np.empty(stop - first)
    medians(kept[DOLLAR], first, stop, warm, windows[0], counts[:1], typical)
    hourly_surge(kept[DOLLAR, first:stop], typical, out)
    medians(kept[SPREAD], first, stop, warm, windows[1], counts[1:], typical)
    widening(kept[SPREAD, first:stop], typical, kept[CLOSE, first:stop], out)


def averages(path: Floats, totals: Floats, channel: int, window_h: int, out: Floats) -> None:
    """Mean of a channel over the hours of a window whose price is known."""
    for i in range(out.shape[0]):
        out[i] = average(path[i, 0], totals[i, channel], window_h)
