"""Indicators of the benchmark policies: exact, memoryless functions of daily closes; all arrays (D, A)."""

import numpy as np

from trading.daily import earlier, window_mean
from trading.market import Flags, Floats

VOTE_MEANS_D = (20, 50, 100)
VOTE_RETURNS_D = (7, 14, 30, 60, 90)


def change(close: Floats, days: int) -> Floats:
    """Simple return over `days` days, a fraction; NaN where either end is unknown."""
    return close / earlier(close, days) - 1.0


def above_mean(close: Floats, days: int) -> Flags:
    """Close above its own mean of the last `days` daily closes; False where unknown."""
    return np.asarray(close > window_mean(close, days))


def volatility(close: Floats, days: int) -> Floats:
    """Population standard deviation of the last `days` daily simple returns, a fraction a day."""
    daily = change(close, 1)
    mean = window_mean(daily, days)
    total, known = np.zeros_like(close), np.zeros_like(close)
    for back in range(days):
        deviation = earlier(daily, back) - mean
        missing = np.isnan(deviation)
        total += np.where(missing, 0.0, deviation * deviation)
        known += ~missing
    variance = np.full_like(total, np.nan)
    return np.sqrt(np.divide(total, known, out=variance, where=~np.isnan(mean)))


def votes(close: Floats) -> Floats:
    """How many of the eight trend votes are for the coin, 0 to 8; an unknown vote is against."""
    count = np.zeros_like(close)
    for days in VOTE_MEANS_D:
        count += above_mean(close, days)
    for days in VOTE_RETURNS_D:
        count += change(close, days) > 0
    return count
