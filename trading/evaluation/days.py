"""Regressions over rows that overlap and move together: what happens on a day is one observation.

The scores of all rows of a day are added before Newey and West's weights are put on the days, as J. Driscoll
and A. Kraay do (Review of Economics and Statistics 80, 1998), so neither many coins nor overlapping labels
feign independent evidence.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trading.clock import DAY_H
from trading.ledger.statistics import newey_west_lags
from trading.market import Floats

Hours = NDArray[np.int64]

LAGS_D_MIN = 5
CONFIDENT = 1.645
"""Standard errors from the middle to either end of a 90 % interval."""


class Estimate(NamedTuple):
    """A coefficient and its standard error."""

    value: float
    error: float

    @property
    def t(self) -> float | None:
        return self.value / self.error if self.error > 0.0 else None

    @property
    def low(self) -> float:
        """Lower end of the 90 % interval."""
        return self.value - CONFIDENT * self.error


def lags_d(days: int) -> int:
    """Days that the errors look back: at least five, more than any label lasts."""
    return min(max(LAGS_D_MIN, newey_west_lags(days)), days - 1)


def pooled(y: Floats, design: Floats, asof: Hours) -> tuple[Estimate, ...] | None:
    """`y` (rows,) on the columns of `design` (rows, k); None where a column says nothing of its own."""
    gram = design.T @ design
    if len(y) <= design.shape[1] or np.linalg.cond(gram) > 1e12:
        return None
    inverse = np.linalg.inv(gram)
    coefficients = inverse @ design.T @ y
    day = asof // DAY_H - asof.min() // DAY_H
    residual = y - design @ coefficients
    scores: Floats = np.column_stack([np.bincount(day, weights=column * residual) for column in design.T])
    middle = scores.T @ scores
    lags = lags_d(len(scores))
    for lag in range(1, lags + 1):
        cross = scores[lag:].T @ scores[:-lag]
        middle = middle + (1.0 - lag / (lags + 1)) * (cross + cross.T)
    errors = np.sqrt(np.maximum(np.diag(inverse @ middle @ inverse), 0.0))
    return tuple(Estimate(float(c), float(e)) for c, e in zip(coefficients, errors, strict=True))


def mean(values: Floats, asof: Hours) -> Estimate | None:
    """The mean of rows."""
    found = pooled(values, np.ones((len(values), 1)), asof) if len(values) else None
    return found[0] if found else None


def slope(x: Floats, y: Floats, asof: Hours) -> Estimate | None:
    """The slope of y on x beside an intercept; None where x does not vary."""
    spread = float(x.std()) if len(x) else 0.0
    if spread <= 1e-12 * max(1.0, float(np.abs(x).max(initial=0.0))):
        return None
    centred = (x - x.mean()) / spread
    found = pooled(y, np.column_stack((np.ones(len(x)), centred)), asof)
    return Estimate(found[1].value / spread, found[1].error / spread) if found else None


def correlation(x: Floats, y: Floats, asof: Hours) -> Estimate | None:
    """Pearson's correlation: the slope between standardised columns; None where one does not vary."""
    spread = float(y.std()) if len(y) else 0.0
    found = slope(x, y / spread, asof) if spread > 0.0 else None
    scale = float(x.std())
    return Estimate(found.value * scale, found.error * scale) if found else None


def rank_correlation(x: Floats, y: Floats, asof: Hours) -> Estimate | None:
    """Spearman's correlation across the rows of an hour, its mean over hours of three rows or more.

    An hour in which all x are equal ranks nothing and counts as 0.
    """
    hour, position, count = np.unique(asof, return_inverse=True, return_counts=True)
    ranked = [_centred_ranks(values, position) for values in (x, y)]
    products = np.bincount(position, weights=ranked[0] * ranked[1])
    scale = [np.bincount(position, weights=ranks * ranks) for ranks in ranked]
    size = np.sqrt(scale[0] * scale[1])
    hourly = np.divide(products, size, out=np.zeros(len(hour)), where=size > 0.0)
    wide = count >= 3
    return mean(hourly[wide], hour[wide])


def _centred_ranks(values: Floats, group: NDArray[np.intp]) -> Floats:
    """Ranks of `values` within their groups less the group's mean; equal values share their mean rank."""
    order = np.lexsort((values, group))
    ordered, groups = values[order], group[order]
    fresh = np.ones(len(values), dtype=bool)
    fresh[1:] = (groups[1:] != groups[:-1]) | (ordered[1:] != ordered[:-1])
    run = np.cumsum(fresh) - 1
    place = np.arange(len(values), dtype=np.float64)
    shared = np.bincount(run, weights=place) / np.bincount(run)
    ranks = np.empty(len(values))
    ranks[order] = shared[run]
    means = np.bincount(group, weights=ranks) / np.maximum(np.bincount(group), 1)
    return np.asarray(ranks - means[group], dtype=np.float64)
