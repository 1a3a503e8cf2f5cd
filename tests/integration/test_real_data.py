"""What is known of the real market data holds after an import."""

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from adapters.bars import BarStore
from adapters.coverage import deviation
from adapters.importing.run import Imported, import_path
from adapters.status import survey
from trading.clock import TradingHour
from trading.quality import usability

NOW_S = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp())
FOLDERS = {
    "hourly/binance": "binance",
    "hourly/kraken": "kraken",
    "kraken/ohlcvt": "kraken",
    "kraken/trades": "kraken",
    "hourly/coinbase": "coinbase",
}

CORE = "BTC ETH XRP SOL ADA DOGE LINK LTC BCH AVAX DOT NEAR TRX XLM XTZ"
"""The panel that has no hole of its own since October 2020."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def results(home: Path, market_data: Path) -> dict[str, list[Imported]]:
    def read(folder: str, venue: str) -> list[Imported]:
        return import_path(market_data / folder, venue, home, NOW_S, lambda *_: None)

    return {folder: read(folder, venue) for folder, venue in FOLDERS.items()}


@pytest.fixture(scope="module")
def store(home: Path, results: dict[str, list[Imported]]) -> BarStore:
    return BarStore(home / "bars")


def asof(text: str) -> int:
    return TradingHour.at(datetime.fromisoformat(text).replace(tzinfo=UTC)).number


def test_every_row_of_every_file_comes_in(
    results: dict[str, list[Imported]], market_data: Path, store: BarStore
) -> None:
    assert {result.status for folder in results.values() for result in folder} == {"imported"}
    for folder in ("hourly/binance", "hourly/coinbase", "hourly/kraken"):
        for result in results[folder]:
            rows = pl.scan_parquet(market_data / folder / result.file).select(pl.len()).collect().item()
            assert (result.hours, result.added, result.quarantined) == (rows, rows, 0)
    assert len(store.instruments("binance")) == 30


def test_krakens_own_layouts_rebuild_the_same_hours(results: dict[str, list[Imported]]) -> None:
    by_file = {result.file: result for result in results["kraken/ohlcvt"]}
    assert {file: (r.instrument, r.hours, r.added) for file, r in by_file.items()} == {
        "ETHUSD_60.csv": ("ETH/USD", 63_568, 0),
        "STORJUSD_60.csv": ("STORJ/USD", 1_508, 0),
        "XBTUSD_15.csv": ("BTC/USD", 2_160, 0),
        "XBTUSD_5.csv": ("BTC/USD", 2_160, 0),
        "XBTUSD_60.csv": ("BTC/USD", 70_253, 0),
    }
    # The file was cut inside its last hour, and that half bar is all that disagrees.
    assert by_file["XBTUSD_60.csv"].notes == ("line 70253: differs from the stored bar",)
    assert sum(result.quarantined for result in by_file.values()) == 1
    (trades,) = results["kraken/trades"]
    assert (trades.instrument, trades.hours) == ("BCH/EUR", 23)


def test_in_the_other_order_the_half_bar_is_finished(
    market_data: Path, tmp_path: Path, store: BarStore
) -> None:
    for name in ("XBTUSD_60.csv", "XBTUSD_15.csv"):
        (result,) = import_path(
            market_data / "kraken/ohlcvt" / name, "kraken", tmp_path, NOW_S, lambda *_: None
        )
    assert (result.added, result.finished, result.quarantined) == (2_160 - 154, 1, 0)
    bars = BarStore(tmp_path / "bars").read("kraken", "BTC/USD")
    assert bars["close"].equals(store.read("kraken", "BTC/USD")["close"])


def test_the_known_exchange_halts_are_gaps_in_the_manifest(home: Path, store: BarStore) -> None:
    halts = {
        "2020-11-30T06:00": 1,
        "2020-12-21T14:00": 4,
        "2020-12-25T02:00": 1,
        "2021-02-11T04:00": 1,
        "2021-03-06T02:00": 1,
        "2021-04-20T02:00": 2,
        "2021-04-25T05:00": 3,
        "2021-08-13T02:00": 4,
        "2021-09-29T07:00": 2,
        "2023-03-24T13:00": 1,
    }
    # Named by the bars' opens; the manifest names the asof, an hour later.
    expected = [
        {"first": str(TradingHour(asof(opened) + 1)), "hours": hours} for opened, hours in halts.items()
    ]
    held = json.loads((home / "bars/binance/manifest.json").read_text())["instruments"]
    for instrument in ("BTC/USDT", "ETH/USDT", "DOGE/USDT"):
        since = [gap for gap in held[instrument]["gaps"] if gap["first"] > "2020-10-15"]
        assert since == expected
    kraken = json.loads((home / "bars/kraken/manifest.json").read_text())["instruments"]
    outage = [
        gap["hours"] for gap in kraken["BTC/USD"]["gaps"] if "2018-01-11" <= gap["first"] < "2018-01-14"
    ]
    assert sum(outage) > 40


def test_the_link_wick_is_kept_and_pointed_out(home: Path, store: BarStore) -> None:
    held = json.loads((home / "bars/binance/manifest.json").read_text())["instruments"]
    assert held["LINK/USDT"]["wicks"] == ["2020-03-12T11:00Z"]
    hour = asof("2020-03-12T11:00")
    bar = store.read("binance", "LINK/USDT", hour, hour)
    assert (bar["low"].item(), bar["close"].item()) == (0.0001, 2.4693)


def test_kraken_and_binance_agree_within_a_few_basis_points(store: BarStore) -> None:
    since = asof("2020-01-01T00:00")
    for base in ("BTC", "ETH"):
        kraken, binance = (
            store.read("kraken", f"{base}/USD", since),
            store.read("binance", f"{base}/USDT", since),
        )
        apart = deviation(kraken, binance)
        assert apart is not None
        assert apart.hours > 28_000
        assert apart.median_bp < 6


def test_status_compares_the_venues(store: BarStore) -> None:
    lines = survey(store, ["coinbase"], datetime(2025, 1, 1, 12, tzinfo=UTC))
    assert [line["instrument"] for line in lines] == ["ADA/USD", "BTC/USD", "ETH/USD", "SOL/USD"]
    for line in lines:
        assert (line["age_h"], line["behind_newest_h"]) == (12.0, 0)
        (binance,) = [other for other in line["deviations"] if other["venue"] == "binance"]
        assert binance["median_bp"] < 15
        assert not binance["same_quote"]


def test_the_core_panel_is_usable_but_for_the_halts(store: BarStore) -> None:
    first, last = asof("2020-10-16T00:00"), asof("2025-01-01T00:00")
    grid = store.grid("binance", first, last, [f"{base}/USDT" for base in CORE.split()])
    assert grid.valid.all()
    unusable, refused = usability(grid)
    assert 0 < refused.mean() < 0.01
    halts = grid.stale.all(axis=1)
    # Twenty missing hours, and two before a halt that the source filled with empty bars.
    assert halts.sum() == 20 + 2
    assert (refused | ~halts).all()
    assert unusable.mean() < 0.01
    assert np.isfinite(grid.volume).all()


def test_coins_that_ended_stay_in_history(store: BarStore) -> None:
    end = asof("2024-05-08T06:00")
    grid = store.grid("binance", end - 10, end + 20, ["EOS/USDT", "BTC/USDT"])
    eos = grid.column("EOS/USDT")
    assert grid.valid[:17, eos].all()
    assert not grid.valid[17:, eos].any()
