"""Universe, signals and clusters on five years of real hours."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest

from config.universe import load
from trading.clock import TradingHour
from trading.correlation import daily_structure
from trading.grid import dense
from trading.market import Grid
from trading.policies.benchmarks import signals
from trading.universe import Reason, Universe, eligibility

KRAKEN_SHARE = 0.03
"""Kraken's volume as a share of Binance's: 1 to 8 % in the overlap of the two."""


def hour(year: int, month: int, day: int = 1) -> int:
    return TradingHour.at(datetime(year, month, day, tzinfo=UTC)).number


@pytest.fixture(scope="module")
def grid(market_data: Path) -> Grid:
    bars = {}
    for path in sorted((market_data / "hourly" / "binance").glob("*.parquet")):
        closes = pl.col("time").cast(pl.Datetime("ms", "UTC")).dt.offset_by("1h")
        bars[f"{path.stem.removesuffix('USDT')}/USDT"] = pl.read_parquet(path).with_columns(asof=closes)
    return dense("binance", bars, hour(2020, 1), hour(2024, 12, 31))


@pytest.fixture(scope="module")
def universe(grid: Grid) -> Universe:
    lists, rules = load()
    return eligibility(grid, lists, rules, KRAKEN_SHARE)


def day(universe: Universe, *date: int) -> int:
    return (hour(*date) - universe.day_first) // 24


@pytest.mark.parametrize("base", ["DOGE", "SHIB", "APE", "PAXG"])
def test_memes_and_tokenised_gold_are_never_in(grid: Grid, universe: Universe, base: str):
    column = grid.column(f"{base}/USDT")
    assert not universe.eligible[:, column].any()
    assert (universe.reason[:, column] == Reason.EXCLUDED).any()


@pytest.mark.parametrize("base", ["XMR", "EOS", "MATIC", "FTM"])
def test_coins_that_ended_were_in_and_go_out_with_their_last_day(grid: Grid, universe: Universe, base: str):
    column = grid.column(f"{base}/USDT")
    ended = int(np.flatnonzero(grid.valid[:, column] & ~grid.stale[:, column])[-1])
    assert universe.eligible[:ended, column].any()
    assert not universe.eligible[ended + 24 :, column].any()
    assert (universe.reason[:, column] == Reason.STALE).any()


def test_the_great_two_are_in_nearly_always_and_never_more_than_fifteen_are(grid: Grid, universe: Universe):
    settled = universe.reason[day(universe, 2020, 4, 1) :]
    for base in ("BTC", "ETH"):
        assert (settled[:, grid.column(f"{base}/USDT")] == Reason.ELIGIBLE).mean() > 0.99
    count = (universe.reason == Reason.ELIGIBLE).sum(axis=1)
    assert count.max() <= 15
    assert count[day(universe, 2021, 3, 1) :].mean() > 8


def test_the_spread_estimate_is_small_where_spreads_are_small(grid: Grid, universe: Universe):
    for base, typical_bp in (("BTC", 10), ("ETH", 12), ("XRP", 15)):
        spread = universe.spread_bp[:, grid.column(f"{base}/USDT")]
        assert np.nanmedian(spread) < typical_bp
        assert np.mean(spread[~np.isnan(spread)] > 30) < 0.01


def naive_votes(close: pd.Series) -> pd.Series:
    votes = sum((close > close.rolling(n).mean()).astype(int) for n in (20, 50, 100))
    return votes + sum((close > close.shift(n)).astype(int) for n in (7, 14, 30, 60, 90))


def test_trend_vote_on_bitcoin_and_ether_is_what_a_spreadsheet_says(grid: Grid, universe: Universe):
    given = signals("trend-vote", grid, universe.eligible)
    rows = np.arange(given.day_first - grid.first, grid.hours, 24)
    closes = {base: pd.Series(grid.close[rows, grid.column(f"{base}/USDT")]) for base in ("BTC", "ETH")}
    bitcoin = naive_votes(closes["BTC"])
    for base, close in closes.items():
        column = grid.column(f"{base}/USDT")
        votes, eligible = naive_votes(close), universe.eligible[rows, column]
        full = slice(100, None)
        enter = ((votes >= 7) & (bitcoin >= 4) & eligible).to_numpy()
        assert (given.enter[full, column] == enter[full]).all()
        assert (given.leave[full, column] == (votes <= 3).to_numpy()[full]).all()
        volatility = close.pct_change().rolling(30).std(ddof=0)
        weight = 0.02 * (0.04 / volatility).clip(0.5, 1.5)
        np.testing.assert_allclose(given.weight[full, column], weight[full], rtol=1e-9)
        rank = close.pct_change(30) / volatility
        np.testing.assert_allclose(given.rank[full, column], rank[full], rtol=1e-6)
        assert 100 < enter[full].sum() < 1_000


def test_trend_b_breaks_out_where_a_rolling_maximum_says(grid: Grid, universe: Universe):
    given = signals("trend-b", grid, universe.eligible)
    column = grid.btc
    rows = np.arange(given.day_first - grid.first, grid.hours, 24)
    high, low = (pd.Series(x[: rows[-1] + 1, column]) for x in (grid.high, grid.low))
    close = grid.close[rows, column]
    for bit, days in enumerate((20, 60, 120)):
        top = high.rolling(24 * days, min_periods=1).max().shift(24).to_numpy()[rows]
        bottom = low.rolling(24 * days, min_periods=1).min().shift(24).to_numpy()[rows]
        full = slice(121, None)
        assert (((given.channel_up[:, column] >> bit) & 1)[full] == (close > top)[full]).all()
        assert (
            ((given.channel_down[:, column] >> bit) & 1)[full] == (close < (top + bottom) / 2)[full]
        ).all()


def test_in_a_panic_most_coins_are_one_cluster_and_betas_are_sane(grid: Grid):
    held = daily_structure(grid, 0)
    calm, panic = ((hour(*date) - held.day_first) // 24 for date in ((2021, 4, 1), (2022, 6, 25)))
    alive = grid.valid[hour(2022, 6, 25) - grid.first]
    largest = [np.bincount(held.cluster[at][alive]).max() for at in (calm, panic)]
    assert largest[1] > largest[0]
    assert held.beta[:, grid.btc] == pytest.approx(1.0)
    seen = held.beta[panic][alive]
    assert (seen > 0.3).all()
    assert (seen < 2.0).all()
