"""Each pre-trade control: what it leaves of a purchase, and that it says so."""

import pytest

from tests.core import CONFIG, EQUITY, Desk, account, desk, market, reading
from trading.codes import HALTED, KILL_SWITCH, STALE, UNRECONCILED
from trading.risk.controls import (
    allowed,
    beta_room,
    blocked,
    entry_exposure_ppm,
    hard_exposure_ppm,
    open_totals,
    positions_max,
    spend,
)

PERCENT = EQUITY // 100


def ask(one: Desk, cost: int, a: int = 0, rules_only: int = 0) -> int:
    """What the controls leave of a purchase in instrument `a` beside what is held."""
    one.intent(a).breach = 0
    return allowed(
        cost,
        one.state.account,
        one.readings[a],
        one.state.positions[a],
        one.config.limits,
        rules_only,
        one.terms[a],
        one.decision,
        one.intent(a),
    )


def opened(one: Desk) -> Desk:
    open_totals(one.view, one.state, one.terms, one.decision)
    return one


def crowd(held: int, lots: int, cluster: bool = False) -> Desk:
    """`held` positions of `lots` each beside one instrument, the last, that is not held."""
    one = desk(*(reading(cluster=0 if cluster else a) for a in range(held + 1)))
    for a in range(held):
        one.hold(a, lots)
    return opened(one)


def test_a_small_purchase_in_an_empty_portfolio_passes_whole():
    one = crowd(0, 0)
    assert ask(one, 2 * PERCENT) == 2 * PERCENT
    assert one.breaches() == set()


def test_a_name_may_hold_three_percent_of_equity():
    one = crowd(0, 0)
    assert ask(one, 3 * PERCENT) == 3 * PERCENT
    assert one.breaches() == set()
    assert ask(one, 3 * PERCENT + 1) == 3 * PERCENT
    assert one.breaches() == {"NAME"}


def test_what_is_held_of_a_name_counts():
    one = desk()
    one.hold(0, 20_000)
    assert ask(opened(one), 2 * PERCENT) == PERCENT
    assert one.breaches() == {"NAME"}


def test_entries_fill_nineteen_percent_of_equity():
    one = crowd(9, 20_000)
    assert ask(one, 2 * PERCENT, 9) == PERCENT
    assert one.breaches(9) == {"EXPOSURE"}


def test_an_eleventh_name_is_refused_but_more_of_a_held_one_is_not():
    one = crowd(10, 10_000)
    assert ask(one, PERCENT, 10) == 0
    assert one.breaches(10) == {"POSITIONS"}
    assert ask(one, PERCENT, 9) == PERCENT
    assert one.breaches(9) == set()


def test_a_tenth_name_is_welcome():
    assert ask(crowd(9, 10_000), PERCENT, 9) == PERCENT


def test_a_cluster_holds_a_tenth_of_equity():
    one = crowd(4, 24_000, cluster=True)
    assert ask(one, PERCENT, 4) == EQUITY // 10 - 4 * 24_000 * 10_000
    assert one.breaches(4) == {"CLUSTER"}


def test_a_cluster_holds_five_names():
    one = crowd(5, 1_000, cluster=True)
    assert ask(one, PERCENT, 5) == 0
    assert one.breaches(5) == {"CLUSTER", "CLUSTER_POSITIONS"}
    assert ask(one, PERCENT, 4) == PERCENT, "more of a name that is in the cluster"
    four = crowd(4, 1_000, cluster=True)
    assert ask(four, PERCENT, 4) == PERCENT


def test_the_beta_of_the_portfolio_is_capped():
    one = crowd(5, 20_000)
    for one_reading in one.readings:
        one_reading.beta_ppm = 2_000_000
    opened(one)
    assert ask(one, 2 * PERCENT, 5) == PERCENT, "22 % less 5 * 2 % * 2, over 2"
    assert one.breaches(5) == {"BETA"}


def test_a_purchase_of_no_or_negative_beta_needs_no_room():
    assert beta_room(-5, 100, 0) == 100
    assert beta_room(0, 100, -1_000_000) == 100
    assert beta_room(0, 100, 1_000_000) == 0
    assert beta_room(-1, 100, 1_000_000) == 0
    assert beta_room(50, 100, 2_000_000) == 25


def test_a_tiny_beta_fits_without_a_product_that_would_overflow():
    assert beta_room(1 << 54, 1 << 50, 1) == 1 << 50


def test_an_entry_of_negative_beta_makes_no_room_before_it_fills():
    one = desk(reading(beta_ppm=-1_000_000), reading())
    opened(one)
    spend(PERCENT, 1, one.readings[0], one.decision)
    assert one.decision.totals.beta_exposure == 0
    one.hold(0, 10_000)
    opened(one)
    assert one.decision.totals.beta_exposure == -PERCENT, "what is held counts as it is"


def test_an_entry_is_at_most_a_hundredth_of_a_day_of_trading():
    one = opened(desk(reading(notional_24h=5_000_000_000)))
    assert ask(one, PERCENT) == 50_000_000
    assert one.breaches() == {"VOLUME"}


def test_cash_bounds_a_purchase():
    one = crowd(0, 0)
    one.decision.totals.cash = 12_345
    assert ask(one, PERCENT) == 12_345
    assert one.breaches() == {"CASH"}


def test_a_mandate_of_portfolio_rules_minds_exposure_positions_and_cash_alone():
    one = opened(desk(reading(notional_24h=0, beta_ppm=90_000_000)))
    assert ask(one, 15 * PERCENT, rules_only=1) == 15 * PERCENT
    assert ask(one, 25 * PERCENT, rules_only=1) == 19 * PERCENT
    assert one.breaches() == {"EXPOSURE"}


def test_what_was_granted_is_gone_for_the_next_one():
    one = crowd(1, 20_000)
    spend(3 * PERCENT, 1, one.readings[1], one.decision)
    totals = one.decision.totals
    assert (totals.exposure, totals.positions) == (5 * PERCENT, 2)
    assert totals.cash == EQUITY - 5 * PERCENT
    assert totals.beta_exposure == 5 * PERCENT
    assert (one.decision.clusters[1].value, one.decision.clusters[1].positions) == (3 * PERCENT, 1)


@pytest.mark.parametrize(
    ("tier", "hard", "entry", "names"),
    [(0, 200_000, 190_000, 10), (1, 200_000, 190_000, 10), (2, 100_000, 90_000, 5), (3, 100_000, 90_000, 5)],
)
def test_the_second_tier_halves_exposure_and_names(tier: int, hard: int, entry: int, names: int):
    limits = CONFIG.limits
    assert hard_exposure_ppm(tier, limits) == hard
    assert entry_exposure_ppm(tier, limits) == entry
    assert positions_max(tier, limits) == names


@pytest.mark.parametrize(
    ("changes", "mask"),
    [
        ({"halted": 1}, HALTED),
        ({"move_clear_h": 1}, KILL_SWITCH),
        ({"volatility_clear_h": 1}, KILL_SWITCH),
        ({"data_clear_h": 1}, KILL_SWITCH),
        ({"unreconciled": 1}, UNRECONCILED),
        ({"halted": 1, "unreconciled": 1}, HALTED | UNRECONCILED),
        ({"tier": 3}, 0),
    ],
)
def test_each_state_that_keeps_entries_out_is_named(changes: dict[str, int], mask: int):
    assert blocked(desk().view, account(**changes)) == mask


def test_a_refused_window_keeps_entries_out():
    assert blocked(desk(market=market(refused=1)).view, account()) == STALE
