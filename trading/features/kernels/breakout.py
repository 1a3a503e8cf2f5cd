"""Breakouts, positions in the range, higher highs and lower lows, of one instrument."""

from trading.features.arithmetic import NAN, ratio
from trading.features.library import INDEX
from trading.features.series import CLOSE, HIGH_24, LOW_24
from trading.market import Floats

BREAKOUT = INDEX["breakout_high_24h"]
BREAKOUT_COLUMNS = 4
POSITION = INDEX["range_position_168h"]
HIGHER_HIGH = INDEX["higher_high"]


def breakouts(close: Floats, highest: Floats, lowest: Floats, atr: Floats, k: int, out: Floats) -> None:
    """Distances beyond the range of the bars before, in ATR, and their flags; all (rows), the k-th of two
    windows.
    """
    base = BREAKOUT + k * BREAKOUT_COLUMNS
    up, down, above, below = out[base], out[base + 1], out[base + 2], out[base + 3]
    for i in range(close.shape[0]):
        x, y = ratio(close[i] - highest[i], atr[i]), ratio(lowest[i] - close[i], atr[i])
        up[i] = x
        down[i] = y
        above[i] = (1.0 if x > 0.0 else 0.0) if x == x else NAN
        below[i] = (1.0 if y > 0.0 else 0.0) if y == y else NAN


def positions(close: Floats, highest: Floats, lowest: Floats, k: int, out: Floats) -> None:
    """Where the close lies in the range, the k-th of two windows."""
    column = out[POSITION + k]
    for i in range(close.shape[0]):
        column[i] = ratio(close[i] - lowest[i], highest[i] - lowest[i])


def structure(kept: Floats, first: int, stop: int, out: Floats) -> None:
    """Highs and lows of the last 24 bars against the 24 before: four flags and their score."""
    for i in range(stop - first):
        t = first + i
        high, low = kept[HIGH_24, t] - kept[HIGH_24, t - 24], kept[LOW_24, t] - kept[LOW_24, t - 24]
        known = high == high and low == low and kept[CLOSE, t] > 0.0
        higher_high, lower_high = (high > 0.0) * 1.0, (high < 0.0) * 1.0
        higher_low, lower_low = (low > 0.0) * 1.0, (low < 0.0) * 1.0
        out[HIGHER_HIGH, i] = higher_high if known else NAN
        out[HIGHER_HIGH + 1, i] = higher_low if known else NAN
        out[HIGHER_HIGH + 2, i] = lower_high if known else NAN
        out[HIGHER_HIGH + 3, i] = lower_low if known else NAN
        score = higher_high + higher_low - lower_high - lower_low
        out[HIGHER_HIGH + 4, i] = score if known else NAN
