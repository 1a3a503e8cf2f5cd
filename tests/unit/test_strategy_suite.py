"""One thing changed at a time, and nothing else."""

import json

import numpy as np
import pytest

from config import research, trading
from trading.backtest.contest import shut
from trading.backtest.matching import Bar
from trading.backtest.step import Inputs
from trading.evaluation.strategy import Variant, configurations, costs, delayed, looks, thresholds
from trading.ledger.performance import Metrics
from trading.models.protocol import nothing
from trading.portfolio import Market
from trading.records import table

CONFIG = trading.load("mission")


def test_costs_move_fees_and_slippage_and_no_rule():
    free, harder, twice = costs(CONFIG).values()
    assert (free.fees.taker_ppm, harder.fees.taker_ppm, twice.fees.taker_ppm) == (0, 6_000, 8_000)
    assert free.execution.slippage_min == 0.0
    assert harder.execution.impact == 1.5 * CONFIG.execution.impact
    assert {of.strategy for of in (free, harder, twice)} == {CONFIG.strategy}


def test_each_threshold_moves_alone_and_confidence_by_its_distance_from_a_half():
    moved = thresholds(CONFIG)
    assert moved["confidence -20%"].strategy.p24_enter == pytest.approx(0.54)
    assert moved["confidence +20%"].strategy.p4_enter == pytest.approx(0.476)
    assert moved["edge wanted +20%"].strategy.edge_min == pytest.approx(0.0012)
    for config in moved.values():
        assert config._replace(strategy=CONFIG.strategy) == CONFIG
    changed = [
        {
            name
            for name in CONFIG.strategy._fields
            if getattr(config.strategy, name) != getattr(CONFIG.strategy, name)
        }
        for config in moved.values()
    ]
    assert changed[:4] == changed[4:]
    assert sum(len(names) for names in changed[:4]) == len(set.union(*changed[:4])) == 8


def test_a_delayed_prediction_is_that_of_the_hour_before():
    said = nothing(480_000, 3, 2)
    late = delayed(said)
    assert late.first == 480_001
    assert late.p24 is said.p24


def test_only_what_could_have_been_chosen_is_a_configuration():
    none = Metrics(*[0.0] * 9, 0, 0.0)
    kinds = ("cost", "delay", "threshold", "without")
    variants = [Variant(kind, kind, none, np.full(5, float(i))) for i, kind in enumerate(kinds)]
    assert configurations(np.full(5, 9.0), variants)[0].tolist() == [9.0, 2.0, 3.0]


def test_every_look_of_research_is_a_trial_of_its_own():
    looked = [json.dumps(one, sort_keys=True) for one in research.looks()]
    assert len(looked) == len(set(looked)) == 38
    assert all(one["suite"] == "research" and one["to"] < "2025" for one in research.looks())


def test_a_shut_bar_fills_nothing_and_an_hour_draws_the_same_bars_in_any_block():
    rows, columns = 400, 5
    market, bars = table(Market, rows), table(Bar, rows, columns)
    market["hour"], bars["traded"] = np.arange(rows) + 470_000, 1
    whole = np.asarray(shut(Inputs(market, [], bars), 0.2).bars)["traded"]
    part = np.asarray(shut(Inputs(market[100:200], [], bars[100:200]), 0.2).bars)["traded"]
    assert np.array_equal(part, whole[100:200])
    assert 1.0 - whole.mean() == pytest.approx(0.2, abs=0.03)
    assert bars["traded"].all()


def test_runs_that_began_later_stood_in_cash_before():
    none = Metrics(*[0.0] * 9, 0, 0.0)
    late = Variant("start", "late", none, np.ones(3))
    assert looks([np.full(5, 2.0)], [late]).T.tolist() == [[2.0] * 5, [0.0, 0.0, 1.0, 1.0, 1.0]]
