"""Bars become a dense grid by the carry rule."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading.clock import HOUR_S
from trading.errors import DataError
from trading.grid import CARRY_H, dense


def bars(hours: list[int], volume: float = 1.0) -> pl.DataFrame:
    """One bar an hour, whose prices tell which one it is."""
    asof = pl.from_epoch(pl.Series("asof", [hour * HOUR_S for hour in hours], pl.Int64), time_unit="s")
    price = [100.0 + hour for hour in hours]
    prices = {"open": price, "high": [p + 1 for p in price], "low": [p - 1 for p in price], "close": price}
    return pl.DataFrame(
        {"asof": asof} | prices | {"volume": [volume] * len(hours)}, schema_overrides={"open": pl.Float64}
    )


def test_a_short_gap_repeats_the_previous_close_without_volume() -> None:
    grid = dense("here", {"BTC/USD": bars([10, 14])}, 10, 14)
    assert grid.close[:, 0].tolist() == [110.0, 110.0, 110.0, 110.0, 114.0]
    assert grid.high[1, 0] == grid.low[1, 0] == grid.open[1, 0] == 110.0
    assert grid.volume[:, 0].tolist() == [1.0, 0.0, 0.0, 0.0, 1.0]
    assert grid.stale[:, 0].tolist() == [False, True, True, True, False]


def test_of_a_long_gap_the_first_hours_are_carried_and_the_rest_is_masked() -> None:
    grid = dense("here", {"BTC/USD": bars([10, 30])}, 10, 30)
    assert grid.valid[:, 0].tolist() == [True] * (1 + CARRY_H) + [False] * (19 - CARRY_H) + [True]
    assert not grid.stale[1 + CARRY_H :, 0].any()


def test_nothing_is_known_before_the_first_bar_and_little_after_the_last() -> None:
    grid = dense("here", {"BTC/USD": bars([10])}, 5, 20)
    assert grid.valid[:, 0].tolist() == [False] * 5 + [True] * (1 + CARRY_H) + [False] * (10 - CARRY_H)


def test_a_bar_without_a_trade_is_treated_like_a_missing_one() -> None:
    full = pl.concat([bars([10]), bars([11, 12], volume=0.0).with_columns(close=pl.lit(110.0)), bars([13])])
    filled, left_out = (
        dense("here", {"BTC/USD": full}, 10, 13),
        dense("here", {"BTC/USD": bars([10, 13])}, 10, 13),
    )
    np.testing.assert_array_equal(filled.close, left_out.close)
    np.testing.assert_array_equal(filled.stale, left_out.stale)


def test_a_bar_just_before_the_window_is_carried_into_it() -> None:
    grid = dense("here", {"BTC/USD": bars([10])}, 12, 18)
    assert grid.stale[:, 0].tolist() == [True] * 5 + [False] * 2


def test_instruments_stand_in_sorted_order() -> None:
    grid = dense("here", {"ETH/USD": bars([10]), "BTC/USD": bars([11])}, 10, 11)
    assert grid.instruments == ("BTC/USD", "ETH/USD")
    assert np.isnan(grid.close[0, 0])
    assert grid.close[0, 1] == 110.0


@pytest.mark.parametrize("hours", [[11, 10], [10, 10]])
def test_unsorted_or_doubled_bars_are_refused(hours: list[int]) -> None:
    with pytest.raises(DataError, match="BTC/USD"):
        dense("here", {"BTC/USD": bars(hours)}, 10, 12)


def test_a_bar_off_the_hour_is_refused() -> None:
    with pytest.raises(DataError, match="on the hour"):
        dense("here", {"BTC/USD": bars([10]).with_columns(pl.col("asof").dt.offset_by("1m"))}, 10, 12)


@given(
    present=st.lists(st.lists(st.booleans(), min_size=60, max_size=60), min_size=1, max_size=3),
    start=st.integers(0, 59),
    length=st.integers(1, 60),
)
def test_a_window_has_the_rows_of_the_whole_history(
    present: list[list[bool]], start: int, length: int
) -> None:
    market = {f"A{i}/USD": bars([h for h, there in enumerate(row) if there]) for i, row in enumerate(present)}
    stop = min(60, start + length)
    whole = dense("here", market, 0, 59).rows(start, stop)
    needed = {
        name: frame.filter(pl.col("asof").dt.epoch("s") >= (start - CARRY_H) * HOUR_S)
        for name, frame in market.items()
    }
    window = dense("here", needed, start, stop - 1)
    for column in ("open", "high", "low", "close", "volume", "stale"):
        np.testing.assert_array_equal(getattr(window, column), getattr(whole, column))
