"""Clusters against scipy's, compiled against plain, and the rules for what is not known."""

from math import sqrt

import numpy as np
import pytest
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from trading.correlation import CUT, LOOKBACK_H, SHRINK, daily_structure, day_structure
from trading.features.arithmetic import ln
from trading.market import Grid

FIRST = 450_000 - 450_000 % 24 + 1


def market(seed: int, groups: tuple[int, ...], hours: int = 24 * 40, noise: float = 0.4) -> Grid:
    """Coins that share a factor within each group; bitcoin is the first of them."""
    rng = np.random.default_rng(seed)
    columns = [
        factor + noise * rng.normal(size=hours)
        for size in groups
        for factor in [rng.normal(size=hours)]
        for _ in range(size)
    ]
    close = 100.0 * np.exp(0.01 * np.cumsum(np.column_stack(columns), axis=0))
    names = ("BTC/USD",) + tuple(f"C{a:02d}/USD" for a in range(1, close.shape[1]))
    stale = np.zeros(close.shape, dtype=bool)
    return Grid("test", names, FIRST, close, close, close, close, np.ones_like(close), stale)


def partition(labels: np.ndarray) -> set[frozenset[int]]:
    return {frozenset(np.flatnonzero(labels == one).tolist()) for one in np.unique(labels)}


@pytest.mark.parametrize("seed", range(24))
def test_clusters_agree_with_scipys_average_linkage(seed: int):
    grid = market(seed, (9, 6, 1, 8), noise=0.0)
    rng = np.random.default_rng(seed)
    # Coins that keep more or less to their group, so that many pairs lie near the cut.
    own = rng.normal(size=grid.close.shape) * rng.uniform(0.0, 0.5, 24)
    grid.close[:] *= np.exp(0.01 * np.cumsum(own, axis=0))
    day = day_structure(grid, grid.hours - 1)
    distance = np.sqrt((1 - day.correlation) / 2)
    np.fill_diagonal(distance, 0.0)
    theirs = fcluster(linkage(squareform(distance, checks=False), "average"), CUT, "distance")
    assert partition(day.cluster) == partition(theirs)
    assert len(partition(day.cluster)) < 24, "some coins must have been joined"


def test_correlation_and_beta_agree_with_numpy():
    grid = market(3, (3, 2))
    row = grid.hours - 1
    returns = np.diff(np.log(grid.close[row - LOOKBACK_H + 1 : row + 1 : 4]), axis=0)
    plain = np.corrcoef(returns.T)
    mean = plain[np.triu_indices(5, 1)].mean()
    wanted = (1 - SHRINK) * plain + SHRINK * mean
    np.fill_diagonal(wanted, 1.0)
    covariance = np.cov(returns.T)
    day = day_structure(grid, row)
    np.testing.assert_allclose(day.correlation, wanted, atol=1e-12)
    np.testing.assert_allclose(day.beta, 0.67 * covariance[:, 0] / covariance[0, 0] + 0.33, atol=1e-12)


@pytest.mark.parametrize("unknown", [(), (40, 41, 700)])
def test_sums_run_from_the_newest_return_to_the_oldest(unknown: tuple[int, ...]):
    grid = market(6, (2,))
    row = grid.hours - 1
    grid.stale[[row - hour for hour in unknown], 1] = True
    times = [row - 4 * k for k in range(181)]
    known = [k for k in range(180) if not grid.stale[times[k : k + 2]].any()]
    x, y = ([ln(grid.close[times[k], a]) - ln(grid.close[times[k + 1], a]) for k in known] for a in (0, 1))
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    xx = xy = yy = 0.0
    for a, b in zip(x, y, strict=True):
        xx += (a - mean_x) * (a - mean_x)
        yy += (b - mean_y) * (b - mean_y)
        xy += (a - mean_x) * (b - mean_y)
    rho = xy / sqrt(xx * yy)
    day = day_structure(grid, row)
    assert day.correlation[0, 1] == (1 - SHRINK) * rho + SHRINK * rho
    assert day.beta[1] == 0.67 * (xy / xx) + 0.33


def test_compiled_and_plain_runs_have_the_same_bits():
    grid = market(4, (4, 3, 2))
    for fast, slow in zip(day_structure(grid, 900), day_structure(grid, 900, plain=True), strict=True):
        assert fast.tobytes() == slow.tobytes()


def test_a_cluster_is_named_after_its_first_coin():
    grid = market(5, (3, 4), noise=0.05)
    assert day_structure(grid, grid.hours - 1).cluster.tolist() == [0, 0, 0, 3, 3, 3, 3]


def test_a_coin_with_too_little_history_stands_alone_with_a_beta_of_one():
    grid = market(6, (5,), noise=0.05)
    grid.close[: grid.hours - 24 * 24, 4] = np.nan
    day = day_structure(grid, grid.hours - 1)
    assert day.cluster.tolist() == [0, 0, 0, 0, 4]
    assert day.beta[4] == 1.0
    assert np.isnan(day.correlation[4, :4]).all()


def test_a_return_that_touches_a_stale_hour_does_not_count():
    grid = market(7, (2,), noise=0.5)
    row = grid.hours - 1
    before = day_structure(grid, row)
    grid.stale[row - 40, 1] = True
    grid.close[row - 40, 1] *= 3.0
    touched = day_structure(grid, row)
    assert abs(touched.correlation[0, 1] - before.correlation[0, 1]) < 0.05


def test_days_held_are_the_days_asked_one_by_one_and_read_thirty_days_only():
    grid = market(8, (3, 3))
    held = daily_structure(grid, 800)
    assert (held.day_first - 24) < grid.first + 800 - 1 < held.day_first + 24
    for i, row in enumerate(range(held.day_first - grid.first, grid.hours, 24)):
        alone = grid.rows(grid.first + row - LOOKBACK_H + 1, grid.first + row + 1)
        assert (day_structure(alone, LOOKBACK_H - 1).cluster == held.cluster[i]).all()
        assert day_structure(alone, LOOKBACK_H - 1).beta.tobytes() == held.beta[i].tobytes()
