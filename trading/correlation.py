"""Who moves with whom: 30-day correlations, the clusters that risk caps, and beta to bitcoin, once a day.

1. Returns are logarithmic over 4 hours, 180 of them: hourly correlations are biased toward zero because coins
   do not trade at the same instant (Epps). A return that touches a stale or unknown hour is not a return; a
   pair needs 5/6 of them in common.
2. Each correlation is pulled a fifth of the way to the mean of all known ones (Ledoit and Wolf's constant
   target). Distance is sqrt((1 - rho) / 2); average linkage joins while the closest pair is within `CUT`
   (rho >= 0.8). A coin with too little history is a cluster of its own.
3. A cluster is named after its first column, ties join the pair that comes first: the same bars give the same
   names, compiled or not, on every CPU. Everything is loops, + - * / and sqrt.
4. Decided at 00:00 from `LOOKBACK_H` rows and held for the day.
"""

from math import isnan, nan, sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trading.clock import DAY_H
from trading.compiled import compiled
from trading.features.arithmetic import ln
from trading.market import Flags, Floats, Grid

STEP_H = 4
RETURNS = 180
RETURNS_MIN = 150
LOOKBACK_H = STEP_H * RETURNS + 1
SHRINK = 0.2
CUT = 0.316
"""Distance of rho = 0.8, as specified; sqrt(0.1) is 0.3162."""
FAR = 1.0
"""Distance of a pair whose correlation is unknown, that of rho = -1."""
BETA_OWN, BETA_PRIOR = 0.67, 0.33
"""Beta is shrunk to one, Blume's weights; a coin of unknown beta has one."""

Clusters = NDArray[np.int64]


class DayStructure(NamedTuple):
    """The market's structure at one midnight."""

    correlation: Floats
    """Shrunk, (A, A); NaN where a pair has too little in common."""
    cluster: Clusters
    """First column of the coin's cluster, (A,)."""
    beta: Floats
    """Shrunk beta to bitcoin, (A,)."""


class Structure(NamedTuple):
    """Clusters and betas of a span of days; row i is decided at asof `day_first + 24 * i`."""

    day_first: int
    cluster: Clusters
    """(D, A)."""
    beta: Floats
    """(D, A)."""


def day_structure(grid: Grid, row: int, *, plain: bool = False) -> DayStructure:
    """The structure as of `row`, from `LOOKBACK_H` rows ending there; rows before the grid count as unknown.

    `plain` runs the same source uncompiled.
    """
    assets = len(grid.instruments)
    correlation = np.empty((assets, assets))
    cluster, beta = _days(grid, row, 1, correlation, plain=plain)
    return DayStructure(correlation, cluster[0], beta[0])


def daily_structure(grid: Grid, first_row: int, *, plain: bool = False) -> Structure:
    """The structure of every midnight from the last one at or before `first_row` on."""
    row = first_row - (grid.first + first_row) % DAY_H
    if row < 0:
        row += DAY_H
    assets, days = len(grid.instruments), len(range(row, grid.hours, DAY_H))
    return Structure(grid.first + row, *_days(grid, row, days, np.empty((assets, assets)), plain=plain))


def _days(grid: Grid, row: int, days: int, correlation: Floats, *, plain: bool) -> tuple[Clusters, Floats]:
    """Clusters and betas of the midnights from `row` on; `correlation` ends as that of the last."""
    assets = len(grid.instruments)
    cluster, beta = np.empty((days, assets), dtype=np.int64), np.empty((days, assets))
    run = _fill if plain else compiled(_fill)
    run(grid.close, grid.stale, row, grid.btc, correlation, cluster, beta)
    return cluster, beta


def _fill(
    close: Floats, stale: Flags, row: int, btc: int, correlation: Floats, cluster: Clusters, beta: Floats
) -> None:
    days, a_day = cluster.shape[0], DAY_H // STEP_H
    returns = _returns(close, stale, row + DAY_H * (days - 1), RETURNS + a_day * (days - 1))
    for day in range(days):
        newest = a_day * (days - 1 - day)
        window = returns[newest : newest + RETURNS]
        products = _products(window)
        _correlate(window, products, correlation)
        _shrink(correlation)
        for a in range(window.shape[1]):
            _, squares, product = _moments(window, products, a, btc)
            own = product / squares if squares > 0.0 else 1.0
            beta[day, a] = BETA_OWN * own + BETA_PRIOR
        _link(correlation, cluster[day])


def _returns(close: Floats, stale: Flags, row: int, count: int) -> Floats:
    """Log returns over `STEP_H`, newest first, (count, A); NaN where either end is stale or unknown."""
    assets = close.shape[1]
    returns = np.full((count, assets), nan)
    for a in range(assets):
        later = nan
        for k in range(count + 1):
            t = row - STEP_H * k
            price = nan
            if t >= 0 and not stale[t, a] and not isnan(close[t, a]):
                price = ln(close[t, a])
            if k > 0 and not isnan(price) and not isnan(later):
                returns[k - 1, a] = later - price
            later = price
    return returns


def _products(window: Floats) -> Floats:
    """Sums of products about the means, (A, A) above and on the diagonal; NaN where a return is unknown.

    Coins run innermost, so that a CPU adds many pairs at once, each in the order of its own returns.
    """
    count, assets = window.shape
    mean, away, products = np.zeros(assets), np.empty(assets), np.zeros((assets, assets))
    for k in range(count):
        for a in range(assets):
            mean[a] += window[k, a]
    for a in range(assets):
        mean[a] /= count
    for k in range(count):
        for a in range(assets):
            away[a] = window[k, a] - mean[a]
        for i in range(assets):
            own = away[i]
            for j in range(i, assets):
                products[i, j] += own * away[j]
    return products


def _moments(window: Floats, products: Floats, i: int, j: int) -> tuple[float, float, float]:
    """Sums of squares of columns i and j and of their products about their means, over the returns that both
    have; NaN if too few.
    """
    known = products[i, j] if i < j else products[j, i]
    if not isnan(known):
        return products[i, i], products[j, j], known
    count, sum_i, sum_j = 0, 0.0, 0.0
    for k in range(window.shape[0]):
        if not isnan(window[k, i]) and not isnan(window[k, j]):
            count += 1
            sum_i += window[k, i]
            sum_j += window[k, j]
    if count < RETURNS_MIN:
        return nan, nan, nan
    mean_i, mean_j = sum_i / count, sum_j / count
    ii, jj, ij = 0.0, 0.0, 0.0
    for k in range(window.shape[0]):
        if not isnan(window[k, i]) and not isnan(window[k, j]):
            away_i, away_j = window[k, i] - mean_i, window[k, j] - mean_j
            ii += away_i * away_i
            jj += away_j * away_j
            ij += away_i * away_j
    return ii, jj, ij


def _correlate(window: Floats, products: Floats, correlation: Floats) -> None:
    """Pairwise Pearson correlations, one on the diagonal, NaN where unknown."""
    assets = window.shape[1]
    for i in range(assets):
        correlation[i, i] = 1.0
        for j in range(i + 1, assets):
            ii, jj, ij = _moments(window, products, i, j)
            rho = ij / sqrt(ii * jj) if ii > 0.0 and jj > 0.0 else nan
            correlation[i, j] = rho
            correlation[j, i] = rho


def _shrink(correlation: Floats) -> None:
    """Pull every known pair `SHRINK` of the way to the mean of the known pairs."""
    assets, count, total = correlation.shape[0], 0, 0.0
    for i in range(assets):
        for j in range(i + 1, assets):
            if not isnan(correlation[i, j]):
                count += 1
                total += correlation[i, j]
    mean = total / count if count > 0 else 0.0
    for i in range(assets):
        for j in range(assets):
            if i != j:
                correlation[i, j] = (1.0 - SHRINK) * correlation[i, j] + SHRINK * mean


def _distances(correlation: Floats) -> Floats:
    """sqrt((1 - rho) / 2); rounding may push rho past one, which is no distance below zero."""
    assets = correlation.shape[0]
    distance = np.empty((assets, assets))
    for i in range(assets):
        for j in range(assets):
            half = (1.0 - correlation[i, j]) * 0.5
            distance[i, j] = FAR if isnan(half) else sqrt(half) if half > 0.0 else 0.0
    return distance


def _link(correlation: Floats, cluster: Clusters) -> None:
    """Average linkage: each merge keeps the earlier column as the name; sizes weigh the mean distance."""
    assets = correlation.shape[0]
    distance = _distances(correlation)
    size = np.ones(assets, dtype=np.int64)
    for a in range(assets):
        cluster[a] = a
    while True:
        closest, left, right = CUT, -1, -1
        for i in range(assets):
            if cluster[i] == i:
                for j in range(i + 1, assets):
                    better = distance[i, j] < closest or (left < 0 and distance[i, j] == closest)
                    if cluster[j] == j and better:
                        closest, left, right = distance[i, j], i, j
        if left < 0:
            return
        for k in range(assets):
            mean = size[left] * distance[left, k] + size[right] * distance[right, k]
            distance[left, k] = mean / (size[left] + size[right])
            distance[k, left] = distance[left, k]
            if cluster[k] == right:
                cluster[k] = left
        size[left] += size[right]
