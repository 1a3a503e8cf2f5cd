"""Correlations, clusters and betas of 50 coins for one hour in milliseconds; `--peers` adds pandas and scipy.

Both give the same clusters. Ratios are of medians, the two interleaved in one run.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np

from trading.correlation import BETA_OWN, BETA_PRIOR, CUT, LOOKBACK_H, SHRINK, day_structure
from trading.market import Grid

ASSETS = 50
REPEATS = 60
LIMIT_MS = 5.0


def market() -> Grid:
    """Two months of coins that lean on a common factor more or less."""
    rng = np.random.default_rng(1)
    hours = 24 * 60
    steps = rng.normal(size=(hours, ASSETS)) * rng.uniform(0.2, 1.0, ASSETS) + rng.normal(size=(hours, 1))
    close = 100.0 * np.exp(0.006 * np.cumsum(steps, axis=0))
    names = ("BTC/USD", *(f"C{a:02d}/USD" for a in range(1, ASSETS)))
    stale = np.zeros(close.shape, dtype=bool)
    return Grid("benchmark", names, 450_001, close, close, close, close, np.ones_like(close), stale)


def with_pandas(grid: Grid, row: int) -> tuple[np.ndarray, np.ndarray]:
    """The same figures from pandas and scipy: labels of clusters, betas."""
    import pandas as pd
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    window = pd.DataFrame(grid.close[row - LOOKBACK_H + 1 : row + 1 : 4])
    returns = np.log(window).diff().iloc[1:]
    plain = returns.corr().to_numpy()
    mean = plain[np.triu_indices(ASSETS, 1)].mean()
    distance = np.sqrt((1.0 - ((1.0 - SHRINK) * plain + SHRINK * mean)) / 2.0)
    np.fill_diagonal(distance, 0.0)
    clusters = fcluster(linkage(squareform(distance, checks=False), "average"), CUT, "distance")
    covariance = returns.cov().to_numpy()[:, 0]
    return clusters, BETA_OWN * covariance / covariance[0] + BETA_PRIOR


def partition(labels: np.ndarray) -> set[frozenset[int]]:
    return {frozenset(np.flatnonzero(labels == one).tolist()) for one in np.unique(labels)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", action="store_true", help="time pandas with scipy beside ours")
    peers = parser.parse_args().peers
    grid = market()
    runs: dict[str, Callable[[Grid, int], object]] = {"ballast": day_structure}
    if peers:
        runs["pandas + scipy"] = with_pandas
    rows = range(grid.hours - REPEATS, grid.hours)
    times: dict[str, list[float]] = {name: [] for name in runs}
    for run in runs.values():
        run(grid, rows[0])
    for row in rows:
        for name, run in runs.items():
            start = time.perf_counter()
            run(grid, row)
            times[name].append(1e3 * (time.perf_counter() - start))
        if peers:
            assert partition(day_structure(grid, row).cluster) == partition(with_pandas(grid, row)[0])
    ours = statistics.median(times["ballast"])
    for name, taken in times.items():
        middle = statistics.median(taken)
        print(f"{name:16} {middle:8.3f} ms median {max(taken):8.3f} ms worst {middle / ours:6.1f}x")
    print(f"limit {LIMIT_MS} ms: {'kept' if ours <= LIMIT_MS else 'broken'}")


if __name__ == "__main__":
    main()
