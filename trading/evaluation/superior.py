"""Is the best of many configurations better than a benchmark, or only the luckiest of many?

SPA: P. Hansen's test of superior predictive ability (J. of Business and Economic Statistics 23, 2005), its
consistent p-value. StepM: J. Romano and M. Wolf's stepdown (Econometrica 73, 2005), which names the ones that
are better with a family-wise error of 5 %. Both resample days in stationary blocks, all configurations along
one path. Every record is scaled to the same volatility first: what is compared is the Sharpe ratio, since a
small exposure is no demerit by itself.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trading.ledger.performance import Floats

REPETITIONS = 2_000
BLOCK_D = 30.0
ERROR = 0.05
SEED = 20_190_601


class Superior(NamedTuple):
    """The verdict on many configurations against one benchmark."""

    p: float
    """SPA: the probability of a best one like this if none were better."""
    better: list[int]
    """StepM: columns that are better."""


def superior(configurations: Floats, benchmark: Floats) -> Superior:
    """Daily returns (days, k) against those of the benchmark (days,)."""
    days = len(benchmark)
    gains = _scaled(configurations) - _scaled(benchmark[:, None])
    root, middle = np.sqrt(days), gains.mean(axis=0)
    resampled = _counts(days, np.random.default_rng(SEED)) @ gains / days
    spread = np.maximum(root * resampled.std(axis=0), 1e-12)
    found = root * middle / spread
    # Hansen's threshold: what is far below the benchmark is no candidate, and must not blunt the test.
    kept = np.where(found >= -np.sqrt(2.0 * np.log(np.log(days))), middle, 0.0)
    best = np.maximum((root * (resampled - kept) / spread).max(axis=1), 0.0)
    p = float((best >= max(float(found.max()), 0.0)).mean())
    return Superior(p, _step_down(found, root * (resampled - middle) / spread))


def _step_down(found: Floats, resampled: Floats) -> list[int]:
    better = np.zeros(len(found), dtype=bool)
    while not better.all():
        bar = np.quantile(resampled[:, ~better].max(axis=1), 1.0 - ERROR)
        more = ~better & (found > bar)
        if not more.any():
            break
        better |= more
    return [int(k) for k in np.flatnonzero(better)]


def _scaled(returns: Floats) -> Floats:
    """In units of each column's own volatility; a record that never moved stays at zero."""
    spread = returns.std(axis=0)
    scaled: Floats = np.divide(returns, spread, out=np.zeros_like(returns), where=spread > 1e-12)
    return scaled


def _counts(days: int, random: np.random.Generator) -> NDArray[np.float64]:
    """(repetitions, days): how often a resampled record holds each day."""
    counts, every = np.zeros((REPETITIONS, days)), np.arange(REPETITIONS)
    at = random.integers(days, size=REPETITIONS)
    for _ in range(days):
        counts[every, at] += 1.0
        begins = random.random(REPETITIONS) < 1.0 / BLOCK_D
        at = np.where(begins, random.integers(days, size=REPETITIONS), (at + 1) % days)
    return counts
