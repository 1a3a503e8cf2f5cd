"""The venue's grid: exact both ways, or refused."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading import money
from trading.compiled import compiled
from trading.errors import UsageError
from trading.instruments import UNITS, Instrument, amount, cash, check_magnitudes

BTC = Instrument("BTC/USD", tick_e8=10_000_000, lot_decimals=8, order_min_lots=5_000, cost_min_e8=50_000_000)
SHIB = Instrument("SHIB/USD", tick_e8=1, lot_decimals=5, order_min_lots=10, cost_min_e8=50_000_000)

instruments = st.builds(
    Instrument,
    name=st.just("XYZ/USD"),
    tick_e8=st.integers(min_value=1, max_value=10 * UNITS),
    lot_decimals=st.integers(min_value=0, max_value=10),
    order_min_lots=st.integers(min_value=1, max_value=10**6),
    cost_min_e8=st.integers(min_value=0, max_value=UNITS),
)
counts = st.integers(min_value=0, max_value=1 << 62)


@given(instruments, counts)
def test_a_price_on_the_grid_survives_the_way_to_decimal_and_back(instrument: Instrument, ticks: int) -> None:
    assert instrument.ticks(instrument.price(ticks)) == ticks
    assert Fraction(instrument.price(ticks)) == Fraction(ticks * instrument.tick_e8, UNITS)


@given(instruments, counts)
def test_a_quantity_survives_the_way_to_decimal_and_back(instrument: Instrument, lots: int) -> None:
    assert instrument.lots(instrument.quantity(lots)) == lots


@given(instruments, counts, st.integers(min_value=1, max_value=999))
def test_a_finer_quantity_is_rounded_down(instrument: Instrument, lots: int, thousandths: int) -> None:
    finer = instrument.quantity(lots) + Decimal(thousandths).scaleb(-instrument.lot_decimals - 3)
    assert instrument.lots(finer) == lots


@given(instruments)
def test_one_tick_times_one_lot_is_the_fraction_in_lowest_terms(instrument: Instrument) -> None:
    exact = Fraction(instrument.tick_e8, 10**instrument.lot_decimals)
    assert (instrument.multiplier, instrument.divisor) == exact.as_integer_ratio()


@given(instruments, st.integers(min_value=0, max_value=1 << 20), st.integers(min_value=0, max_value=1 << 20))
def test_a_trades_value_is_price_times_quantity_to_half_a_unit(
    instrument: Instrument, ticks: int, lots: int
) -> None:
    exact = Fraction(instrument.price(ticks)) * Fraction(instrument.quantity(lots)) * UNITS
    value = money.trade_value(ticks, lots, instrument.multiplier, instrument.divisor)
    assert abs(value - exact) <= Fraction(1, 2)


@given(st.integers(min_value=-(1 << 62), max_value=1 << 62))
def test_cash_survives_the_way_to_decimal_and_back(units: int) -> None:
    assert cash(amount(units)) == units


@given(instruments, counts, counts, counts)
def test_whatever_passes_the_check_cannot_wrap(
    instrument: Instrument, equity: int, ticks: int, lots: int
) -> None:
    try:
        check_magnitudes(equity, ticks, lots, instrument)
    except UsageError:
        return
    exact = money.trade_value(ticks, lots, instrument.multiplier, instrument.divisor)
    in_64_bits = compiled(money.trade_value)(ticks, lots, instrument.multiplier, instrument.divisor)
    assert exact == in_64_bits
    assert 10 * equity < 1 << 63


def test_the_parts_of_a_name() -> None:
    assert (BTC.base, BTC.quote, BTC.tick) == ("BTC", "USD", Decimal("0.1"))
    assert SHIB.price(1234) == Decimal("0.00001234")


@pytest.mark.parametrize("price", ["0.05", "100.11", "99999.99999999"])
def test_a_price_off_the_grid_is_refused(price: str) -> None:
    with pytest.raises(UsageError, match=r"not a multiple of BTC/USD's tick 0\.1"):
        BTC.ticks(Decimal(price))


def test_cash_finer_than_a_unit_is_refused() -> None:
    with pytest.raises(UsageError, match="finer than 1e-8"):
        cash(Decimal("0.000000001"))


@pytest.mark.parametrize(
    ("equity", "ticks", "lots", "complaint"),
    [(0, 1 << 40, 1 << 40, "BTC/USD: .* overflow"), (1 << 55, 1, 1, "equity of .* overflows")],
)
def test_what_could_wrap_is_refused_by_name(equity: int, ticks: int, lots: int, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        check_magnitudes(equity, ticks, lots, BTC)
