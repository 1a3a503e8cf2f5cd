"""Stationary bootstrap: what else the same days could have added up to, had their order been another.

Blocks of geometric length, wrapped at the end, keep autocorrelation and volatility clusters; all records are
resampled along one path, so that their difference is a paired one. D. Politis and J. Romano, JASA 89 (1994);
block length by D. Politis and H. White (2004) as corrected by A. Patton (2009), Econometric Reviews.
"""

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trading.compiled import compiled
from trading.ledger.performance import DAYS_PER_YEAR

Floats = NDArray[np.float64]

REPETITIONS = 5_000
BLOCK_DAYS_MIN = 30
BATCH = 250
TAIL = 0.05
GROWTH, DRAWDOWN, WORST_MONTH, FIRST_SHARPE = 0, 1, 2, 3


class Interval(NamedTuple):
    """A figure of the record and its 90 % bootstrap interval."""

    estimate: float
    low: float
    high: float


class Bootstrap(NamedTuple):
    """Intervals of one record on daily closes, and of its Sharpe ratio less each benchmark's."""

    cagr: Interval
    sharpe: Interval
    max_drawdown: Interval
    worst_month: Interval
    sharpe_gain: dict[str, Interval]
    block_days: float
    repetitions: int


def bootstrap(
    returns: Floats, months: NDArray[np.int64], benchmarks: Mapping[str, Floats], repetitions: int, seed: int
) -> Bootstrap:
    """Resample a record's daily returns, and its benchmarks' on the same days, `repetitions` times.

    `months[i]` numbers the calendar month of day i, so that resampled months are as long as the real ones.
    """
    table = np.column_stack([returns, *benchmarks.values()])
    block_days = max(BLOCK_DAYS_MIN, block_length(returns))
    own = _measure(table, months)
    paths = _paths(table, months, block_days, repetitions, np.random.default_rng(seed))
    gains = {
        name: _interval(own[FIRST_SHARPE] - own[column], paths[:, FIRST_SHARPE] - paths[:, column])
        for column, name in enumerate(benchmarks, FIRST_SHARPE + 1)
    }
    return Bootstrap(
        cagr=_interval(own[GROWTH], paths[:, GROWTH]),
        sharpe=_interval(own[FIRST_SHARPE], paths[:, FIRST_SHARPE]),
        max_drawdown=_interval(own[DRAWDOWN], paths[:, DRAWDOWN]),
        worst_month=_interval(own[WORST_MONTH], paths[:, WORST_MONTH]),
        sharpe_gain=gains,
        block_days=block_days,
        repetitions=repetitions,
    )


def _interval(estimate: float, draws: Floats) -> Interval:
    low, high = np.quantile(draws, [TAIL, 1 - TAIL])
    return Interval(float(estimate), float(low), float(high))


def _measure(table: Floats, months: NDArray[np.int64]) -> Floats:
    """The figures of the record itself: one path that walks the days in order."""
    in_order = np.ones((1, len(table)))
    in_order[0, 0] = 0.0
    figures: Floats = _yearly(_run(in_order, 1.0 / len(table), table, months), len(table))[0]
    return figures


def _paths(
    table: Floats, months: NDArray[np.int64], block_days: float, repetitions: int, random: np.random.Generator
) -> Floats:
    batches: list[Floats] = [
        _run(random.random((min(BATCH, repetitions - done), len(table))), 1 / block_days, table, months)
        for done in range(0, repetitions, BATCH)
    ]
    return _yearly(np.concatenate(batches), len(table))


def _run(draws: Floats, restart: float, table: Floats, months: NDArray[np.int64]) -> Floats:
    figures: Floats = np.empty((len(draws), FIRST_SHARPE + table.shape[1]))
    compiled(walk)(draws, restart, table, months, figures)
    return figures


def _yearly(figures: Floats, days: int) -> Floats:
    yearly: Floats = figures.copy()
    yearly[:, GROWTH] = figures[:, GROWTH] ** (DAYS_PER_YEAR / days) - 1
    yearly[:, FIRST_SHARPE:] = figures[:, FIRST_SHARPE:] * math.sqrt(DAYS_PER_YEAR)
    return yearly


def walk(draws: Floats, restart: float, table: Floats, months: NDArray[np.int64], figures: Floats) -> None:
    """Fill one row of `figures` for each row of uniform `draws` in [0, 1].

    A draw below `restart` begins a new block, at the day that the same draw, scaled to [0, 1), points to.
    `table` has shape (days, records): growth, drawdown and worst month are those of the first record, the
    Sharpe ratios, per day, of each.
    """
    days, records = table.shape
    sums = np.empty(records)
    squares = np.empty(records)
    for path in range(draws.shape[0]):
        sums[:] = 0.0
        squares[:] = 0.0
        value, peak, drawdown = 1.0, 1.0, 0.0
        opened, worst = 1.0, np.inf
        day = int(draws[path, 0] * days) % days
        for i in range(days):
            if i > 0:
                draw = draws[path, i]
                day = int(draw / restart * days) % days if draw < restart else (day + 1) % days
                if months[i] != months[i - 1]:
                    worst = min(worst, value / opened - 1.0)
                    opened = value
            value *= 1.0 + table[day, 0]
            peak = max(peak, value)
            drawdown = max(drawdown, 1.0 - value / peak)
            for record in range(records):
                change = table[day, record]
                sums[record] += change
                squares[record] += change * change
        figures[path, 0] = value
        figures[path, 1] = drawdown
        figures[path, 2] = min(worst, value / opened - 1.0)
        for record in range(records):
            mean = sums[record] / days
            variance = (squares[record] - sums[record] * mean) / (days - 1)
            figures[path, 3 + record] = mean / math.sqrt(variance) if variance > 1e-18 else 0.0


def block_length(returns: Floats) -> float:
    """The mean block length, in periods, that minimises the error of the bootstrapped variance."""
    n = len(returns)
    lags_quiet = max(5, int(math.log10(n)))
    lags_max = min(math.ceil(math.sqrt(n)) + lags_quiet, n - 1)
    centred = returns - returns.mean()
    covariance = np.array(
        [float((centred[lag:] * centred[: n - lag]).sum()) / n for lag in range(lags_max + 1)]
    )
    if covariance[0] <= 0:
        return 1.0
    quiet = np.abs(covariance / covariance[0]) < 2 * math.sqrt(math.log10(n) / n)
    first = next(
        (m for m in range(lags_max - lags_quiet + 1) if quiet[m + 1 : m + 1 + lags_quiet].all()), lags_max
    )
    bandwidth = min(2 * max(first, 1), lags_max)
    lags = np.arange(1, bandwidth + 1)
    weighted = np.minimum(1.0, 2 * (1 - lags / bandwidth)) * covariance[1 : bandwidth + 1]
    long_run = covariance[0] + 2 * float(weighted.sum())
    slope = 2 * float((lags * weighted).sum())
    length = (slope**2 / long_run**2 * n) ** (1 / 3) if long_run else math.inf
    return float(min(max(length, 1.0), math.ceil(min(3 * math.sqrt(n), n / 3))))
