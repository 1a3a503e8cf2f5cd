"""Turn raw scores into numbers that can be believed, on a block later than the one that fitted the model.

Probabilities: Platt's logistic on the raw log odds, replaced by the base rate where it does not beat it.
Expected returns: a slope through the origin, since an intercept would be the drift of a bull market and not
skill, shrunk by how sure the slope is.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trading.market import Floats

P_MIN, P_MAX = 0.02, 0.98
NEWTON_STEPS_MAX = 50


class Platt(NamedTuple):
    """P(up) = 1 / (1 + exp(-(slope * log odds + intercept))), clipped to P_MIN..P_MAX."""

    slope: float
    intercept: float

    def apply(self, log_odds: Floats) -> Floats:
        return np.clip(_logistic(self.slope * log_odds + self.intercept), P_MIN, P_MAX)


def platt(log_odds: Floats, up: Floats, weights: Floats, base_rate: float) -> Platt:
    """Fit by Newton's method; without a positive slope or skill over `base_rate` the base rate is the answer.

    `up` is 1 where the return was positive; all arrays (rows,). `base_rate` comes from the fitting block.
    """
    climatology = Platt(0.0, float(np.log(base_rate / (1.0 - base_rate))))
    fitted = _newton(log_odds, up, weights)
    skill = np.sum(weights * (climatology.apply(log_odds) - up) ** 2)
    skill -= np.sum(weights * (fitted.apply(log_odds) - up) ** 2)
    return fitted if fitted.slope > 0 and skill > 0 else climatology


def _newton(log_odds: Floats, up: Floats, weights: Floats) -> Platt:
    design = np.column_stack((log_odds, np.ones_like(log_odds)))
    theta = np.array([1.0, 0.0])
    for _ in range(NEWTON_STEPS_MAX):
        p = _logistic(design @ theta)
        gradient = design.T @ (weights * (up - p))
        # The ridge keeps the step finite when all log odds are equal.
        hessian = (design * (weights * p * (1.0 - p))[:, None]).T @ design + 1e-9 * np.eye(2)
        step = np.linalg.solve(hessian, gradient)
        theta = theta + step
        if np.abs(step).max() < 1e-10:
            break
    return Platt(float(theta[0]), float(theta[1]))


def shrunk_slope(
    expected: Floats,
    realised: Floats,
    weights: Floats,
    asof: NDArray[np.int64],
    lag_h: int,
    slope_max: float = 1.0,
) -> float:
    """Slope of realised on expected returns through the origin, in 0..slope_max, times max(0, 1 - 1/t^2).

    t is Newey and West's, with Bartlett weights over `lag_h` hours of moments summed by asof: all coins of an
    hour are one observation. 0 when |t| < 1. Arrays (rows,).
    """
    squares = float(np.sum(weights * expected * expected))
    if squares <= 0.0:
        return 0.0
    slope = float(np.sum(weights * realised * expected)) / squares
    hour = asof - asof.min()
    moments = np.bincount(hour, weights=weights * expected * (realised - slope * expected))
    variance = float(np.sum(moments * moments))
    for lag in range(1, min(lag_h, moments.size - 1) + 1):
        variance += 2.0 * (1.0 - lag / (lag_h + 1)) * float(np.sum(moments[lag:] * moments[:-lag]))
    if variance <= 0.0 or slope <= 0.0:
        return 0.0
    t_squared = slope * slope * squares * squares / variance
    return min(slope, slope_max) * max(0.0, 1.0 - 1.0 / t_squared)


def _logistic(x: Floats) -> Floats:
    # Beyond 35 the result is 0 or 1 to the last bit anyway, and exp would overflow.
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(x, -35.0, 35.0))), dtype=np.float64)
