"""Returns, slopes and distances from the mean, of one instrument."""

import math

from trading.features.arithmetic import NAN, clip, ratio
from trading.features.library import INDEX
from trading.features.series import TRADED, P
from trading.market import Floats

CLIP_SIGMA = 6.0
RET = INDEX["ret_1h"]
SCALED = INDEX["ret_1h_scaled"]
SLOPE = INDEX["slope_24h"]
R2 = INDEX["r2_24h"]
REVERSION = INDEX["reversion_24h"]


def log_return(p: Floats, traded: Floats, t: int, hours: int) -> float:
    """p[t] - p[t - hours]; NaN unless both bars traded."""
    return p[t] - p[t - hours] if traded[t] * traded[t - hours] > 0.0 else NAN


def return_hours(k: int) -> int:
    """Hours of the k-th return: 1, 4, 24."""
    return 1 if k == 0 else (4 if k == 1 else 24)


def log_returns(kept: Floats, k: int, first: int, out: Floats) -> None:
    """The k-th return of rows first..; kept (series, rows), out (columns, rows)."""
    column, hours = out[RET + k], return_hours(k)
    rows = column.shape[0]
    now, before = kept[:, first : first + rows], kept[:, first - hours : first - hours + rows]
    for i in range(rows):
        ok = now[TRADED, i] * before[TRADED, i] > 0.0
        column[i] = now[P, i] - before[P, i] if ok else NAN


def scaled_returns(sigma: Floats, k: int, out: Floats) -> None:
    """The k-th return in standard deviations; sigma (rows) of one hour."""
    plain, scaled, root = out[RET + k], out[SCALED + k], math.sqrt(return_hours(k))
    for i in range(sigma.shape[0]):
        scaled[i] = clip(ratio(plain[i], sigma[i] * root), CLIP_SIGMA)


def slopes(path: Floats, sigma: Floats, k: int, window_h: int, out: Floats) -> None:
    """Slope and R^2 of the k-th window; path as `day_blocks.window_path`, sigma of the same window."""
    slope, r2, root = out[SLOPE + k], out[R2 + k], math.sqrt(window_h)
    for i in range(sigma.shape[0]):
        xx, xy, yy = path[2, i], path[3, i], path[4, i]
        slope[i] = ratio(xy * root, xx * sigma[i])
        r2[i] = ratio(xy * xy, xx * yy)


def reversion(path: Floats, k: int, out: Floats) -> None:
    """Distance of p from its mean in standard deviations of p, the k-th of two windows."""
    column = out[REVERSION + k]
    for i in range(column.shape[0]):
        yy = path[4, i]
        column[i] = ratio(path[5, i], math.sqrt(yy / (path[0, i] - 1.0))) if yy > 0.0 else NAN
