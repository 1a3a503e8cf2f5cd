"""Triggers that block entries, and how many clean hours end them."""

import math
from typing import Any

import pytest

from tests.core import CONFIG, account, market
from trading.codes import BTC_MOVE, BTC_VOLATILITY, DATA_INTEGRITY
from trading.risk.kill_switch import triggers, watch

SWITCH = CONFIG.kill_switch
NAN = math.nan


@pytest.mark.parametrize(
    ("changes", "fired"),
    [
        ({}, 0),
        ({"btc_return": -0.05, "btc_sigma_1h": 0.02}, 0),
        ({"btc_return": -0.0501, "btc_sigma_1h": 0.02}, BTC_MOVE),
        ({"btc_return": 0.0501, "btc_sigma_1h": 0.02}, 0),
        ({"btc_return": 0.0301, "btc_sigma_1h": 0.005}, BTC_MOVE),
        ({"btc_return": -0.0301, "btc_sigma_1h": 0.005}, BTC_MOVE),
        ({"btc_return": 0.0299, "btc_sigma_1h": 0.005}, 0),
        ({"btc_return": 0.01, "btc_sigma_1h": 0.0}, 0),
        ({"btc_return": -0.06, "btc_sigma_1h": NAN}, BTC_MOVE),
        ({"btc_return": NAN}, 0),
        ({"btc_volatility_percentile": 0.995}, 0),
        ({"btc_volatility_percentile": 0.9951}, BTC_VOLATILITY),
        ({"btc_volatility_percentile": NAN}, 0),
        ({"refused": 1}, DATA_INTEGRITY),
        (
            {"refused": 1, "btc_return": -0.2, "btc_volatility_percentile": 1.0},
            BTC_MOVE | BTC_VOLATILITY | DATA_INTEGRITY,
        ),
    ],
)
def test_each_trigger_fires_beyond_its_threshold(changes: dict[str, Any], fired: int):
    assert triggers(market(**changes), SWITCH) == fired


@pytest.mark.parametrize(
    ("changes", "field", "hours"),
    [
        ({"btc_return": -0.2}, "move_clear_h", 6),
        ({"btc_volatility_percentile": 1.0}, "volatility_clear_h", 24),
        ({"refused": 1}, "data_clear_h", 6),
    ],
)
def test_a_trigger_clears_after_its_clean_hours(changes: dict[str, Any], field: str, hours: int):
    one = account()
    assert watch(market(**changes), SWITCH, one) != 0
    for _ in range(hours - 1):
        assert watch(market(), SWITCH, one) == 0
        assert getattr(one, field) > 0
    watch(market(), SWITCH, one)
    assert getattr(one, field) == 0
    watch(market(), SWITCH, one)
    assert getattr(one, field) == 0


def test_a_trigger_that_fires_again_starts_its_clean_hours_anew():
    one = account()
    watch(market(refused=1), SWITCH, one)
    for _ in range(5):
        watch(market(), SWITCH, one)
    watch(market(refused=1), SWITCH, one)
    assert one.data_clear_h == 6


def test_the_triggers_clear_each_by_itself():
    one = account()
    watch(market(refused=1, btc_return=-0.2, btc_volatility_percentile=1.0), SWITCH, one)
    for _ in range(6):
        watch(market(), SWITCH, one)
    assert (one.move_clear_h, one.data_clear_h, one.volatility_clear_h) == (0, 0, 18)
