"""Made-up markets with a planted edge, and their histories, for tests of the walk-forward."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from adapters.histories import kept
from adapters.training import Walk
from trading.clock import DAY_H, TradingHour
from trading.market import Grid
from trading.universe import Universe

NAMES = ("ADA/USD", "BTC/USD", "ETH/USD", "SOL/USD")


def hour(year: int, month: int, day: int = 1) -> int:
    return TradingHour.at(datetime(year, month, day, tzinfo=UTC)).number


FIRST, LAST = hour(2021, 1), hour(2021, 12) - 1
PREDICTED, STACKED = hour(2021, 7), hour(2021, 10)
"""First month of the learners and of the stack at the smoke preset: 91 days of features, two months to train
on, three of predictions."""


def market(momentum: float, seed: int = 11) -> Grid:
    """Four coins over eleven months; every hour moves on by `momentum` of the mean move of the day before."""
    rng = np.random.default_rng(seed)
    hours, coins = LAST - FIRST + 1, len(NAMES)
    returns = rng.normal(0, 0.007, (hours, coins)) + rng.normal(0, 0.003, (hours, 1))
    for t in range(DAY_H, hours):
        returns[t] += momentum * returns[t - DAY_H : t].mean(axis=0)
    close = 100.0 * np.exp(np.cumsum(returns, axis=0))
    opens = np.vstack((close[:1], close[:-1]))
    wick = rng.uniform(1.0, 1.003, close.shape)
    high, low = np.maximum(opens, close) * wick, np.minimum(opens, close) / wick
    volume = rng.uniform(1e5, 2e5, close.shape)
    return Grid("test", NAMES, FIRST, opens, high, low, close, volume, np.zeros(close.shape, dtype=bool))


def walk_over(grid: Grid, root: Path, name: str = "walk") -> Walk:
    """The walk of a market in which everything is old, liquid and usable; folds are shared under `root`."""
    everything = np.ones(grid.close.shape, dtype=bool)
    days = -(-grid.hours // DAY_H)
    quiet = np.zeros((days, len(NAMES)))
    universe = Universe(everything, grid.first, quiet.astype(np.int8), quiet, quiet)
    digest = f"{float(np.nansum(grid.close))} {float(np.nansum(grid.low))}"
    folder, data_hash = kept(
        root / "histories", grid, digest, universe, ~everything, lambda done, total: None
    )
    return Walk(folder, root / name, root / "folds", "smoke", data_hash)
