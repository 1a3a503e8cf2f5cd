"""The two entry points of the compiled code: enter bars into the kept series, fill columns from them."""

import numpy as np
from numpy.typing import NDArray

from trading.clock import DAY_H
from trading.features.arithmetic import NAN
from trading.features.day_blocks import (
    PATH_COLUMNS,
    close_days,
    whole_sums,
    window_extremes,
    window_path,
    window_sums,
)
from trading.features.kernels.breakout import breakouts, positions, structure
from trading.features.kernels.market import against_bitcoin, breadth, state
from trading.features.kernels.trend import log_returns, reversion, scaled_returns, slopes
from trading.features.kernels.volatility import (
    average_true_range,
    deviation_ratios,
    deviations,
    regime,
    relative_range,
)
from trading.features.kernels.volume import daily_surge, hourly_surge, medians, widening
from trading.features.library import INDEX, INSTRUMENT_FEATURES, MARKET_FEATURES
from trading.features.parts import DAY, MONTH, PATH_PART, WEEK, WINDOW_DAYS
from trading.features.series import (
    CHANNELS,
    CLOSE,
    CLOSES,
    DOLLAR,
    DOLLARS,
    HIGH,
    HIGH_24,
    LOW,
    LOW_24,
    PAIR,
    RANGE,
    RR,
    SEEN,
    SERIES,
    SPREAD,
    STD_24,
    N,
    P,
    R,
    average,
    bars,
    deviation,
    pairs,
    returns,
    spreads,
)
from trading.market import Flags, Floats

Counts = NDArray[np.int64]

INSTRUMENT_COLUMNS = len(INSTRUMENT_FEATURES)
MARKET_COLUMNS = len(MARKET_FEATURES)
RET = INDEX["ret_1h"]
SCALED = INDEX["ret_1h_scaled"]
SLOPE = INDEX["slope_24h"]
R2 = INDEX["r2_24h"]
REVERSION = INDEX["reversion_24h"]
ATR = INDEX["atr_14h"]
STD_24H = INDEX["std_24h"]
SIGMA_1H = INDEX["sigma_1h"]
RATIO = INDEX["std_ratio_168h"]
PERCENTILE = INDEX["vol_percentile"]
REGIME = INDEX["vol_regime"]
SURGE_24H = INDEX["volume_surge_24h"]
SURGE_1H = INDEX["volume_surge_1h"]
WIDE = INDEX["spread_wide"]
BREAKOUT = INDEX["breakout_high_24h"]
POSITION = INDEX["range_position_168h"]
STRUCTURE = INDEX["structure"]
BETA = INDEX["beta_720h"]
CORRELATION = INDEX["btc_corr_168h"]
SLOPE_168H = INDEX["slope_168h"]


def enter(
    high: Floats,
    low: Floats,
    close: Floats,
    volume: Floats,
    stale: Flags,
    row: int,
    btc: int,
    wanted: Flags,
    needed: Flags,
    kept: Floats,
    sums: Floats,
    days: Floats,
) -> None:
    """Enter bars of shape (hours, instruments) at rows `row`.. of the buffers.

    The spread's series are kept only if a column of the spread is wanted: they take two logarithms a bar.
    Days are totalled for the channels that are `needed` in windows of more than one.
    """
    stop = row + close.shape[0]
    bars(high, low, close, volume, stale, row, kept, sums)
    returns(row, stop, kept, sums)
    with_spread = wanted[WIDE - 1 : WIDE + 1].any()
    if with_spread:
        spreads(row, stop, kept, sums)
    pairs(row, stop, btc, sums)
    close_days(row, stop, needed, kept, sums, days)
    totals, extremes = np.empty((CHANNELS, stop - row)), np.empty((stop - row, 2))
    nothing = np.zeros((stop - 1) // DAY_H - row // DAY_H + 1)
    for a in range(kept.shape[0]):
        for channel in (N, R, RR):
            window_sums(sums[a, channel], nothing, 1, row, stop, totals[channel])
        window_extremes(kept[a, HIGH], kept[a, LOW], days[a], 1, row, stop, extremes)
        one = kept[a, :, row:stop]
        for i in range(stop - row):
            known = one[CLOSE, i] > 0.0
            one[STD_24, i] = deviation(totals[N, i], totals[R, i], totals[RR, i], DAY_H) if known else NAN
        for i in range(stop - row):
            one[HIGH_24, i], one[LOW_24, i] = extremes[i, 0], extremes[i, 1]
        if with_spread:
            window_sums(sums[a, PAIR], nothing, 1, row, stop, totals[PAIR])
            for i in range(stop - row):
                known = one[CLOSE, i] > 0.0
                one[SPREAD, i] = average(totals[N, i], totals[PAIR, i], DAY_H) if known else NAN


def forget(gone: int, row: int, kept: Floats, sums: Floats, days: Floats) -> None:
    """Move the rows from whole day `gone` to `row` to the front of the buffers.

    Only the percentile looks back further than the longest window; of the rest the last 32 days will do.
    """
    start = gone * DAY_H
    recent = max(start, row - 32 * DAY_H)
    for a in range(kept.shape[0]):
        kept[a, STD_24, : row - start] = kept[a, STD_24, start:row]
        for series in range(SERIES):
            if series != STD_24:
                kept[a, series, recent - start : row - start] = kept[a, series, recent:row]
        sums[a, :, recent - start : row - start] = sums[a, :, recent:row]
        days[a, : days.shape[1] - gone] = days[a, gone:]


def fill(
    first: int,
    stop: int,
    btc: int,
    wanted: Flags,
    parts: Flags,
    warm: bool,
    kept: Floats,
    sums: Floats,
    days: Floats,
    windows: Floats,
    counts: Counts,
    scratch: Floats,
    eligible: Flags,
    columns: Counts,
    market_columns: Counts,
    at: int,
    values: Floats,
    market: Floats,
) -> None:
    """Compute rows first..stop-1 of the buffers and write the chosen columns at rows `at`.. of the
    results.

    wanted (columns of the library) and parts (windows, parts) say what to compute. windows (instruments,
    2, MEDIAN_H) and counts (instruments, 2) are the sorted windows before row `first` if `warm`. scratch
    has room for every column. columns and market_columns are positions in the library and among its
    market columns.
    """
    rows, assets = stop - first, kept.shape[0]
    block = scratch[: assets * INSTRUMENT_COLUMNS * rows].reshape((assets, INSTRUMENT_COLUMNS, rows))
    week_close = np.empty((assets, rows))
    totals, stds, path = np.empty((4, CHANNELS, rows)), np.empty((4, rows)), np.empty((4, PATH_COLUMNS, rows))
    for a in range(assets):
        measure(first, stop, parts, kept[a], sums[a], days[a], totals, stds, path)
        trend_columns(first, wanted, kept[a], stds, path, block[a])
        range_columns(first, stop, wanted, kept[a], days[a], stds, block[a])
        other_columns(first, stop, wanted, kept[a], totals, block[a])
        if wanted[SURGE_1H] or wanted[WIDE - 1 : WIDE + 1].any():
            against_medians(first, stop, warm, kept[a], windows[a], counts[a], block[a])
        if parts[WEEK, CLOSES]:
            averages(totals[WEEK], CLOSES, 168, week_close[a])
    for c in range(columns.shape[0]):
        for i in range(rows):
            for a in range(assets):
                values[c, at + i, a] = block[a, columns[c], i]
    if market_columns.shape[0] > 0:
        whole = np.empty((MARKET_COLUMNS, rows))
        breadth(kept, week_close, eligible, first, whole)
        state(kept[btc], block[btc, SIGMA_1H], block[btc, SLOPE_168H], block[btc, PERCENTILE], first, whole)
        for c in range(market_columns.shape[0]):
            for i in range(rows):
                market[c, at + i] = whole[market_columns[c], i]


def measure(
    first: int,
    stop: int,
    parts: Flags,
    kept: Floats,
    sums: Floats,
    days: Floats,
    totals: Floats,
    stds: Floats,
    path: Floats,
) -> None:
    """Sums, standard deviations and path moments of one instrument on the windows that need them."""
    whole = np.empty(((stop - 1) // DAY_H - first // DAY_H + 1, CHANNELS))
    for k in range(4):
        if parts[k, :CHANNELS].any():
            whole_sums(days, WINDOW_DAYS[k], first, stop, whole)
        for channel in range(CHANNELS):
            if parts[k, channel]:
                window_sums(sums[channel], whole[:, channel], WINDOW_DAYS[k], first, stop, totals[k, channel])
        if parts[k, RR]:
            n, total, squares = totals[k, N], totals[k, R], totals[k, RR]
            for i in range(stop - first):
                stds[k, i] = deviation(n[i], total[i], squares[i], WINDOW_DAYS[k] * DAY_H)
        if parts[k, PATH_PART]:
            window_path(kept[P], days, WINDOW_DAYS[k], first, stop, path[k])
    for i in range(stop - first):
        stds[DAY, i] = kept[STD_24, first + i]


def trend_columns(first: int, wanted: Flags, kept: Floats, stds: Floats, path: Floats, out: Floats) -> None:
    """Returns, slopes and distances from the mean of one instrument; out (columns, rows)."""
    for k in range(3):
        if wanted[RET + k] or wanted[SCALED + k]:
            log_returns(kept, k, first, out)
        if wanted[SCALED + k]:
            scaled_returns(stds[WEEK], k, out)
    for k in range(4):
        if wanted[SLOPE + k] or wanted[R2 + k]:
            slopes(path[k], stds[k], k, WINDOW_DAYS[k] * DAY_H, out)
    if wanted[REVERSION]:
        reversion(path[DAY], 0, out)
    if wanted[REVERSION + 1]:
        reversion(path[WEEK], 1, out)


def range_columns(
    first: int, stop: int, wanted: Flags, kept: Floats, days: Floats, stds: Floats, out: Floats
) -> None:
    """True ranges, volatility, breakouts and highs and lows of one instrument; out (columns, rows)."""
    close, atr = kept[CLOSE, first:stop], np.empty(stop - first)
    if wanted[ATR] or wanted[BREAKOUT : BREAKOUT + 8].any():
        average_true_range(kept[RANGE], days, first, stop, atr)
        relative_range(atr, close, out)
    if wanted[STD_24H : STD_24H + 4].any():
        deviations(close, stds, out)
    if wanted[RATIO : RATIO + 2].any():
        deviation_ratios(stds, close, out)
    if wanted[PERCENTILE] or wanted[REGIME]:
        regime(kept[STD_24], first, stop, out)
    if wanted[BREAKOUT : BREAKOUT + 4].any():
        breakouts(close, kept[HIGH_24, first - 1 : stop - 1], kept[LOW_24, first - 1 : stop - 1], atr, 0, out)
    if wanted[BREAKOUT + 4 : BREAKOUT + 8].any() or wanted[POSITION]:
        week_range(first, stop, kept, days, atr, out)
    if wanted[POSITION + 1]:
        month = np.empty((stop - first, 2))
        window_extremes(kept[HIGH], kept[LOW], days, 30, first, stop, month)
        positions(close, month[:, 0], month[:, 1], 1, out)
    if wanted[STRUCTURE - 4 : STRUCTURE + 1].any():
        structure(kept, first, stop, out)


def week_range(first: int, stop: int, kept: Floats, days: Floats, atr: Floats, out: Floats) -> None:
    """Breakouts from the week up to the bar before, and the position in the week up to this one."""
    rows, close = stop - first, kept[CLOSE, first:stop]
    week = np.empty((rows + 1, 2))
    window_extremes(kept[HIGH], kept[LOW], days, 7, first - 1, stop, week)
    breakouts(close, week[:rows, 0], week[:rows, 1], atr, 1, out)
    positions(close, week[1:, 0], week[1:, 1], 0, out)


def other_columns(first: int, stop: int, wanted: Flags, kept: Floats, totals: Floats, out: Floats) -> None:
    """The day's volume surge and the columns against bitcoin of one instrument; out (columns, rows)."""
    close = kept[CLOSE, first:stop]
    if wanted[SURGE_24H]:
        day, month = np.empty(stop - first), np.empty(stop - first)
        averages(totals[DAY], DOLLARS, 24, day)
        averages(totals[MONTH], DOLLARS, 720, month)
        daily_surge(kept[DOLLAR, first:stop], day, month, out)
    if wanted[CORRELATION]:
        against_bitcoin(totals[WEEK], close, 0, 168, out)
    if wanted[CORRELATION + 1] or wanted[BETA]:
        against_bitcoin(totals[MONTH], close, 1, 720, out)


def against_medians(
    first: int, stop: int, warm: bool, kept: Floats, windows: Floats, counts: Counts, out: Floats
) -> None:
    """The columns of one instrument that are measured against a median; moves its sorted windows on."""
    typical = np.empty(stop - first)
    medians(kept[DOLLAR], first, stop, warm, windows[0], counts[:1], typical)
    hourly_surge(kept[DOLLAR, first:stop], typical, out)
    medians(kept[SPREAD], first, stop, warm, windows[1], counts[1:], typical)
    widening(kept[SPREAD, first:stop], typical, kept[CLOSE, first:stop], out)


def averages(totals: Floats, channel: int, window_h: int, out: Floats) -> None:
    """Mean of a channel over the hours of a window whose price is known."""
    for i in range(out.shape[0]):
        out[i] = average(totals[SEEN, i], totals[channel, i], window_h)
