"""Universe, clusters and signals of a midnight come from its window alone, whatever is before or after."""

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.universe import load
from trading.correlation import LOOKBACK_H as STRUCTURE_H
from trading.correlation import daily_structure
from trading.daily import day_rows
from trading.market import Grid
from trading.policies.benchmarks import LOOKBACK_H, POLICIES, signals
from trading.universe import eligibility, lookback_h

FIRST = 450_000 - 450_000 % 24 + 1
HOURS = 24 * 140
LIVE_H = 2_184
"""The window of a live hour."""
LISTS, RULES = load()
QUICK = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def markets(draw: st.DrawFn) -> Grid:
    """Random walks with gaps, stale hours, a late listing and a delisting; starts at any hour of the day."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    assets = draw(st.integers(2, 5))
    close = 50.0 * np.exp(
        np.cumsum(rng.normal(1e-4, draw(st.sampled_from([1e-3, 1e-2])), (HOURS, assets)), axis=0)
    )
    spread = rng.uniform(1e-4, 4e-3, close.shape)
    grid = Grid(
        "test",
        ("BTC/USD", "DOGE/USD", "ETH/USD", "SOL/USD", "XRP/USD")[:assets],
        FIRST + draw(st.integers(0, 23)),
        close * (1 + rng.normal(0, 1e-3, close.shape)),
        close * (1 + spread),
        close * (1 - spread),
        close,
        rng.lognormal(8.0, 2.0, close.shape),
        rng.random(close.shape) < 0.01,
    )
    dead = rng.random(close.shape) < 0.005
    dead[: draw(st.integers(0, 900)), assets - 1] = True
    dead[HOURS - draw(st.integers(0, 900)) :, assets // 2] = True
    for array in grid.open, grid.high, grid.low, grid.close, grid.volume:
        array[dead] = np.nan
    grid.volume[dead] = 0.0
    return grid


def window(grid: Grid, row: int, hours: int) -> Grid:
    """Copies of the `hours` rows that end at `row`."""
    asof = grid.first + row
    cut = grid.rows(asof - hours + 1, asof + 1)
    return cut._replace(**{name: getattr(cut, name).copy() for name in FIELDS})


FIELDS = ("open", "high", "low", "close", "volume", "stale")


@QUICK
@given(grid=markets(), pick=st.integers(0, 10), later=st.integers(0, 23))
def test_the_universe_of_a_day_needs_its_window_only(grid: Grid, pick: int, later: int):
    whole = eligibility(grid, LISTS, RULES, 1.0)
    rows = day_rows(grid.first, grid.hours)
    row = int(rows[rows >= LIVE_H - 1][pick])
    alone = eligibility(window(grid, row, lookback_h(RULES)), LISTS, RULES, 1.0)
    day = (grid.first + row - whole.day_first) // 24
    assert (alone.reason[-1] == whole.reason[day]).all()
    assert alone.notional[-1].tobytes() == whole.notional[day].tobytes()
    assert alone.spread_bp[-1].tobytes() == whole.spread_bp[day].tobytes()
    hour = min(row + later, grid.hours - 1)
    live = eligibility(window(grid, hour, LIVE_H), LISTS, RULES, 1.0)
    assert (live.eligible[-1] == whole.eligible[hour]).all(), "at any hour of the day"


@QUICK
@given(grid=markets(), pick=st.integers(0, 10), seed=st.integers(0, 2**32 - 1))
def test_signals_of_a_day_need_their_window_only_and_never_the_future(grid: Grid, pick: int, seed: int):
    eligible = np.random.default_rng(seed).random(grid.close.shape) < 0.8
    rows = day_rows(grid.first, grid.hours)
    for name in POLICIES:
        whole = signals(name, grid, eligible)
        row = int(rows[rows >= LOOKBACK_H[name] - 1][pick])
        cut = window(grid, row, LOOKBACK_H[name])
        alone = signals(name, cut, eligible[row - cut.hours + 1 : row + 1])
        day = (grid.first + row - whole.day_first) // 24
        for field in whole._fields[3:]:
            assert getattr(alone, field)[-1].tobytes() == getattr(whole, field)[day].tobytes(), (name, field)


@QUICK
@given(grid=markets(), pick=st.integers(0, 10))
def test_clusters_of_a_day_need_their_window_only(grid: Grid, pick: int):
    whole = daily_structure(grid, 0)
    rows = day_rows(grid.first, grid.hours)
    row = int(rows[rows >= STRUCTURE_H - 1][pick])
    alone = daily_structure(window(grid, row, STRUCTURE_H), STRUCTURE_H - 1)
    day = (grid.first + row - whole.day_first) // 24
    assert (alone.cluster[-1] == whole.cluster[day]).all()
    assert alone.beta[-1].tobytes() == whole.beta[day].tobytes()
