"""The generated market is the same everywhere and shaped like a market."""

import hashlib

import numpy as np
import polars as pl
import pytest

from adapters.bars import BarStore
from config.instruments import grid_for
from simulator.generator import generate
from trading.errors import UsageError
from trading.grid import dense
from trading.quality import SCHEMA

HOURS, FIRST = 10_000, 447_073


@pytest.fixture(scope="module")
def market() -> dict[str, pl.DataFrame]:
    return generate(7, HOURS, 12, FIRST)


def digest(market: dict[str, pl.DataFrame]) -> str:
    total = hashlib.sha256()
    for name, frame in sorted(market.items()):
        total.update(name.encode())
        for column in frame.columns[1:]:
            total.update(np.ascontiguousarray(frame[column].to_numpy()).tobytes())
    return total.hexdigest()[:16]


def test_a_seed_has_one_market_on_every_machine(market: dict[str, pl.DataFrame]) -> None:
    assert digest(market) == digest(generate(7, HOURS, 12, FIRST)) == "dca7e5809f77371a"
    assert digest(market) != digest(generate(8, HOURS, 12, FIRST))


def test_bars_have_the_schema_and_sane_prices_on_the_tick(market: dict[str, pl.DataFrame]) -> None:
    for name, frame in market.items():
        assert frame.schema == SCHEMA
        assert frame.filter(
            (pl.col("high") < pl.max_horizontal("open", "close"))
            | (pl.col("low") > pl.min_horizontal("open", "close"))
            | (pl.col("low") <= 0)
        ).is_empty()
        tick_e8 = grid_for(name).tick_e8
        units = np.rint(frame["close"].to_numpy() * 1e8).astype(np.int64)
        assert (units % tick_e8 == 0).all()


def test_one_instrument_lists_and_one_collapses_and_is_delisted(market: dict[str, pl.DataFrame]) -> None:
    grid = dense("generated", market, FIRST, FIRST + HOURS - 1)
    alive = grid.valid[:, :]
    late, gone = grid.column("XLM/USD"), grid.column("ATOM/USD")
    assert not alive[: HOURS // 4, late].any()
    assert alive[-100:, late].any()
    assert not alive[HOURS * 3 // 4 :, gone].any()
    closes = market["ATOM/USD"]["close"]
    assert closes[-1] < 0.6 * closes[-49]


def test_the_exchange_halts_for_all_at_once_and_thin_names_pause_alone(
    market: dict[str, pl.DataFrame],
) -> None:
    grid = dense("generated", market, FIRST, FIRST + HOURS - 1)
    quiet = ~(grid.volume > 0)
    everyone = quiet.all(axis=1)
    assert 9 <= everyone.sum() <= 40
    assert (quiet[:, grid.btc] == everyone).all()
    assert quiet[:, grid.column("BCH/USD")].sum() > 2 * everyone.sum()


def test_assets_move_together_with_fat_tails_and_volume(market: dict[str, pl.DataFrame]) -> None:
    grid = dense("generated", market, FIRST, FIRST + HOURS - 1)
    names = ["BTC/USD", "ETH/USD", "SOL/USD"]
    with np.errstate(invalid="ignore"):
        returns = np.diff(np.log(grid.close[:, [grid.column(name) for name in names]]), axis=0)
    returns = returns[~np.isnan(returns).any(axis=1)]
    assert np.corrcoef(returns.T)[0, 1:].min() > 0.4
    bitcoin = returns[:, 0]
    assert ((bitcoin - bitcoin.mean()) ** 4).mean() / bitcoin.var() ** 2 > 6
    assert 0.3 < bitcoin.std() * np.sqrt(8_766) < 1.2
    frame = market["BTC/USD"]
    move = (frame["close"] / frame["open"] - 1).abs()
    assert np.corrcoef(move.to_numpy(), (frame["volume"] * frame["close"]).to_numpy())[0, 1] > 0.5


def test_a_small_market_is_possible_and_a_senseless_one_refused() -> None:
    assert list(generate(1, 48, 1, 0)) == ["BTC/USD"]
    for hours, instruments in ((47, 1), (100, 0), (100, 21)):
        with pytest.raises(UsageError):
            generate(1, hours, instruments, 0)


def test_a_market_survives_the_bar_store_to_the_bit(market: dict[str, pl.DataFrame], tmp_path) -> None:
    store = BarStore(tmp_path)
    for name, frame in market.items():
        store.write("generated", name, frame)
    assert all(store.read("generated", name).equals(frame) for name, frame in market.items())
