"""The reviewed tick and lot sizes."""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from adapters.importing.names import pair
from config.instruments import grid_for, load
from trading.errors import UsageError


def test_every_pair_has_a_usable_grid() -> None:
    for name, instrument in load().items():
        assert name == instrument.name
        assert instrument.tick_e8 > 0
        assert instrument.order_min_lots > 0
        assert instrument.cost_min_e8 == 50_000_000


def test_another_quote_has_the_grid_of_its_base() -> None:
    assert grid_for("BTC/USDT") == load()["BTC/USD"]._replace(name="BTC/USDT")


def test_an_unknown_base_says_where_to_add_it() -> None:
    with pytest.raises(UsageError, match=r"add NOPE to config/instruments\.json"):
        grid_for("NOPE/USD")


def test_the_grids_are_those_that_kraken_published(market_data: Path) -> None:
    reply = json.loads((market_data / "kraken/rest/AssetPairs.json").read_text())
    published = {
        pair(entry["wsname"]): entry
        for entry in reply.get("result", reply).values()
        if entry.get("wsname", "").endswith("/USD")
    }
    delisted = {"MATIC/USD", "EOS/USD", "FTM/USD"}
    for name, instrument in load().items():
        if name in delisted:
            assert name not in published
            continue
        entry = published[name]
        assert instrument.tick == Decimal(entry["tick_size"])
        assert instrument.lot_decimals == entry["lot_decimals"]
        assert instrument.quantity(instrument.order_min_lots) == Decimal(entry["ordermin"])
        assert Decimal(instrument.cost_min_e8) / 10**8 == Decimal(entry["costmin"])


def test_every_base_of_the_market_data_has_a_grid(market_data: Path) -> None:
    for file in (market_data / "hourly").rglob("*.parquet"):
        assert grid_for(pair(file.stem)).tick_e8 > 0
