"""Triggers that only a live hour can see, and the clean hours of all of them."""

import math
from typing import Any

import pytest

from config.trading import live_rules, load
from trading.codes import BTC_MOVE, DATA_INTEGRITY, TRIGGERS
from trading.risk.live_triggers import (
    API_INSTABILITY,
    CLOCK_SKEW,
    SPREAD_ANOMALY,
    VENUE_DIVERGENCE,
    VOLATILITY,
    Conditions,
    live_triggers,
    most_within,
    names_of,
    pass_hour,
)

RULES, SWITCH = live_rules(), load().kill_switch
CALM = Conditions((), latency_s=0.4, spread=0.001, spread_median=0.001, divergence=0.002, skew_s=0.5)


@pytest.mark.parametrize(
    ("changes", "fired"),
    [
        ({}, []),
        ({"failed_at_s": (0, 300)}, []),
        ({"failed_at_s": (0, 300, 600)}, [API_INSTABILITY]),
        ({"failed_at_s": (0, 300, 601)}, []),
        ({"latency_s": 5.0}, []),
        ({"latency_s": 5.1}, [API_INSTABILITY]),
        ({"latency_s": math.nan}, [API_INSTABILITY]),
        ({"spread": 0.003}, []),
        ({"spread": 0.0031}, [SPREAD_ANOMALY]),
        ({"spread": 0.0061, "spread_median": 0.004}, [SPREAD_ANOMALY]),
        ({"spread": 0.006, "spread_median": 0.004}, []),
        ({"spread": math.nan}, [SPREAD_ANOMALY]),
        ({"spread_median": math.nan}, [SPREAD_ANOMALY]),
        ({"divergence": 0.01}, []),
        ({"divergence": 0.0101}, [VENUE_DIVERGENCE]),
        ({"divergence": math.nan}, [VENUE_DIVERGENCE]),
        ({"skew_s": 5.0}, []),
        ({"skew_s": 5.1}, [CLOCK_SKEW]),
        ({"skew_s": math.nan}, [CLOCK_SKEW]),
    ],
)
def test_each_trigger_fires_beyond_its_threshold(changes: dict[str, Any], fired: list[str]) -> None:
    assert live_triggers(CALM._replace(**changes), RULES) == fired


def test_failures_are_counted_in_the_window_that_holds_most() -> None:
    assert most_within([], 10) == 0
    assert most_within([0, 1, 20, 25, 29, 30, 50], 10) == 4


def test_the_triggers_of_bars_go_by_the_names_of_their_bits() -> None:
    assert names_of(0) == []
    assert names_of(BTC_MOVE | DATA_INTEGRITY) == [TRIGGERS[0], TRIGGERS[2]]


def test_each_trigger_clears_by_itself_after_its_clean_hours() -> None:
    left = pass_hour([SPREAD_ANOMALY, VOLATILITY], {}, SWITCH)
    assert left == {SPREAD_ANOMALY: 6, VOLATILITY: 24}
    for _ in range(5):
        left = pass_hour([], left, SWITCH)
    assert left == {SPREAD_ANOMALY: 1, VOLATILITY: 19}
    assert pass_hour([], left, SWITCH) == {VOLATILITY: 18}
    assert pass_hour([SPREAD_ANOMALY], left, SWITCH) == {SPREAD_ANOMALY: 6, VOLATILITY: 18}
