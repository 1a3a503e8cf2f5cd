"""What opens and shuts each gate, what ends a position, and how large a wish is."""

import math
from typing import Any

import pytest

from tests.core import CONFIG, EQUITY, HOUR, PRICE, Desk, desk, market, reading, signal
from trading.codes import (
    ADD,
    BUCKET,
    COOLDOWN,
    CRASH_RISK,
    DENIED,
    DISSIMILAR,
    ENTER,
    EXIT,
    EXPECTED_RETURN,
    EXPIRED,
    HOLD,
    HOLDING,
    LOW_P4,
    LOW_PROBABILITY,
    LOW_RETURN,
    NO_PREDICTION,
    NO_SIGNAL,
    NOT_ELIGIBLE,
    REBALANCE,
    REVERSAL,
    SIGNAL,
    SIGNAL_ENDED,
    SILENT,
    TAKE_PROFIT,
    TIME,
    TRAILING,
    TRIM,
    UNUSABLE,
    VETOED,
)
from trading.hour import SIGNALS, Mandate
from trading.policies.benchmarks import CHANNEL, HOLD_WEIGHT, TREND
from trading.portfolio import Position
from trading.strategy import RANK_UNKNOWN, clip, cost_of, entry_gate, exit_reason

NAN = math.nan
COST = 0.004 + 0.004 + 0.0005 + 2 * 0.0005
"""Two fees, the spread and two slippages of the calm reading."""


def gate(at: dict[str, Any] | None = None, cooldown: int = 0, **changes: Any) -> int:
    position = desk().state.positions[0]
    position.cooldown = cooldown
    return entry_gate(market(**(at or {})), reading(**changes), position, EQUITY, CONFIG)


def test_every_gate_is_open_for_a_strong_prediction_in_a_calm_market():
    assert gate() == EXPECTED_RETURN


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"eligible": 0}, NOT_ELIGIBLE),
        ({"usable": 0}, UNUSABLE),
        ({"close": 0}, UNUSABLE),
        ({"sigma_24": NAN}, UNUSABLE),
        ({"sigma_24": 0.0}, UNUSABLE),
        ({"p24": NAN}, NO_PREDICTION),
        ({"e24": NAN}, NO_PREDICTION),
        ({"e_hold": NAN}, NO_PREDICTION),
        ({"p24": 0.5499}, LOW_PROBABILITY),
        ({"e_hold": COST + 0.0009}, LOW_RETURN),
        ({"spread": NAN}, LOW_RETURN),
        ({"p4": 0.4799}, LOW_P4),
        ({"p4": NAN}, LOW_P4),
        ({"veto": 1}, VETOED),
        ({"at": {"p_crash": 0.2001}}, CRASH_RISK),
        ({"at": {"p_crash": NAN}}, NO_PREDICTION),
        ({"at": {"p_high_volatility": NAN}}, NO_PREDICTION),
        ({"cooldown": HOUR + 1}, COOLDOWN),
    ],
)
def test_each_gate_shuts_on_its_own(changes: dict[str, Any], reason: int):
    assert gate(**changes) == reason


@pytest.mark.parametrize(
    "changes",
    [
        {"p24": 0.55},
        {"p4": 0.48},
        {"e_hold": COST + 0.0011},
        {"at": {"p_crash": 0.20}},
        {"cooldown": HOUR},
    ],
)
def test_a_value_on_its_threshold_passes(changes: dict[str, Any]):
    assert gate(**changes) == EXPECTED_RETURN


def test_an_expected_return_that_only_equals_cost_and_edge_is_not_enough():
    bound = cost_of(reading(), EQUITY, CONFIG) + CONFIG.strategy.edge_min
    assert gate(e_hold=bound) == LOW_RETURN
    assert gate(e_hold=math.nextafter(bound, 1.0)) == EXPECTED_RETURN


def test_the_first_shut_gate_is_the_one_that_is_named():
    shut = {"p24": 0.1, "p4": 0.1, "e_hold": 0.0, "veto": 1, "at": {"p_crash": 1.0}}
    assert gate(**shut, eligible=0, usable=0, cooldown=HOUR + 9) == NOT_ELIGIBLE
    assert gate(**shut, usable=0, cooldown=HOUR + 9) == UNUSABLE
    assert gate(**shut, cooldown=HOUR + 9) == COOLDOWN
    assert gate(**shut) == LOW_PROBABILITY
    assert gate(**(shut | {"p24": 0.9})) == LOW_RETURN


def test_the_cost_gate_counts_fees_a_spread_and_the_larger_slippage_twice():
    assert cost_of(reading(), EQUITY, CONFIG) == pytest.approx(COST)
    assert cost_of(reading(sigma_1h=0.02), EQUITY, CONFIG) == pytest.approx(COST + 2 * 0.0015)
    thin = reading(notional_24h=20_000_000_000)
    impact = 0.04 * math.sqrt(0.02 * EQUITY / 20_000_000_000)
    assert cost_of(thin, EQUITY, CONFIG) == pytest.approx(COST - 2 * 0.0005 + 2 * impact)


def test_a_wish_is_two_percent_at_the_reference_volatility_with_prices_fixed_from_the_limit():
    one = desk()
    one.decide()
    intent = one.intent()
    assert (intent.action, intent.reason) == (ENTER, EXPECTED_RETURN)
    assert intent.weight == pytest.approx(0.02)
    assert intent.rank == pytest.approx((0.05 - COST) / 0.04)
    assert intent.stop_distance == pytest.approx(0.08)
    assert intent.take_distance == pytest.approx(0.14)
    assert intent.trail_distance == pytest.approx(0.08)


@pytest.mark.parametrize(
    ("veto", "p_crash", "named"),
    [
        (0, 0.21, {"CRASH_RISK"}),
        (DISSIMILAR, 0.0, {"DISSIMILAR"}),
        (BUCKET, 0.0, {"BUCKET"}),
        (EXPIRED, 0.0, {"EXPIRED"}),
        (DISSIMILAR + BUCKET, 0.3, {"CRASH_RISK", "DISSIMILAR", "BUCKET"}),
    ],
)
def test_a_guard_of_the_release_denies_an_entry_by_name(veto: int, p_crash: float, named: set[str]):
    one = desk(reading(veto=veto), market=market(p_crash=p_crash))
    one.decide()
    assert one.intent().action == HOLD
    assert one.intent().verdict == DENIED
    assert one.breaches() == named
    assert one.orders[0].lots == 0


def test_guards_say_nothing_where_nobody_would_enter_and_never_hold_an_exit():
    idle = desk(reading(veto=BUCKET, p24=0.4))
    idle.decide()
    assert not idle.breaches()
    held = desk(reading(veto=DISSIMILAR + EXPIRED, close=PRICE * 2), market=market(p_crash=0.9))
    held.hold(0, 1_000, take=PRICE)
    held.decide()
    assert held.intent().action == EXIT
    assert held.orders[0].lots == -1_000
    assert not held.breaches()


@pytest.mark.parametrize(
    ("sigma", "p_high", "weight", "stop", "take"),
    [
        (0.08, 0.0, 0.01, 0.12, 0.28),
        (0.20, 0.0, 0.01, 0.12, 0.30),
        (0.01, 0.0, 0.03, 0.03, 4 * COST),
        (0.04, 1.0, 0.01, 0.08, 0.14),
        (0.04, 0.5, 0.015, 0.08, 0.14),
    ],
)
def test_size_and_distances_follow_volatility_within_bounds(
    sigma: float, p_high: float, weight: float, stop: float, take: float
):
    one = desk(reading(sigma_24=sigma), market=market(p_high_volatility=p_high))
    one.decide()
    intent = one.intent()
    assert (intent.weight, intent.stop_distance, intent.take_distance) == pytest.approx((weight, stop, take))


def held(**changes: int) -> Position:
    """A position of 48 hours, stop 8 % below, target 14 % above, trail 8 %."""
    position = desk().state.positions[0]
    position.lots, position.entry, position.peak, position.mark = 20_000, PRICE, PRICE, PRICE
    position.since, position.stop, position.take, position.trail = HOUR - 48, 9_200, 11_400, 800
    for name, value in changes.items():
        setattr(position, name, value)
    return position


def ends(position: Position, **changes: Any) -> int:
    return exit_reason(market(), reading(**changes), position, EQUITY, CONFIG)


def test_a_position_is_held_while_nothing_ends_it():
    assert ends(held()) == HOLDING


def test_the_target_is_taken_at_its_price_even_before_the_shortest_hold():
    young = held(since=HOUR - 1)
    assert ends(young, close=11_399) == HOLDING
    assert ends(young, close=11_400) == TAKE_PROFIT


def test_an_unknown_price_ends_nothing():
    assert ends(held(peak=12_000), close=0, p24=NAN, e24=NAN) == HOLDING


def test_a_trail_is_armed_only_once_the_peak_is_its_distance_above_the_entry():
    assert ends(held(peak=10_799), close=9_900) == HOLDING
    assert ends(held(peak=10_800), close=10_001) == HOLDING
    assert ends(held(peak=10_800), close=10_000) == TRAILING


def test_a_trail_waits_for_the_shortest_hold():
    assert ends(held(peak=10_800, since=HOUR - 23), close=9_900) == HOLDING
    assert ends(held(peak=10_800, since=HOUR - 24), close=9_900) == TRAILING


def test_three_hours_in_a_row_against_the_position_reverse_it():
    position = held()
    down: dict[str, Any] = {"e24": -0.001, "p24": 0.479}
    assert ends(position, **down) == HOLDING
    assert ends(position, **down) == HOLDING
    assert position.reversal == 2
    assert ends(position, **down) == REVERSAL


@pytest.mark.parametrize(
    "up", [{"e24": 0.0, "p24": 0.40}, {"e24": -0.01, "p24": 0.48}, {"e24": NAN, "p24": NAN}]
)
def test_one_hour_without_a_downward_prediction_starts_the_count_anew(up: dict[str, Any]):
    position = held(reversal=2)
    assert ends(position, **up) == HOLDING
    assert position.reversal == 0


def test_a_reversal_counts_from_the_first_hour_but_waits_for_the_shortest_hold():
    position = held(since=HOUR - 23, reversal=5)
    assert ends(position, e24=-0.01, p24=0.3) == HOLDING
    position.since -= 1
    assert ends(position, e24=-0.01, p24=0.3) == REVERSAL


def test_a_week_ends_a_position_whose_entry_condition_is_gone():
    assert ends(held(since=HOUR - 167), p24=0.5) == HOLDING
    assert ends(held(since=HOUR - 168), p24=0.5) == TIME


def test_a_position_that_would_be_entered_again_is_extended_once_to_a_fortnight():
    position = held(since=HOUR - 168)
    assert ends(position) == HOLDING
    assert position.extended == 1
    position.since = HOUR - 335
    assert ends(position, p24=0.5) == HOLDING, "once extended it needs no condition"
    position.since = HOUR - 336
    assert ends(position) == TIME


def test_three_silent_days_end_a_position_before_anything_else():
    assert ends(held(silent=71), close=11_400) == TAKE_PROFIT
    assert ends(held(silent=72), close=11_400) == SILENT


def test_a_holding_without_a_prediction_ranks_last():
    one = desk(reading(p24=NAN, e24=NAN))
    one.hold(0, 20_000)
    one.decide()
    assert (one.intent().action, one.intent().rank) == (HOLD, RANK_UNKNOWN)


def benchmark(kind: int, *readings: Any, rules_only: int = 0) -> Desk:
    return desk(*readings, mandate=Mandate(SIGNALS, kind, rules_only, 0))


def acted(one: Desk, acting: int = 1) -> tuple[int, int]:
    one.decide(acting)
    return one.intent().action, one.intent().reason


def test_a_trend_follower_enters_on_its_signal_and_takes_size_and_stop_from_it():
    one = benchmark(TREND)
    one.signals = [signal(enter=1, weight=0.02, stop=0.15, rank=3.0)]
    assert acted(one) == (ENTER, SIGNAL)
    intent = one.intent()
    assert (intent.weight, intent.stop_distance, intent.rank) == (0.02, 0.15, 3.0)
    assert one.orders[0].stop == int(one.orders[0].limit * 0.85)
    assert (one.orders[0].take, one.orders[0].trail) == (0, 0)


@pytest.mark.parametrize(("changes", "reason"), [({"eligible": 0}, NOT_ELIGIBLE), ({"usable": 0}, UNUSABLE)])
def test_a_trend_follower_minds_the_quality_of_the_bars(changes: dict[str, Any], reason: int):
    one = benchmark(TREND, reading(**changes))
    one.signals = [signal(enter=1, weight=0.02)]
    assert acted(one) == (HOLD, reason)


def test_between_its_hours_a_benchmark_only_lets_go_of_what_fell_silent():
    one = benchmark(TREND)
    one.signals = [signal(enter=1, leave=1, weight=0.02)]
    assert acted(one, acting=0) == (HOLD, NO_SIGNAL)
    position = one.hold(0, 20_000)
    assert acted(one, acting=0) == (HOLD, HOLDING)
    position.silent = 72
    assert acted(one, acting=0) == (EXIT, SILENT)


def test_a_trend_follower_leaves_when_the_signal_ends_or_the_peak_is_lost():
    one = benchmark(TREND)
    position = one.hold(0, 20_000, peak=11_000)
    one.signals = [signal(leave=1)]
    assert acted(one) == (EXIT, SIGNAL_ENDED)
    one.signals = [signal(trail=0.15)]
    one.readings[0].close = 9_350
    assert acted(one) == (HOLD, HOLDING)
    one.readings[0].close = 9_349
    assert acted(one) == (EXIT, TRAILING)
    one.signals = [signal(trail=0.0)]
    assert acted(one) == (HOLD, HOLDING), "no trail, no trailing exit"
    assert position.peak == 11_000


@pytest.mark.parametrize(
    ("lots", "action"),
    [(0, ENTER), (74_999, ADD), (75_000, HOLD), (125_000, HOLD), (125_001, TRIM)],
)
def test_a_constant_weight_is_traded_back_once_it_is_off_by_a_quarter(lots: int, action: int):
    one = benchmark(HOLD_WEIGHT, rules_only=1)
    if lots:
        one.hold(0, lots)
    one.signals = [signal(weight=0.10, rebalance=1)]
    expected = HOLDING if action == HOLD else REBALANCE
    assert acted(one) == (action, expected)


def test_a_weight_of_nothing_leaves_and_a_leave_signal_goes_before_a_rebalance():
    one = benchmark(HOLD_WEIGHT)
    one.hold(0, 20_000)
    one.signals = [signal(weight=0.0, rebalance=1)]
    assert acted(one) == (EXIT, SIGNAL_ENDED)
    one.signals = [signal(weight=0.5, rebalance=1, leave=1)]
    assert acted(one) == (EXIT, SIGNAL_ENDED)


def test_a_rebalance_buys_nothing_without_a_fresh_price():
    one = benchmark(HOLD_WEIGHT, reading(close=0))
    one.signals = [signal(weight=0.20, rebalance=1)]
    assert acted(one) == (HOLD, UNUSABLE)


def test_channel_systems_switch_one_by_one_and_share_the_weight():
    one = benchmark(CHANNEL, rules_only=1)
    one.signals = [signal(weight=0.18, channel_up=0b011)]
    assert acted(one) == (ENTER, REBALANCE)
    assert one.intent().weight == pytest.approx(0.12)
    one.signals = [signal(weight=0.18, channel_up=0b100, channel_down=0b001)]
    one.decide()
    assert one.state.positions[0].channel == 0b110
    assert one.intent().weight == pytest.approx(0.12)
    one.hold(0, 20_000)
    one.signals = [signal(weight=0.18, channel_down=0b111)]
    assert acted(one) == (EXIT, SIGNAL_ENDED)


def test_clip_takes_the_upper_bound_last_and_turns_the_unknown_into_the_lower():
    assert [clip(x, 1.0, 2.0) for x in (0.5, 1.5, 2.5, NAN)] == [1.0, 1.5, 2.0, 1.0]
    assert clip(0.0, 3.0, 2.0) == 2.0
