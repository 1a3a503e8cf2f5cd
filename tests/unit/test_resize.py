"""Fresh capital may shrink an approved buy, never grow it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core import CONFIG, TERMS
from trading.execution.planning import Capital, resize
from trading.sizing import below_minimum, worst_cost

LIMIT, LOTS = 10_000, 1_000
PLENTY = worst_cost(LOTS, LIMIT, CONFIG, TERMS)


def left(cash: int = PLENTY, equity: int = 100, decided: int = 100) -> int:
    return resize(LOTS, LIMIT, Capital(cash, equity, decided), CONFIG, TERMS)


def test_enough_capital_leaves_the_order_as_approved() -> None:
    assert left() == LOTS
    assert left(cash=10 * PLENTY, equity=200) == LOTS


def test_a_smaller_portfolio_buys_in_proportion() -> None:
    assert left(equity=50) == pytest.approx(LOTS / 2, abs=1)


def test_what_the_hours_own_fills_cost_is_no_loss_of_capital() -> None:
    assert left(equity=9_901, decided=10_000) == LOTS
    assert left(equity=9_900, decided=10_000) == pytest.approx(LOTS * 0.99, abs=1)


def test_what_the_venue_would_find_too_small_is_not_sent() -> None:
    assert left(cash=400_000) == 0
    assert left(cash=0) == left(cash=-1) == left(equity=0) == left(equity=-5) == 0


@given(
    st.integers(10, 10**7),
    st.integers(-(10**9), 10**12),
    st.integers(-(10**9), 10**12),
    st.integers(1, 10**12),
)
def test_a_resized_order_is_affordable_and_no_larger(lots: int, cash: int, equity: int, decided: int) -> None:
    fits = resize(lots, LIMIT, Capital(cash, equity, decided), CONFIG, TERMS)
    assert 0 <= fits <= lots
    if fits:
        assert worst_cost(fits, LIMIT, CONFIG, TERMS) <= cash
        assert not below_minimum(fits, LIMIT, TERMS)
        assert (
            worst_cost(fits, LIMIT, CONFIG, TERMS) * decided
            <= worst_cost(lots, LIMIT, CONFIG, TERMS) * decided
        )
