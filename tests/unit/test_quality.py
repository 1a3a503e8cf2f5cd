"""Raw rows are judged one by one; hours are judged by what a decision may still trust."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading.market import Grid
from trading.quality import LOOKBACK_H, judge, judge_trades, usability, wicks

HOUR_S = 3600
NOW_S = 1_000 * HOUR_S
GOOD = {"open": 10.0, "high": 11.0, "low": 9.0, "close": 10.0, "volume": 1.0, "trades": 3}


def rows(changes: dict[int, dict[str, float | None]] | None = None, count: int = 6) -> pl.DataFrame:
    """Good hourly rows from hour 100 on, except for the changes by line."""
    table = [{"line": i + 1, "time": (100.0 + i) * HOUR_S, **GOOD} for i in range(count)]
    for line, change in (changes or {}).items():
        table[line - 1] |= change  # type: ignore[arg-type]
    floats = dict.fromkeys(("time", "open", "high", "low", "close", "volume"), pl.Float64)
    return pl.DataFrame(table, schema={"line": pl.Int64} | floats | {"trades": pl.Int64})


def verdicts(table: pl.DataFrame) -> dict[int, str]:
    good, bad = judge(table, HOUR_S, NOW_S)
    assert sorted(good["line"].to_list() + bad["line"].to_list()) == table["line"].to_list()
    return dict(bad.select("line", "reason").iter_rows())


def test_good_rows_pass() -> None:
    assert verdicts(rows()) == {}
    assert verdicts(rows({3: {"trades": None}})) == {}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"close": None}, "not a number"),
        ({"close": float("nan")}, "not a number"),
        ({"volume": float("inf")}, "not a number"),
        ({"time": None}, "not a number"),
        ({"time": 102.5 * HOUR_S}, "off the interval"),
        ({"time": 2_000.0 * HOUR_S}, "not closed yet"),
        ({"time": float(NOW_S)}, "not closed yet"),
        ({"low": 0.0}, "price is not positive"),
        ({"low": -1.0}, "price is not positive"),
        ({"high": 2e9}, "price is absurd"),
        ({"volume": -1.0}, "volume is negative"),
        ({"volume": 1e17}, "volume is absurd"),
        ({"trades": -1}, "count of trades is negative"),
        ({"high": 8.0}, "high is below low"),
        ({"close": 11.5}, "open or close is outside low..high"),
        ({"open": 8.5}, "open or close is outside low..high"),
        ({"time": 101.0 * HOUR_S}, "duplicate"),
        ({"time": 100.0 * HOUR_S}, "out of order"),
        ({"time": 900.0 * HOUR_S}, "out of order"),
        ({"open": 600.0, "high": 600.0, "close": 600.0}, "price is a lone spike"),
        ({"open": 0.1, "low": 0.1, "close": 0.1}, "price is a lone spike"),
    ],
)
def test_every_fault_of_a_row_is_found_and_costs_that_row_alone(
    change: dict[str, float], reason: str
) -> None:
    assert verdicts(rows({3: change})) == {3: reason}


def test_a_lasting_jump_is_no_spike() -> None:
    high = {"open": 600.0, "high": 600.0, "close": 600.0}
    assert verdicts(rows({4: high, 5: high, 6: high})) == {}


def test_a_wick_is_kept_and_pointed_out() -> None:
    table = rows({3: {"low": 0.0001}})
    assert verdicts(table) == {}
    assert wicks(table)["line"].to_list() == [3]


def test_rows_continue_after_the_last_stamp_of_an_earlier_part() -> None:
    _, bad = judge(rows(), HOUR_S, NOW_S, after_s=101.0 * HOUR_S)
    assert dict(bad.select("line", "reason").iter_rows()) == {1: "out of order", 2: "duplicate"}


def test_trades_may_share_a_second_and_may_not_step_back() -> None:
    table = pl.DataFrame(
        {
            "line": [1, 2, 3, 4, 5],
            "time": [10.0, 10.0, 12.0, 11.0, 12.0],
            "price": [5.0, 5.0, 5.0, 5.0, 0.0],
            "volume": 1.0,
        }
    )
    good, bad = judge_trades(table, NOW_S)
    assert good["line"].to_list() == [1, 2, 4]
    assert dict(bad.select("line", "reason").iter_rows()) == {3: "out of order", 5: "price is not positive"}


def market(valid: np.ndarray, stale: np.ndarray) -> Grid:
    price = np.where(valid, 1.0, np.nan)
    names = ("BTC/USD", *(f"X{i}/USD" for i in range(valid.shape[1] - 1)))
    return Grid("here", names, 0, price, price, price, price, price, stale & valid)


def tables(hours_min: int) -> st.SearchStrategy[list[list[str]]]:
    """Rows of cells, an instrument a column: t traded, c carried, m masked."""
    cells = st.sampled_from("ttttttcm")
    return st.integers(1, 4).flatmap(
        lambda width: st.lists(
            st.lists(cells, min_size=width, max_size=width), min_size=hours_min, max_size=hours_min + 40
        )
    )


def grid_of(cells: list[list[str]]) -> Grid:
    table = np.array(cells)
    return market(table != "m", table == "c")


@given(tables(1))
def test_usability_is_what_its_definition_says(cells: list[list[str]]) -> None:
    unusable, refused = usability(grid_of(cells))
    for row in range(len(cells)):
        day = cells[max(0, row - 23) : row + 1]
        expected = []
        for column in range(len(cells[0])):
            past = [cell[column] for cell in day]
            expected.append(past[-1] == "m" or past.count("c") > 2 or any(cell != "t" for cell in past[-3:]))
        assert unusable[row].tolist() == expected
        listed = [any(cell[column] != "m" for cell in day) for column in range(len(cells[0]))]
        lost = sum(bad and there for bad, there in zip(expected, listed, strict=True))
        assert refused[row] == (expected[0] or 3 * lost > sum(listed))


@given(tables(LOOKBACK_H + 1), st.data())
def test_usability_of_a_window_equals_that_of_the_history(
    cells: list[list[str]], data: st.DataObject
) -> None:
    row = data.draw(st.integers(LOOKBACK_H - 1, len(cells) - 1))
    whole = usability(grid_of(cells))
    window = usability(grid_of(cells[row - LOOKBACK_H + 1 : row + 1]))
    assert whole[0][row].tolist() == window[0][-1].tolist()
    assert whole[1][row] == window[1][-1]
