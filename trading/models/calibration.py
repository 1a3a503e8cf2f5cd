"""Turn raw scores into numbers that can be believed, on a block later than the one that fitted the model.

Probabilities: Platt's logistic on the raw log odds, or isotonic steps where there are enough independent
outcomes for them, replaced by the base rate where they do not beat it. Expected returns: a slope through the
origin, since an intercept would be the drift of a bull market and not skill, shrunk by how sure the slope is.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trading.market import Floats

P_MIN, P_MAX = 0.02, 0.98
NEWTON_STEPS_MAX = 50
ISOTONIC_OUTCOMES_MIN = 1_000
"""Independent outcomes below which isotonic steps would follow the noise."""
ISOTONIC_HORIZON_H = 1
PLATT_KNOTS = np.linspace(-4.0, 4.0, 161)
"""Log odds at which a logistic is written down as a curve; beyond them it is clipped anyway."""
BUCKETS = 10
QUARTER = 0.6745
"""Standard errors from the mean to the lower quartile of a normal."""


class Platt(NamedTuple):
    """P(up) = 1 / (1 + exp(-(slope * log odds + intercept))), clipped to P_MIN..P_MAX."""

    slope: float
    intercept: float

    def apply(self, log_odds: Floats) -> Floats:
        return np.clip(logistic(self.slope * log_odds + self.intercept), P_MIN, P_MAX)


class Curve(NamedTuple):
    """A non-decreasing map from raw log odds to P(up), linear between its knots, clipped to P_MIN..P_MAX."""

    at: Floats
    p: Floats

    def apply(self, log_odds: Floats) -> Floats:
        return np.clip(np.interp(log_odds, self.at, self.p), P_MIN, P_MAX)


def curve(
    log_odds: Floats,
    up: Floats,
    weights: Floats,
    base_rate: float,
    asof: NDArray[np.int64],
    column: NDArray[np.int16],
    realised: Floats,
    horizon_h: int,
) -> Curve:
    """The calibration of one horizon; flat at `base_rate` where it has no skill. All arrays (rows,)."""
    fitted = platt(log_odds, up, weights, base_rate)
    knots = Curve(PLATT_KNOTS, fitted.apply(PLATT_KNOTS))
    enough = outcomes(asof, column, realised, horizon_h) >= ISOTONIC_OUTCOMES_MIN
    if horizon_h != ISOTONIC_HORIZON_H or not enough or fitted.slope == 0.0:
        return knots
    return isotonic(log_odds, up, weights)


def isotonic(score: Floats, up: Floats, weights: Floats) -> Curve:
    """Weighted isotonic regression by pooling neighbours that are out of order; a knot each."""
    order = np.argsort(score, kind="stable")
    pools: list[tuple[float, float, float]] = []
    for x, y, w in zip(score[order].tolist(), up[order].tolist(), weights[order].tolist(), strict=True):
        at, p, mass = x, y, w
        while pools and pools[-1][1] >= p:
            before = pools.pop()
            total = mass + before[2]
            at, p = (at * mass + before[0] * before[2]) / total, (p * mass + before[1] * before[2]) / total
            mass = total
        pools.append((at, p, mass))
    made = np.array(pools)
    return Curve(made[:, 0], made[:, 1])


def outcomes(asof: NDArray[np.int64], column: NDArray[np.int16], realised: Floats, horizon_h: int) -> float:
    """Independent outcomes in the rows: periods times N / (1 + (N - 1) rho), rho the mean correlation."""
    hours, at = np.unique(asof, return_inverse=True)
    names, of = np.unique(column, return_inverse=True)
    table = np.full((hours.size, names.size), np.nan)
    table[at, of] = realised / max(float(np.std(realised)), 1e-12)
    market = np.nanmean(table, axis=1)
    own = float(np.nanmean(np.nanvar(table, axis=0)))
    count = max(float(np.mean((~np.isnan(table)).sum(axis=1))), 1.0)
    # The variance of a mean of N equal members is own (1 + (N - 1) rho) / N.
    shared = min(max(float(np.var(market)) / max(own, 1e-12), 1.0 / count), 1.0)
    return float(hours[-1] - hours[0] + 1) / horizon_h / shared


class Buckets(NamedTuple):
    """Deciles of the expected day: those whose like has paid are open."""

    edges: Floats
    """(BUCKETS - 1,)."""
    open: NDArray[np.bool_]
    """(BUCKETS,): the lower quartile of the mean return that followed is positive."""

    def admits(self, expected: Floats) -> NDArray[np.bool_]:
        return np.asarray(self.open[np.searchsorted(self.edges, expected, side="right")], dtype=bool)


def buckets(expected: Floats, realised: Floats, asof: NDArray[np.int64], lag_h: int) -> Buckets:
    """Deciles of `expected` and whether each is open; arrays (rows,), rows of an hour are one observation."""
    edges = np.quantile(expected, np.arange(1, BUCKETS) / BUCKETS)
    place = np.searchsorted(edges, expected, side="right")
    paid = np.zeros(BUCKETS, dtype=bool)
    for bucket in range(BUCKETS):
        inside = place == bucket
        if inside.any():
            mean = float(realised[inside].mean())
            error = np.sqrt(long_variance(realised[inside] - mean, asof[inside], lag_h)) / inside.sum()
            paid[bucket] = mean - QUARTER * error > 0.0
    return Buckets(edges, paid)


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
        p = logistic(design @ theta)
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
    variance = long_variance(weights * expected * (realised - slope * expected), asof, lag_h)
    if variance <= 0.0 or slope <= 0.0:
        return 0.0
    t_squared = slope * slope * squares * squares / variance
    return min(slope, slope_max) * max(0.0, 1.0 - 1.0 / t_squared)


def long_variance(moments: Floats, asof: NDArray[np.int64], lag_h: int) -> float:
    """Newey and West's variance of a sum of moments, those of an hour taken together."""
    hourly = np.bincount(asof - asof.min(), weights=moments)
    variance = float(np.sum(hourly * hourly))
    for lag in range(1, min(lag_h, hourly.size - 1) + 1):
        variance += 2.0 * (1.0 - lag / (lag_h + 1)) * float(np.sum(hourly[lag:] * hourly[:-lag]))
    return max(variance, 0.0)


def logistic(x: Floats) -> Floats:
    # Beyond 35 the result is 0 or 1 to the last bit anyway, and exp would overflow.
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(x, -35.0, 35.0))), dtype=np.float64)
