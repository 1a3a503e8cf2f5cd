"""The bootstrap against a naive one, compiled against plain, and its coverage."""

import math

import numpy as np
import pytest

from trading.compiled import compiled
from trading.ledger.bootstrap import block_length, bootstrap, walk
from trading.ledger.statistics import moments

DAYS = 400
MONTHS = np.arange(DAYS) // 30


@pytest.fixture(scope="module")
def table():
    return np.random.default_rng(4).normal(0.0005, 0.01, (DAYS, 3))


def run(function, draws, restart, table):
    figures = np.empty((len(draws), 3 + table.shape[1]))
    function(draws, restart, table, MONTHS, figures)
    return figures


def naive(draws, restart, table):
    """One path by the book: a list of days first, then the figures from whole arrays."""
    days = [int(draws[0] * DAYS)]
    for draw in draws[1:]:
        days.append(int(draw / restart * DAYS) if draw < restart else (days[-1] + 1) % DAYS)
    path = table[days]
    values = np.concatenate([[1.0], np.cumprod(1 + path[:, 0])])
    months = [np.prod(1 + path[month == MONTHS, 0]) - 1 for month in range(MONTHS.max() + 1)]
    drawdown = (1 - values / np.maximum.accumulate(values)).max()
    return [values[-1], drawdown, min(months), *(moments(path[:, k]).sharpe for k in range(table.shape[1]))]


def test_a_path_is_that_of_a_naive_bootstrap(table):
    draws = np.random.default_rng(5).random((25, DAYS))
    expected = [naive(path, 1 / 30, table) for path in draws]
    assert run(compiled(walk), draws, 1 / 30, table) == pytest.approx(np.array(expected), rel=1e-9)


def test_compiled_and_plain_paths_have_the_same_bits(table):
    draws = np.random.default_rng(6).random((10, DAYS))
    assert np.array_equal(run(compiled(walk), draws, 0.05, table), run(walk, draws, 0.05, table))


def test_blocks_have_the_wanted_mean_length_and_every_day_the_same_chance():
    """A record whose value counts the visits of one day: each path visits it once on average."""
    visits = np.zeros((DAYS, 1))
    visits[17] = 1.0
    grown = run(compiled(walk), np.random.default_rng(7).random((4000, DAYS)), 1 / 40, visits)[:, 0]
    assert np.log2(grown).mean() == pytest.approx(1.0, abs=0.06)


def test_the_estimate_is_the_record_itself(table):
    of = bootstrap(table[:, 0], MONTHS, {"other": table[:, 1]}, 200, seed=1)
    assert of.cagr.estimate == pytest.approx(np.prod(1 + table[:, 0]) ** (365 / DAYS) - 1)
    assert of.sharpe.estimate == pytest.approx(moments(table[:, 0]).sharpe * math.sqrt(365))
    gain = moments(table[:, 0]).sharpe - moments(table[:, 1]).sharpe
    assert of.sharpe_gain["other"].estimate == pytest.approx(gain * math.sqrt(365))


def test_a_record_never_beats_itself(table):
    gain = bootstrap(table[:, 0], MONTHS, {"self": table[:, 0]}, 200, seed=1).sharpe_gain["self"]
    assert (gain.estimate, gain.low, gain.high) == (0.0, 0.0, 0.0)


def test_pairing_narrows_the_gain_over_a_like_benchmark(table):
    like = table[:, 0] + 0.1 * table[:, 1]
    of = bootstrap(table[:, 0], MONTHS, {"like": like, "unlike": table[:, 2]}, 2000, seed=1).sharpe_gain
    assert of["like"].high - of["like"].low < 0.3 * (of["unlike"].high - of["unlike"].low)


def test_the_same_seed_gives_the_same_intervals_and_another_seed_others(table):
    first, again, other = (bootstrap(table[:, 0], MONTHS, {}, 300, seed) for seed in (1, 1, 2))
    assert first == again
    assert first.sharpe != other.sharpe


def test_nine_in_ten_intervals_hold_the_true_sharpe_ratio():
    random = np.random.default_rng(8)
    intervals = [
        bootstrap(random.normal(0.001, 0.01, DAYS), MONTHS, {}, 300, seed).sharpe for seed in range(150)
    ]
    held = np.mean([i.low <= 0.1 * math.sqrt(365) <= i.high for i in intervals])
    assert 0.80 <= held <= 0.97


def test_blocks_are_longer_where_days_resemble_their_neighbours():
    random = np.random.default_rng(9)
    shocks = random.normal(0, 1, 2000)
    slow = np.zeros(2000)
    for i in range(1, 2000):
        slow[i] = 0.8 * slow[i - 1] + shocks[i]
    assert block_length(shocks) < 6 < 15 < block_length(slow) < 60
    assert block_length(np.zeros(100)) == 1.0
