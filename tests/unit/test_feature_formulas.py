"""The features against formulas written another way: pandas, NumPy, TA-Lib, exact logarithms."""

import math
from decimal import Decimal, localcontext
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import talib
from hypothesis import given
from hypothesis import strategies as st

from trading.features.arithmetic import ln, logs
from trading.features.compute import Panel, compute
from trading.features.library import FEATURES, digest, page
from trading.market import Grid

HOURS, ASSETS = 2_900, 4
GAP = slice(1_500, 1_540)


@pytest.fixture(scope="module")
def grid() -> Grid:
    """A random walk; the last instrument has scattered gaps, a long one, and stale hours."""
    random = np.random.default_rng(11)
    moves = random.normal(0, 0.005, (HOURS, 1)) + random.normal(0, 0.005, (HOURS, ASSETS))
    close = np.exp(np.cumsum(moves, axis=0) + np.arange(ASSETS) * 3.0)
    opening = np.vstack([close[:1], close[:-1]])
    high = np.maximum(opening, close) * (1 + random.exponential(0.003, close.shape))
    low = np.minimum(opening, close) / (1 + random.exponential(0.003, close.shape))
    volume = random.lognormal(2, 1, close.shape)
    stale = np.zeros(close.shape, bool)
    stale[:, -1] = random.random(HOURS) < 0.02
    gone = random.random(HOURS) < 0.02
    gone[GAP] = True
    for column in (opening, high, low, close):
        column[gone, -1] = np.nan
    names = ("BTC/USD", "C1/USD", "C2/USD", "C3/USD")
    return Grid("generated", names, 437_003, opening, high, low, close, volume, stale & ~np.isnan(close))


@pytest.fixture(scope="module")
def panel(grid: Grid) -> Panel:
    return compute(grid, np.ones(grid.close.shape, bool))


@pytest.fixture(scope="module")
def p(grid: Grid) -> pd.DataFrame:
    return np.log(pd.DataFrame(grid.close))


@pytest.fixture(scope="module")
def r(grid: Grid, p: pd.DataFrame) -> pd.DataFrame:
    traded = pd.DataFrame(~grid.stale)
    return p.diff().where(traded & traded.shift(fill_value=False))


def rolling(frame: pd.DataFrame, hours: int):
    return frame.rolling(hours, min_periods=math.ceil(hours * 5 / 6))


def assert_same(panel: Panel, name: str, expected: pd.DataFrame | np.ndarray, rtol: float = 1e-8) -> None:
    """Equal where the hour has a price, NaN where it has none, and mostly known."""
    ours = panel.column(name)
    known = ~np.isnan(panel.column("std_24h")) | ~np.isnan(panel.column("r2_24h"))
    expected = np.where(known, np.asarray(expected, dtype=float), np.nan)
    ours = np.where(known, ours, np.nan)
    np.testing.assert_allclose(ours, expected, rtol=rtol, atol=1e-9)
    assert np.isfinite(ours).mean() > 0.2


def test_returns_do_not_touch_stale_hours(grid: Grid, panel: Panel, p: pd.DataFrame) -> None:
    traded = pd.DataFrame(~grid.stale)
    sigma = panel.column("sigma_1h")
    for hours in (1, 4, 24):
        plain = p.diff(hours).where(traded & traded.shift(hours, fill_value=False))
        assert_same(panel, f"ret_{hours}h", plain)
        assert_same(panel, f"ret_{hours}h_scaled", (plain / (sigma * math.sqrt(hours))).clip(-6, 6))


def test_deviations_agree_with_pandas(panel: Panel, r: pd.DataFrame) -> None:
    stds = {hours: rolling(r, hours).std() for hours in (24, 168, 720)}
    assert_same(panel, "std_24h", stds[24])
    assert_same(panel, "sigma_1h", stds[168])
    assert_same(panel, "std_720h", stds[720])
    assert_same(panel, "sigma_24", stds[168] * math.sqrt(24))
    assert_same(panel, "std_ratio_168h", np.log(stds[24] / stds[168]))
    assert_same(panel, "std_ratio_720h", np.log(stds[24] / stds[720]))


def test_the_percentile_agrees_with_a_rank(panel: Panel) -> None:
    std = pd.DataFrame(panel.column("std_24h"))
    ranks = std.rolling(2160, min_periods=1800).rank(method="max", pct=True)
    assert_same(panel, "vol_percentile", ranks)


@pytest.mark.parametrize("hours", [24, 72, 168, 720])
def test_slopes_agree_with_a_polynomial_fit(
    panel: Panel, p: pd.DataFrame, r: pd.DataFrame, hours: int
) -> None:
    std = rolling(r, hours).std()
    for row in range(800, HOURS, 97):
        for a in range(ASSETS):
            y = p[a].to_numpy()[row - hours + 1 : row + 1]
            known = ~np.isnan(y)
            if np.isnan(y[-1]) or known.sum() < hours * 5 / 6:
                assert np.isnan(panel.column(f"r2_{hours}h")[row, a])
                continue
            x = np.arange(hours)[known]
            slope = np.polyfit(x - x.mean(), y[known], 1)[0]
            expected = slope * hours / (std[a][row] * math.sqrt(hours))
            assert panel.column(f"slope_{hours}h")[row, a] == pytest.approx(expected, rel=1e-9, nan_ok=True)
            r2 = np.corrcoef(x, y[known])[0, 1] ** 2
            assert panel.column(f"r2_{hours}h")[row, a] == pytest.approx(r2, rel=1e-8, abs=1e-12)


def test_the_slope_agrees_with_talib(panel: Panel, p: pd.DataFrame) -> None:
    slope = talib.LINEARREG_SLOPE(p[1].to_numpy(), 24)
    ours = panel.column("slope_24h")[:, 1] * panel.column("std_24h")[:, 1] / math.sqrt(24)
    np.testing.assert_allclose(ours[30:], slope[30:], rtol=1e-8, atol=1e-13)


def test_atr_agrees_with_talib_once_its_seed_is_forgotten(grid: Grid, panel: Panel) -> None:
    high, low, close = (column[:, 1].copy() for column in (grid.high, grid.low, grid.close))
    expected = talib.ATR(high, low, close, 14) / close
    np.testing.assert_allclose(panel.column("atr_14h")[400:, 1], expected[400:], rtol=1e-5)


def test_atr_is_wilders_average_over_200_bars(grid: Grid, panel: Panel) -> None:
    before = np.vstack([np.full((1, ASSETS), np.nan), grid.close[:-1]])
    reach = [grid.high - grid.low, abs(grid.high - before), abs(grid.low - before)]
    ranges = np.max(reach, axis=0)
    ranges[0] = np.nan
    for row in (199, 200, 219, 223, 224, 1_000, 2_899):
        atr = ranges[row - 199 : row - 185].mean(axis=0)
        for t in range(row - 185, row + 1):
            atr = (13 * atr + ranges[t]) / 14
        np.testing.assert_allclose(panel.column("atr_14h")[row], atr / grid.close[row], rtol=1e-12)


def test_reversion_and_range_agree_with_pandas(grid: Grid, panel: Panel, p: pd.DataFrame) -> None:
    for hours in (24, 168):
        window = rolling(p, hours)
        assert_same(panel, f"reversion_{hours}h", (p - window.mean()) / window.std(), rtol=1e-7)
    high, low = pd.DataFrame(grid.high), pd.DataFrame(grid.low)
    for hours in (168, 720):
        top, bottom = rolling(high, hours).max(), rolling(low, hours).min()
        assert_same(panel, f"range_position_{hours}h", (grid.close - bottom) / (top - bottom))


def test_breakouts_and_structure_agree_with_pandas(grid: Grid, panel: Panel) -> None:
    atr = panel.column("atr_14h") * grid.close
    high, low = pd.DataFrame(grid.high), pd.DataFrame(grid.low)
    for hours in (24, 168):
        top, bottom = rolling(high, hours).max().shift(), rolling(low, hours).min().shift()
        assert_same(panel, f"breakout_high_{hours}h", (grid.close - top) / atr)
        assert_same(panel, f"breakout_low_{hours}h", (bottom - grid.close) / atr)
    top, bottom = rolling(high, 24).max(), rolling(low, 24).min()
    known = (top + bottom + top.shift(24) + bottom.shift(24)).notna()
    marks = {
        "higher_high": top > top.shift(24),
        "higher_low": bottom > bottom.shift(24),
        "lower_high": top < top.shift(24),
        "lower_low": bottom < bottom.shift(24),
    }
    for name, mark in marks.items():
        assert_same(panel, name, mark.astype(float).where(known))
    score = sum(panel.column(name) * sign for name, sign in zip(marks, (1, 1, -1, -1), strict=True))
    assert_same(panel, "structure", score)


def test_volume_and_spread_agree_with_pandas(
    grid: Grid, panel: Panel, p: pd.DataFrame, r: pd.DataFrame
) -> None:
    dollar = pd.DataFrame(grid.volume * (grid.high + grid.low + grid.close) / 3)
    assert_same(panel, "volume_surge_1h", np.log((dollar + 1) / (rolling(dollar, 168).median() + 1)))
    assert_same(panel, "volume_surge_24h", np.log(rolling(dollar, 24).mean() / rolling(dollar, 720).mean()))
    middle = (np.log(pd.DataFrame(grid.high)) + np.log(pd.DataFrame(grid.low))) / 2
    terms = (4 * (p.shift() - middle.shift()) * (p.shift() - middle)).clip(lower=0) ** 0.5
    spread = rolling(terms.where(r.notna()), 24).mean().where(p.notna())
    assert_same(panel, "spread_widening", spread / rolling(spread, 168).median(), rtol=1e-7)


def test_beta_and_correlation_agree_with_numpy_on_common_hours(panel: Panel, r: pd.DataFrame) -> None:
    for row in range(760, HOURS, 131):
        for a in range(ASSETS):
            if np.isnan(panel.column("std_24h")[row, a]):
                continue
            for hours in (168, 720):
                pair = r.iloc[row - hours + 1 : row + 1][[0, a]].to_numpy()
                pair = pair[~np.isnan(pair).any(axis=1)]
                cov = np.cov(pair.T)
                rho = cov[0, 1] / math.sqrt(cov[0, 0] * cov[1, 1])
                ours = panel.column(f"btc_corr_{hours}h")[row, a]
                assert ours == pytest.approx(rho, rel=1e-9) or len(pair) < hours * 5 / 6
            beta = 0.67 * cov[0, 1] / cov[0, 0] + 0.33
            assert panel.column("beta_720h")[row, a] == pytest.approx(beta, rel=1e-9)


def test_the_market_is_made_of_the_eligible_instruments(grid: Grid) -> None:
    eligible = np.random.default_rng(2).random(grid.close.shape) < 0.7
    panel = compute(grid, eligible)
    returns = np.where(eligible, panel.column("ret_24h"), np.nan)
    mean = rolling(pd.DataFrame(grid.close), 168).mean().to_numpy()
    above = np.where(eligible & ~np.isnan(grid.close + mean), grid.close > mean, np.nan)
    rows = np.isfinite(returns).sum(axis=1) >= 2
    rows[:200] = False
    rising = np.where(np.isnan(returns), np.nan, returns > 0)
    market = {name: panel.market[panel.market_names.index(name)][rows] for name in panel.market_names}
    np.testing.assert_allclose(market["breadth_ret"], np.nanmean(rising[rows], axis=1))
    np.testing.assert_allclose(market["dispersion"], np.nanstd(returns[rows], axis=1, ddof=1))
    np.testing.assert_allclose(market["breadth_trend"], np.nanmean(above[rows], axis=1))
    btc = {name: panel.column(name)[rows, 0] for name in panel.names}
    np.testing.assert_array_equal(market["btc_slope_168h"], btc["slope_168h"])
    np.testing.assert_array_equal(market["btc_vol_percentile"], btc["vol_percentile"])
    np.testing.assert_array_equal(market["btc_ret_1h"], btc["ret_1h_scaled"])
    np.testing.assert_array_equal(market["btc_ret_24h"], btc["ret_24h_scaled"])
    week = np.log(grid.close[:, 0] / np.roll(grid.close[:, 0], 168))[rows]
    expected = np.clip(week / (btc["sigma_1h"] * math.sqrt(168)), -6, 6)
    np.testing.assert_allclose(market["btc_ret_168h"], expected, rtol=1e-9)


def test_a_flat_market_has_no_slope_and_no_made_up_deviation() -> None:
    flat = np.full((800, 2), 0.1)
    names = ("BTC/USD", "C1/USD")
    grid = Grid("generated", names, 437_003, flat, flat, flat, flat, flat * 0, np.zeros(flat.shape, bool))
    panel = compute(grid, np.ones(flat.shape, bool), 799)
    assert (panel.column("std_720h") == 0).all()
    for name in (
        "slope_168h",
        "r2_24h",
        "reversion_24h",
        "btc_corr_720h",
        "range_position_168h",
        "std_ratio_168h",
    ):
        assert np.isnan(panel.column(name)).all(), name


@given(st.floats(min_value=1e-300, max_value=1e300))
def test_the_logarithm_is_within_one_unit_in_the_last_place(x: float) -> None:
    with localcontext() as context:
        context.prec = 50
        exact = Decimal(x).ln()
        assert abs(Decimal(ln(x)) - exact) <= Decimal(math.ulp(float(exact) or 1e-320))


@given(st.lists(st.floats(), min_size=1, max_size=9))
def test_one_logarithm_has_the_bits_of_many(values: list[float]) -> None:
    x = np.abs(np.array(values))
    out = np.empty(len(values))
    logs(x, out)
    assert out.tobytes() == np.array([ln(float(v)) for v in x]).tobytes()


def test_the_logarithm_of_nothing_is_unknown() -> None:
    assert ln(1.0) == 0.0
    for x in (0.0, -1.0, math.inf, math.nan, 5e-324):
        assert math.isnan(ln(x))


def test_the_page_is_up_to_date() -> None:
    written = Path(__file__).resolve().parents[2] / "docs" / "features.md"
    assert written.read_text() == page(), "run `ballast features list --markdown > docs/features.md`"
    assert all(f"| `{feature.name}` |" in page() for feature in FEATURES)
    assert len(digest()) == 64
