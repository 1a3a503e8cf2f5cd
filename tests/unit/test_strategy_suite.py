"""One thing changed at a time, and nothing else."""

import numpy as np
import pytest

from config import trading
from trading.evaluation.strategy import Variant, configurations, costs, delayed, thresholds
from trading.ledger.performance import Metrics
from trading.models.protocol import nothing

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
