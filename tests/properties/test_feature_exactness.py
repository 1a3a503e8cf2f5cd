"""A feature's value at an hour has the same bits however it is come by, and reads only its lookback.

Every check compares bytes, the bits of NaN included, over every column. The checks are shown a planted leak.
"""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from trading.errors import UsageError
from trading.features.compute import Live, Panel, blocks, compute
from trading.features.library import FEATURES, INSTRUMENT_FEATURES, LOOKBACK, MARKET_FEATURES
from trading.features.spec import Family, Feature, Unit
from trading.market import Flags, Floats, Grid

FIRST_ASOF = 437_003
EXTRA_H = 61
PARENTS = {"vol_regime": "vol_percentile", "spread_wide": "spread_widening"}

Compute = Callable[[Grid, Flags, int], Panel]


def market(
    seed: int, hours: int, assets: int, masked: float = 0.0, stale: float = 0.0, scale: float = 1.0
) -> Grid:
    """A random walk with bitcoin first; `masked` and `stale` are shares of the hours, some in long runs."""
    random = np.random.default_rng(seed)
    moves = random.normal(0, 0.006, (hours, 1)) + random.normal(0, 0.004, (hours, assets))
    close = scale * np.exp(np.cumsum(moves, axis=0) + random.uniform(-9, 11, assets))
    opening = np.vstack([close[:1], close[:-1]])
    up, down = 1 + random.exponential(0.003, (2, hours, assets))
    high, low = np.maximum(opening, close) * up, np.minimum(opening, close) / down
    volume = random.lognormal(3, 1, (hours, assets)) * (random.random((hours, assets)) > 0.02)
    gone = random.random((hours, assets)) < masked
    for a in range(assets):
        start = int(random.integers(hours))
        gone[start : start + int(400 * masked)] |= masked > 0.0
        gone[: int(random.integers(hours)) if random.random() < masked * 5 else 0, a] = True
    carried = (random.random((hours, assets)) < stale) & ~gone
    for column in (opening, high, low, close):
        column[gone] = np.nan
    names = ("BTC/USD", *(f"C{a:02}/USD" for a in range(1, assets)))
    return Grid("generated", names, FIRST_ASOF, opening, high, low, close, volume, carried)


grids = st.builds(
    market,
    seed=st.integers(0, 2**32 - 1),
    hours=st.just(LOOKBACK + EXTRA_H),
    assets=st.integers(1, 4),
    masked=st.sampled_from([0.0, 0.01, 0.1]),
    stale=st.sampled_from([0.0, 0.02, 0.3]),
    scale=st.sampled_from([1e-6, 1.0, 1e6]),
)
rows = st.integers(LOOKBACK - 1, LOOKBACK + EXTRA_H - 1)
few = settings(max_examples=30, suppress_health_check=list(HealthCheck))


def members(grid: Grid, seed: int = 0) -> Flags:
    return np.random.default_rng(seed).random(grid.close.shape) < 0.8


def row_bytes(panel: Panel, row: int) -> bytes:
    """The bits of one row of the grid."""
    i = row - panel.first
    return panel.values[:, i].tobytes() + panel.market[:, i].tobytes()


def cut(grid: Grid, start: int, stop: int) -> Grid:
    return grid.rows(grid.first + start, grid.first + stop)


def noise(grid: Grid, where: slice, seed: int) -> Grid:
    """The grid with other prices, masks and stale flags in some rows."""
    other = market(seed, grid.hours, len(grid.instruments), masked=0.1, stale=0.3, scale=37.0)
    names = ("open", "high", "low", "close", "volume", "stale")
    columns = {name: getattr(grid, name).copy() for name in names}
    for name in names:
        columns[name][where] = getattr(other, name)[where]
    return grid._replace(**columns)


def everything(grid: Grid, eligible: Flags, first: int) -> Panel:
    return compute(grid, eligible, first)


def check_alone(features: Compute, grid: Grid, row: int) -> None:
    eligible = members(grid)
    batch = features(grid, eligible, LOOKBACK - 1)
    window = slice(row - LOOKBACK + 1, row + 1)
    alone = features(cut(grid, window.start, window.stop), eligible[window], LOOKBACK - 1)
    assert row_bytes(alone, LOOKBACK - 1) == row_bytes(batch, row)


def check_future(features: Compute, grid: Grid, row: int, seed: int) -> None:
    eligible = members(grid)
    batch = features(grid, eligible, LOOKBACK - 1)
    deleted = features(cut(grid, 0, row + 1), eligible[: row + 1], LOOKBACK - 1)
    future = slice(row + 1, grid.hours)
    other = np.vstack([eligible[: row + 1], ~eligible[future]])
    scrambled = features(noise(grid, future, seed), other, LOOKBACK - 1)
    for t in range(LOOKBACK - 1, row + 1):
        assert row_bytes(deleted, t) == row_bytes(batch, t)
        assert row_bytes(scrambled, t) == row_bytes(batch, t)


@few
@given(grids, rows)
def test_a_row_alone_has_the_bits_of_the_batch(grid: Grid, row: int) -> None:
    check_alone(everything, grid, row)


@few
@given(grids, rows, st.integers(0, 99))
def test_the_future_changes_nothing(grid: Grid, row: int, seed: int) -> None:
    check_future(everything, grid, row, seed)


@few
@given(grids, rows, st.integers(0, 99))
def test_what_lies_before_the_lookback_changes_nothing(grid: Grid, row: int, seed: int) -> None:
    eligible = members(grid)
    other = noise(grid, slice(0, row - LOOKBACK + 1), seed)
    # The batch enters every row, so that a kernel which reads too far back would meet the noise.
    batch, noisy = (compute(g, eligible, LOOKBACK - 1) for g in (grid, other))
    assert row_bytes(noisy, row) == row_bytes(batch, row)


@few
@given(grids, st.integers(1, 100))
def test_blocks_are_pieces_of_the_batch(grid: Grid, rows_per_block: int) -> None:
    eligible, first = members(grid), LOOKBACK - 40
    whole = compute(grid, eligible, first)
    pieces = list(blocks(grid, eligible, rows_per_block, first))
    assert np.concatenate([p.values for p in pieces], axis=1).tobytes() == whole.values.tobytes()
    assert np.concatenate([p.market for p in pieces], axis=1).tobytes() == whole.market.tobytes()


@few
@given(grids, st.integers(0, EXTRA_H - 1))
def test_live_hours_and_a_restart_have_the_bits_of_the_batch(grid: Grid, restart: int) -> None:
    eligible, start = members(grid), LOOKBACK - 1
    batch = compute(grid, eligible, start)
    live = Live(grid.instruments, slack_h=24)
    live.enter(cut(grid, 0, start))
    for t in range(start, grid.hours):
        if t == start + restart:
            live = Live(grid.instruments, slack_h=24)
            live.enter(cut(grid, t - LOOKBACK + 1, t))
        panel = live.hour(cut(grid, t, t + 1), eligible[t : t + 1])
        assert row_bytes(panel, 0) == row_bytes(batch, t)


@settings(max_examples=8, suppress_health_check=list(HealthCheck))
@given(grids)
def test_plain_python_has_the_bits_of_the_compiled_code(grid: Grid) -> None:
    grid = cut(grid, grid.hours - 800, grid.hours)
    eligible, first = members(grid), grid.hours - 3
    with np.errstate(all="raise"):
        plain = compute(grid, eligible, first, compile=False)
    fast = compute(grid, eligible, first)
    assert plain.values.tobytes() == fast.values.tobytes()
    assert plain.market.tobytes() == fast.market.tobytes()


@few
@given(grids, st.sets(st.sampled_from([feature.name for feature in FEATURES]), min_size=1))
def test_a_column_does_not_depend_on_which_others_are_wanted(grid: Grid, columns: set[str]) -> None:
    eligible = members(grid)
    some, all_ = compute(grid, eligible, LOOKBACK - 1, sorted(columns)), compute(grid, eligible, LOOKBACK - 1)
    assert set(some.names + some.market_names) == columns
    for name in columns:
        assert some.column(name).tobytes() == all_.column(name).tobytes()


def edges(grid: Grid, bar: int) -> list[Grid]:
    """The grid with every bar up to `bar` masked, far higher, or far lower."""
    changed = []
    for factor in (np.nan, 10.0, 0.1):
        prices = {name: getattr(grid, name).copy() for name in ("open", "high", "low", "close")}
        for column in prices.values():
            column[: bar + 1] *= factor
        volume = grid.volume.copy()
        volume[: bar + 1] *= 3.0
        changed.append(grid._replace(**prices, volume=volume))
    return changed


def newest(grid: Grid, name: str) -> bytes:
    """The bits of a column's last row, out of a batch that enters every bar."""
    eligible = np.ones(grid.close.shape, bool)
    return compute(grid, eligible, LOOKBACK - 1, [name]).column(name)[-1].tobytes()


@pytest.mark.parametrize("feature", FEATURES, ids=lambda feature: feature.name)
def test_the_declared_lookback_is_enough_and_tight(feature: Feature) -> None:
    parent = PARENTS.get(feature.name, feature.name)
    felt = False
    for seed in range(6):
        grid = market(seed, LOOKBACK + 5, 5)
        row = grid.hours - 1
        oldest = row - feature.lookback + 1
        value, before = newest(grid, feature.name), newest(grid, parent)
        assert all(newest(other, feature.name) == value for other in edges(grid, oldest - 1))
        felt |= any(newest(other, parent) != before for other in edges(grid, oldest))
    assert felt, "one bar fewer changes nothing: the lookback is too long"


@given(grids)
@few
def test_flags_and_classes_are_made_of_their_numbers(grid: Grid) -> None:
    panel = compute(grid, members(grid), LOOKBACK - 1)

    def flag(name: str, number: Floats) -> None:
        expected = np.where(np.isnan(number), np.nan, number > 0)
        np.testing.assert_array_equal(panel.column(name), expected)

    flag("spread_wide", panel.column("spread_widening") - 2)
    for side in ("high_24h", "low_24h", "high_168h", "low_168h"):
        flag(f"broke_{side}", panel.column(f"breakout_{side}"))
    share = panel.column("vol_percentile")
    regime = np.where(np.isnan(share), np.nan, np.searchsorted([0.33, 0.67, 0.95], share, side="right"))
    np.testing.assert_array_equal(panel.column("vol_regime"), regime)


def centred(values: Floats) -> Floats:
    """Each row's mean with its neighbours: reads one hour of the future."""
    return (values + np.roll(values, 1, axis=1) + np.roll(values, -1, axis=1)) / 3


def ahead(values: Floats) -> Floats:
    return np.roll(values, -1, axis=1)


@pytest.mark.parametrize("leak", [centred, ahead])
@pytest.mark.parametrize("column", range(len(INSTRUMENT_FEATURES)))
def test_a_planted_leak_is_caught(leak: Callable[[Floats], Floats], column: int) -> None:
    def leaking(grid: Grid, eligible: Flags, first: int) -> Panel:
        panel = compute(grid, eligible, first)
        panel.values[column] = leak(panel.values[[column]])[0]
        return panel

    caught = 0
    for seed in range(3):
        grid = market(seed, LOOKBACK + EXTRA_H, 3)
        for check in (
            lambda g: check_alone(leaking, g, LOOKBACK + 30),
            lambda g: check_future(leaking, g, LOOKBACK + 30, 1),
        ):
            try:
                check(grid)
            except AssertionError:
                caught += 1
    assert caught >= 3


def test_every_column_is_known_on_a_market_without_gaps() -> None:
    grid = market(3, LOOKBACK + 20, 4)
    panel = compute(grid, np.ones(grid.close.shape, bool), LOOKBACK - 1)
    assert panel.values.shape == (len(INSTRUMENT_FEATURES), 21, 4)
    assert panel.market.shape == (len(MARKET_FEATURES), 21)
    assert np.isfinite(panel.values).all()
    assert np.isfinite(panel.market).all()


@given(grids)
@few
def test_a_masked_hour_has_no_feature(grid: Grid) -> None:
    assume(np.isnan(grid.close[LOOKBACK:]).any())
    panel = compute(grid, members(grid), LOOKBACK)
    assert np.isnan(panel.values[:, np.isnan(grid.close[LOOKBACK:])]).all()


def test_bars_out_of_turn_and_unknown_columns_are_refused() -> None:
    grid = market(1, 60, 2)
    live = Live(grid.instruments, ["ret_1h"])
    live.enter(cut(grid, 0, 30))
    with pytest.raises(UsageError, match="do not follow"):
        live.enter(cut(grid, 31, 32))
    with pytest.raises(UsageError, match="ballast features list"):
        compute(grid, members(grid), 0, ["ret_2h"])


def test_names_are_unique_and_every_family_is_used() -> None:
    assert len({feature.name for feature in FEATURES}) == len(FEATURES)
    assert {feature.family for feature in FEATURES} == set(Family)
    assert {feature.unit for feature in FEATURES} == set(Unit)
