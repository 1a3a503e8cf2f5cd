"""How much of a record could be luck: Sharpe ratios with their uncertainty, and the price of looking often.

Everything here is per period (a day), never annualised, and kurtosis is raw (3 for a normal distribution).

Sources. PSR and minimum track record: Bailey and López de Prado, The Sharpe Ratio Efficient Frontier, J. of
Risk 15 (2012). DSR: the same, The Deflated Sharpe Ratio, J. of Portfolio Management 40 (2014). PBO: Bailey,
Borwein, López de Prado and Zhu, The Probability of Backtest Overfitting, J. of Comp. Finance 20 (2017).
HAC errors: Newey and West, Econometrica 55 (1987).
"""

import math
from itertools import combinations
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trading.errors import DataError

Floats = NDArray[np.float64]

EULER_GAMMA = 0.5772156649015329
NORMAL = NormalDist()
BLOCKS = 16
"""Of the cross-validation behind PBO: 12,870 ways to halve them."""


class Moments(NamedTuple):
    """The sample moments that the Sharpe ratio's error depends on."""

    sharpe: float
    """Mean over standard deviation, per period; 0 where nothing moved."""
    skewness: float
    kurtosis: float
    """Raw: 3 for a normal distribution."""
    periods: int


def moments(returns: Floats) -> Moments:
    """Moments of a return series (n - 1 in the Sharpe ratio, n in skewness and kurtosis)."""
    if len(returns) < 2 or float(returns.std()) == 0.0:
        return Moments(0.0, 0.0, 3.0, len(returns))
    scores = (returns - returns.mean()) / returns.std()
    sharpe = float(returns.mean() / returns.std(ddof=1))
    return Moments(sharpe, float((scores**3).mean()), float((scores**4).mean()), len(returns))


def _spread(of: Moments) -> float:
    """sqrt(T - 1) times the standard error of the Sharpe ratio."""
    variance = 1 - of.skewness * of.sharpe + (of.kurtosis - 1) / 4 * of.sharpe**2
    if variance <= 0:
        raise DataError(f"{of} is no sample: its Sharpe ratio would have a negative variance")
    return math.sqrt(variance)


def psr(of: Moments, against: float = 0.0) -> float:
    """Probabilistic Sharpe ratio: the probability that the true ratio exceeds `against` (per period)."""
    return NORMAL.cdf((of.sharpe - against) * math.sqrt(max(of.periods - 1, 0)) / _spread(of))


def expected_maximum(trials: int, variance: float) -> float:
    """SR0: the best Sharpe ratio to expect of `trials` skill-less ones whose ratios have this variance."""
    if trials < 2:
        return 0.0
    tail = (1 - EULER_GAMMA) * NORMAL.inv_cdf(1 - 1 / trials)
    return math.sqrt(variance) * (tail + EULER_GAMMA * NORMAL.inv_cdf(1 - 1 / (trials * math.e)))


def dsr(of: Moments, trials: int, variance: float | None = None) -> float:
    """Deflated Sharpe ratio: PSR against the best of `trials`.

    `variance` is that of the trials' per-period Sharpe ratios; None takes 1/T, its value for independent
    trials without skill.
    """
    return psr(of, expected_maximum(trials, 1 / max(of.periods, 1) if variance is None else variance))


def minimum_track_record(of: Moments, against: float = 0.0, confidence: float = 0.95) -> float:
    """Periods after which such a ratio exceeds `against` at `confidence`; infinite if it never does."""
    if of.sharpe <= against:
        return math.inf
    return 1 + (_spread(of) * NORMAL.inv_cdf(confidence) / (of.sharpe - against)) ** 2


def pbo(trials: Floats, blocks: int = BLOCKS) -> float:
    """Probability of backtest overfitting of `trials`, returns of shape (periods, configurations).

    Each half of the blocks in turn selects the best Sharpe ratio; PBO is the share of selections that rank in
    the lower half (logit <= 0) of the other blocks. An uneven division drops its oldest periods;
    equal ratios share their mean rank.
    """
    periods, configurations = trials.shape
    rows = periods // blocks
    if blocks % 2 or rows < 2 or configurations < 2:
        raise DataError(
            f"PBO needs an even number of blocks of two periods and two trials, not {trials.shape}"
        )
    parts = trials[periods - rows * blocks :].reshape(blocks, rows, configurations)
    sums, squares = parts.sum(axis=1), (parts**2).sum(axis=1)
    halves = np.array(list(combinations(range(blocks), blocks // 2)))
    chosen = np.zeros((len(halves), blocks))
    np.put_along_axis(chosen, halves, 1.0, axis=1)
    inside = _sharpes(chosen @ sums, chosen @ squares, rows * blocks // 2)
    outside = _sharpes((1 - chosen) @ sums, (1 - chosen) @ squares, rows * blocks // 2)
    best = outside[np.arange(len(chosen)), inside.argmax(axis=1)][:, None]
    rank = (outside < best).sum(axis=1) + ((outside == best).sum(axis=1) + 1) / 2
    return float((rank <= (configurations + 1) / 2).mean())


def _sharpes(sums: Floats, squares: Floats, periods: int) -> Floats:
    mean = sums / periods
    variance = squares / periods - mean**2
    return np.divide(mean, np.sqrt(np.abs(variance)), out=np.zeros_like(mean), where=variance > 1e-18)


class Regression(NamedTuple):
    """Ordinary least squares with errors that allow for autocorrelation and changing variance."""

    coefficients: Floats
    errors: Floats
    """HAC standard errors, one a coefficient."""

    @property
    def t(self) -> Floats:
        return self.coefficients / self.errors


def hac_regression(y: Floats, design: Floats, lags: int) -> Regression:
    """`y` on the columns of `design` (periods, k), with Newey-West errors over `lags` periods (Bartlett)."""
    inverse = np.linalg.inv(design.T @ design)
    coefficients = inverse @ design.T @ y
    scores = design * (y - design @ coefficients)[:, None]
    middle = scores.T @ scores
    for lag in range(1, lags + 1):
        cross = scores[lag:].T @ scores[:-lag]
        middle += (1 - lag / (lags + 1)) * (cross + cross.T)
    return Regression(coefficients, np.sqrt(np.diag(inverse @ middle @ inverse)))


def newey_west_lags(periods: int) -> int:
    """The usual lag length, floor(4 (T/100)^(2/9))."""
    return int(4 * (periods / 100) ** (2 / 9))
