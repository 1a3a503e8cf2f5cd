"""Tiers at exact percentages, the latch, the review, and flows that are no drawdown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core import CONFIG, EQUITY, HOUR, account, desk, market
from trading.hour import observe
from trading.portfolio import Account
from trading.risk.drawdown import HALT_TIER, flow, guard, is_down, resume, size_ppm, tier_of, trip

LIMITS = CONFIG.limits
PEAK = 1_000_003
"""A peak that no percentage of divides."""


def tier_at(equity: int, tier: int = 0, peak: int = EQUITY) -> int:
    return tier_of(equity, peak, tier, LIMITS)


@pytest.mark.parametrize(("percent", "tier"), [(10, 1), (15, 2), (20, 3)])
def test_a_tier_begins_exactly_at_its_percentage(percent: int, tier: int):
    bound = EQUITY * (100 - percent) // 100
    assert tier_at(bound) == tier
    assert tier_at(bound + 1) == tier - 1


@pytest.mark.parametrize(("percent", "tier"), [(10, 1), (15, 2), (20, 3)])
def test_no_rounding_decides_about_a_tier(percent: int, tier: int):
    below = PEAK * (100 - percent) // 100
    assert below * 100 < PEAK * (100 - percent), "the bound lies between two integers"
    assert tier_at(below, peak=PEAK) == tier
    assert tier_at(below + 1, peak=PEAK) == tier - 1


@pytest.mark.parametrize(("tier", "ends"), [(1, 8), (2, 13)])
def test_a_tier_ends_two_points_lower(tier: int, ends: int):
    bound = EQUITY * (100 - ends) // 100
    assert tier_at(bound, tier) == tier
    assert tier_at(bound + 1, tier) == tier - 1


def test_a_recovery_through_both_tiers_ends_both():
    assert tier_at(EQUITY * 87 // 100 + 1, 2) == 1
    assert tier_at(EQUITY * 92 // 100 + 1, 2) == 0


def test_the_last_tier_ends_by_no_recovery():
    assert tier_at(2 * EQUITY, HALT_TIER) == HALT_TIER


def test_sizes_halve_with_each_tier():
    assert [size_ppm(tier, LIMITS) for tier in range(4)] == [1_000_000, 500_000, 250_000, 250_000]


def test_the_largest_amounts_compare_without_overflow():
    most = 1 << 55
    assert is_down(most * 4 // 5, most, 20)
    assert 100 * most < 1 << 63


def guarded(equity: int, one: Account, hour: int = HOUR, review_after_h: int = 0) -> Account:
    one.equity = equity
    guard(hour, review_after_h, LIMITS, one)
    return one


def test_twenty_percent_latches_a_halt_that_no_recovery_lifts():
    one = guarded(EQUITY * 80 // 100, account())
    assert (one.halted, one.tier, one.halt_hour, one.halt_epoch) == (1, HALT_TIER, HOUR, 1)
    guarded(3 * EQUITY, one, HOUR + 5_000)
    assert (one.halted, one.tier, one.halt_hour, one.halt_epoch) == (1, HALT_TIER, HOUR, 1)


def test_a_review_starts_the_risk_peak_anew_and_leaves_the_lifetime_peak():
    one = guarded(EQUITY * 80 // 100, account())
    guarded(EQUITY * 70 // 100, one, HOUR + 47, review_after_h=48)
    assert one.halted == 1
    guarded(EQUITY * 70 // 100, one, HOUR + 48, review_after_h=48)
    assert (one.halted, one.tier, one.halt_epoch) == (0, 0, 2)
    assert one.peak == EQUITY * 70 // 100
    assert one.lifetime_peak == EQUITY


def test_after_a_review_twenty_percent_of_the_new_peak_halts_again():
    one = account(halted=1, tier=HALT_TIER, halt_epoch=1, equity=1_000_000, peak=2_000_000)
    one.lifetime_peak = 2_000_000
    resume(one)
    assert guarded(800_001, one).halted == 0
    assert guarded(800_000, one).halted == 1
    assert one.halt_epoch == 3


def test_a_second_trip_keeps_the_hour_and_epoch_of_the_first():
    one = account()
    trip(HOUR, one)
    trip(HOUR + 9, one)
    assert (one.halted, one.halt_hour, one.halt_epoch) == (1, HOUR, 1)


def test_new_highs_raise_both_peaks():
    one = guarded(EQUITY + 5, account())
    assert (one.peak, one.lifetime_peak) == (EQUITY + 5, EQUITY + 5)


def test_a_deposit_buys_units_and_hides_no_loss():
    one = account(equity=EQUITY * 9 // 10, cash=EQUITY)
    flow(EQUITY, one)
    assert one.equity == EQUITY * 19 // 10
    assert one.cash == 2 * EQUITY
    assert one.peak == one.lifetime_peak == -(-EQUITY * 19 // 9)
    assert one.units == EQUITY * 19 // 9
    assert is_down(one.equity, one.peak, 10)


def test_a_withdrawal_is_no_loss():
    one = account()
    flow(-EQUITY // 2, one)
    assert (one.equity, one.cash, one.peak, one.units) == (EQUITY // 2,) * 4
    guard(HOUR, 0, LIMITS, one)
    assert (one.tier, one.halted) == (0, 0)


@pytest.mark.parametrize(
    ("amount", "cash"),
    [(-EQUITY // 2, EQUITY // 2 - 1), (-EQUITY, EQUITY), (-2 * EQUITY, EQUITY), (0, EQUITY)],
)
def test_what_cannot_be_withdrawn_books_nothing(amount: int, cash: int):
    one = account(cash=cash)
    flow(amount, one)
    assert (one.equity, one.cash, one.peak, one.units) == (EQUITY, cash, EQUITY, EQUITY)


AMOUNTS = st.integers(1_000_000, 1 << 54)


@given(peak=AMOUNTS, permille=st.integers(1, 1_000), after=AMOUNTS, percent=st.sampled_from([10, 15, 20]))
def test_flows_change_the_drawdown_by_rounding_at_most(peak: int, permille: int, after: int, percent: int):
    equity = max(peak * permille // 1_000, 1)
    one = account(equity=equity, cash=1 << 60, peak=peak, lifetime_peak=peak)
    if peak * after // equity >= 1 << 61:
        return
    flow(after - equity, one)
    exact = peak * one.equity
    assert 0 <= one.peak * equity - exact < equity, "rounded up to the next unit"
    assert one.lifetime_peak == one.peak
    if is_down(equity, peak, percent):
        assert is_down(one.equity, one.peak, percent), "a flow cannot end a drawdown"


@given(st.lists(st.integers(-400, 400), max_size=30))
def test_any_sequence_of_flows_without_a_market_move_never_trips(flows: list[int]):
    one = account()
    for share in flows:
        flow(one.equity * share // 1_000, one)
        guard(HOUR, 0, LIMITS, one)
    assert (one.tier, one.halted) == (0, 0)


def test_a_flow_is_booked_at_the_mark_of_its_hour():
    one = desk(market=market(flow=EQUITY))
    one.hold(0, 100_000)
    one.readings[0].close = 5_000
    observe(one.view, one.state, one.config, one.mandate, one.terms)
    marked = EQUITY - 100_000 * 5_000
    assert one.state.account.equity == marked + EQUITY
    assert one.state.account.peak == -(-EQUITY * (marked + EQUITY) // marked)
    assert one.state.account.units == EQUITY * (marked + EQUITY) // marked
