"""An instrument against bitcoin, and the market as a whole."""

import math

import numpy as np

from trading.features.arithmetic import MIN_SHARE, NAN, SMALLEST_SPREAD, clip, ratio
from trading.features.kernels.trend import CLIP_SIGMA, log_return
from trading.features.library import INDEX
from trading.features.series import BOTH, BTC, BTC_BTC, BTC_OWN, CLOSE, OWN, OWN_OWN, TRADED, P
from trading.market import Flags, Floats

BETA = INDEX["beta_720h"]
CORRELATION = INDEX["btc_corr_168h"]
FIRST_MARKET = INDEX["breadth_ret"]
"""Market columns count from here."""
BREADTH_RET = 0
BREADTH_TREND = INDEX["breadth_trend"] - FIRST_MARKET
DISPERSION = INDEX["dispersion"] - FIRST_MARKET
BTC_RET = INDEX["btc_ret_1h"] - FIRST_MARKET
BTC_SLOPE = INDEX["btc_slope_168h"] - FIRST_MARKET
BTC_PERCENTILE = INDEX["btc_vol_percentile"] - FIRST_MARKET

BETA_WEIGHT, BETA_PRIOR = 0.67, 0.33


def against_bitcoin(sums: Floats, close: Floats, k: int, window_h: int, out: Floats) -> None:
    """Correlation with bitcoin on the k-th of two windows, and beta on the longer; sums (channels, rows)."""
    correlation, beta = out[CORRELATION + k], out[BETA]
    for i in range(close.shape[0]):
        n = sums[BOTH, i]
        known = n >= MIN_SHARE * window_h and close[i] > 0.0
        share = 1.0 / n if known else NAN
        together = sums[BTC_OWN, i] - sums[BTC, i] * sums[OWN, i] * share
        btc, own = (
            spread(share, sums[BTC, i], sums[BTC_BTC, i]),
            spread(share, sums[OWN, i], sums[OWN_OWN, i]),
        )
        correlation[i] = clip(ratio(together, math.sqrt(btc * own)), 1.0)
        if k == 1:
            beta[i] = BETA_WEIGHT * ratio(together, btc) + BETA_PRIOR


def spread(share: float, total: float, squares: float) -> float:
    """Sum of squares about the mean, from 1/n, a sum and a sum of squares; 0 where only rounding is left."""
    about = squares - total * total * share
    return 0.0 if about <= SMALLEST_SPREAD * squares else about


def breadth(kept: Floats, average: Floats, eligible: Flags, first: int, out: Floats) -> None:
    """Breadth and dispersion of the eligible instruments, added in their order.

    kept (instruments, series, rows), average close (instruments, rows), eligible (rows, instruments), out
    (columns, rows).
    """
    moves = np.empty(average.shape[0])
    for i in range(eligible.shape[0]):
        t = first + i
        n, rising, total = 0.0, 0.0, 0.0
        m, above = 0.0, 0.0
        for a in range(average.shape[0]):
            x, close = log_return(kept[a, P], kept[a, TRADED], t, 24), kept[a, CLOSE, t]
            moves[a] = x if eligible[i, a] else NAN
            if eligible[i, a] and x == x:
                n += 1.0
                rising += 1.0 if x > 0.0 else 0.0
                total += x
            if eligible[i, a] and average[a, i] == average[a, i] and close > 0.0:
                m += 1.0
                above += 1.0 if close > average[a, i] else 0.0
        squares = 0.0
        for a in range(average.shape[0]):
            if moves[a] == moves[a]:
                squares += (moves[a] - total / n) * (moves[a] - total / n)
        out[BREADTH_RET, i] = ratio(rising, n)
        out[BREADTH_TREND, i] = ratio(above, m)
        out[DISPERSION, i] = math.sqrt(squares / (n - 1.0)) if n > 1.0 else NAN


def state(
    kept: Floats,
    sigma: Floats,
    slope: Floats,
    percentile: Floats,
    first: int,
    out: Floats,
) -> None:
    """Bitcoin's scaled returns, slope and volatility percentile; kept (series, rows) of bitcoin, the
    others (rows).
    """
    for k in range(3):
        hours = 1 if k == 0 else (24 if k == 1 else 168)
        column, root = out[BTC_RET + k], math.sqrt(hours)
        for i in range(sigma.shape[0]):
            x = log_return(kept[P], kept[TRADED], first + i, hours)
            column[i] = clip(ratio(x, sigma[i] * root), CLIP_SIGMA)
    for i in range(sigma.shape[0]):
        out[BTC_SLOPE, i] = slope[i]
        out[BTC_PERCENTILE, i] = percentile[i]
