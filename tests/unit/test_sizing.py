"""Prices and lots of an order on the grid; an entry costs at worst what it was given."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core import CONFIG, TERMS
from trading.costs import round_trip, slippage, slippage_ppm
from trading.portfolio import Terms, value_at
from trading.sizing import above, below, below_minimum, entry_limit, lots_to_buy, worst_ask, worst_cost

RULES = CONFIG.execution


def test_the_entry_limit_lies_five_basis_points_below_the_close_down_to_the_tick():
    assert entry_limit(10_000, RULES) == 9_995
    assert entry_limit(10_001, RULES) == 9_995
    assert entry_limit(2_000, RULES) == 1_999
    assert entry_limit(1, RULES) == 0


def test_the_worst_ask_is_half_a_percent_above_the_limit_down_to_the_tick():
    assert worst_ask(10_000, RULES) == 10_050
    assert worst_ask(9_995, RULES) == 10_044


def test_protective_prices_round_away_from_nothing():
    assert below(9_995, 0.08) == 9_195
    assert above(9_995, 0.14) == 11_395
    assert below(9_995, 0.0) == above(9_995, 0.0) == 0


def test_the_worst_cost_is_the_worst_ask_and_the_takers_fee():
    assert worst_cost(1_000, 10_000, CONFIG, TERMS) == 10_050_000 + 40_200


TERMS_DRAWN = st.builds(
    Terms,
    multiplier=st.integers(1, 1_000),
    divisor=st.integers(1, 10_000),
    order_min_lots=st.just(1),
    cost_min=st.just(0),
)


@settings(max_examples=500)
@given(
    value=st.integers(0, 5_000) | st.integers(0, 1 << 50), limit=st.integers(0, 10_000_000), terms=TERMS_DRAWN
)
def test_lots_to_buy_is_the_most_that_fits(value: int, limit: int, terms: Terms):
    lots = lots_to_buy(value, limit, CONFIG, terms)
    assert lots >= 0
    if limit == 0:
        assert lots == 0
        return
    assert lots == 0 or worst_cost(lots, limit, CONFIG, terms) <= value
    # Rounding the value net of fees may leave out what less than one unit of money buys.
    spare = value_at(worst_ask(limit, RULES), lots + 1, terms) + 2
    assert spare + spare * 4_000 // 1_000_000 + 2 > value


def test_below_the_smallest_quantity_or_value_is_too_small():
    assert below_minimum(9, 1_000_000, TERMS)
    assert not below_minimum(10, 1_000_000, TERMS)
    assert below_minimum(49, 10_000, TERMS)
    assert not below_minimum(50, 10_000, TERMS)


def test_slippage_is_the_largest_of_floor_volatility_and_impact():
    assert slippage(0.001, 0.04, 0, 0, RULES) == 0.0005
    assert slippage(0.02, 0.04, 0, 0, RULES) == pytest.approx(0.002)
    assert slippage(0.001, 0.04, 1, 400, RULES) == pytest.approx(0.04 / 20)
    assert slippage(float("nan"), float("nan"), 1, 400, RULES) == 0.0005


def test_impact_is_that_of_the_whole_day_at_most():
    assert slippage(0.001, 0.04, 500, 400, RULES) == pytest.approx(0.04)
    assert slippage(0.001, 0.04, 500, 0, RULES) == pytest.approx(0.04)


def test_slippage_in_parts_per_million_rounds_up_and_ends_at_half_the_price():
    assert slippage_ppm(0.001, 0.04, 0, 0, RULES) == 500
    assert slippage_ppm(0.0123456, 0.0, 0, 0, RULES) == 1_235
    assert slippage_ppm(0.001, 9.0, 500, 0, RULES) == 500_000


def test_a_round_trip_pays_an_entry_by_limit_and_an_exit_by_market():
    fees = CONFIG.fees._replace(maker_ppm=4_000, taker_ppm=8_000)
    assert round_trip(fees, 0.001, 0.0005) == pytest.approx(0.004 + 0.008 + 0.001 + 0.001)
