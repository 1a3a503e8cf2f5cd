"""Integer money against unbounded integers and exact fractions, compiled and plain."""

from collections.abc import Callable
from fractions import Fraction
from math import ceil, floor

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from trading import money
from trading.compiled import compiled

LIMIT = 1 << 62

operands = st.one_of(
    st.integers(min_value=0, max_value=LIMIT - 1),
    st.integers(min_value=0, max_value=1000),
    st.integers(min_value=0, max_value=61).map(lambda bit: 1 << bit),
    st.integers(min_value=0, max_value=1000).map(lambda distance: LIMIT - 1 - distance),
)
divisors = operands.filter(bool)
values = st.integers(min_value=0, max_value=1 << 55)
ppms = st.integers(min_value=0, max_value=2_000_000)


def both(function: Callable[..., int], *arguments: int) -> int:
    """The result, once it is the same compiled and plain."""
    plain = function(*arguments)
    assert compiled(function)(*arguments) == plain
    return plain


def half_up(value: Fraction) -> int:
    return floor(value + Fraction(1, 2))


@given(operands, operands, divisors)
@example(LIMIT - 1, LIMIT - 1, LIMIT - 1)
@example(LIMIT - 1, LIMIT - 2, LIMIT - 1)
@example(3, 1 << 61, 2)
def test_muldiv_is_the_exact_quotient_rounded_to_its_name(a: int, b: int, c: int) -> None:
    assume(a * b // c < LIMIT - 1)
    assert both(money.muldiv_floor, a, b, c) == floor(Fraction(a * b, c))
    assert both(money.muldiv_ceil, a, b, c) == ceil(Fraction(a * b, c))


@given(st.integers(min_value=1 << 40, max_value=LIMIT - 1), st.data())
def test_muldiv_rescales_a_peak_by_equity_after_over_before(peak: int, data: st.DataObject) -> None:
    before = data.draw(st.integers(min_value=1 << 30, max_value=LIMIT - 1))
    after = data.draw(st.integers(min_value=0, max_value=min(LIMIT - 1, (LIMIT - 2) * before // peak)))
    rescaled = both(money.muldiv_ceil, peak, after, before)
    assert (rescaled - 1) * before < peak * after <= rescaled * before or peak * after == rescaled == 0


@given(st.integers(min_value=0, max_value=LIMIT), ppms)
def test_a_share_is_rounded_down_and_never_more_than_asked(amount: int, ppm: int) -> None:
    assume(amount * ppm // money.PPM < LIMIT)
    assert both(money.share, amount, ppm) == amount * ppm // money.PPM


@given(st.integers(min_value=0, max_value=1 << 61), st.integers(min_value=1, max_value=1 << 60))
def test_halves_go_up(numerator: int, denominator: int) -> None:
    assert both(money.half_up, numerator, denominator) == half_up(Fraction(numerator, denominator))


@pytest.mark.parametrize(("numerator", "expected"), [(0, 0), (4, 0), (5, 1), (14, 1), (15, 2), (25, 3)])
def test_halves_go_up_by_hand(numerator: int, expected: int) -> None:
    assert both(money.half_up, numerator, 10) == expected


@given(
    st.integers(min_value=0, max_value=1 << 24),
    st.integers(min_value=0, max_value=1 << 26),
    st.integers(min_value=1, max_value=1000),
    st.sampled_from([1, 2, 10, 10**4, 10**8]),
)
def test_a_trade_is_worth_ticks_times_lots_half_up(
    ticks: int, lots: int, multiplier: int, divisor: int
) -> None:
    exact = Fraction(ticks * lots * multiplier, divisor)
    assert both(money.trade_value, ticks, lots, multiplier, divisor) == half_up(exact)


@given(values, st.integers(min_value=0, max_value=100_000))
def test_a_fee_is_its_exact_part_of_the_value_half_up(value: int, fee_ppm: int) -> None:
    assert both(money.fee, value, fee_ppm) == half_up(Fraction(value * fee_ppm, money.PPM))


@given(values, values, st.integers(min_value=0, max_value=10_000))
def test_splitting_a_fill_moves_the_fee_by_at_most_one_unit(one: int, other: int, fee_ppm: int) -> None:
    apart = money.fee(one, fee_ppm) + money.fee(other, fee_ppm)
    assert abs(apart - money.fee(one + other, fee_ppm)) <= 1
