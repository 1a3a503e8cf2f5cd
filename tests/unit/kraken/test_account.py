"""Catalogue, fees and the checks at start-up."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from adapters.kraken.catalogue import Catalogue
from adapters.kraken.fees import fees_of
from adapters.kraken.schemas_private import FeeTier, TradeVolume
from adapters.kraken.schemas_public import AssetPair
from adapters.kraken.startup import check_clock, check_key, check_online, check_spot_only
from config.instruments import load
from trading.config import Fees
from trading.errors import DataError, UsageError, VenueUnavailable
from trading.instruments import Instrument

FLOOR = Fees(4_000, 8_000)
GOOD = [
    "query-funds",
    "query-open-trades",
    "query-closed-trades",
    "query-ledger",
    "modify-trades",
    "close-trades",
]


def pair(altname: str, base: str, quote: str = "ZUSD", **changes: Any) -> AssetPair:
    row = {
        "altname": altname,
        "base": base,
        "quote": quote,
        "pair_decimals": 1,
        "lot_decimals": 8,
        "ordermin": "0.00005",
        "costmin": "0.5",
        "tick_size": "0.1",
        "status": "online",
    }
    return AssetPair.model_validate(row | changes)


PAIRS = {
    "XXBTZUSD": pair("XBTUSD", "XXBT"),
    "XDGUSD": pair("XDGUSD", "XXDG", tick_size="0.0000001", status="cancel_only", ordermin="12.999999999"),
    "PEPEUSD": pair("PEPEUSD", "PEPE", tick_size="0.000000001"),
    "TSLAxUSD": pair("TSLAxUSD", "TSLAx", aclass_base="tokenized_asset"),
    "XBTUSD:BTNL": pair("XBTUSD:BTNL", "XXBT", execution_venue="bitnomial_exchange"),
}


def test_the_catalogue_has_one_name_for_all_spellings() -> None:
    catalogue = Catalogue(PAIRS)
    assert catalogue.names() == ["BTC/USD", "DOGE/USD"]
    assert catalogue.id("BTC/USD") == "XXBTZUSD"
    assert {catalogue.name(spelling) for spelling in ("XXBTZUSD", "XBTUSD")} == {"BTC/USD"}
    assert (catalogue.is_online("BTC/USD"), catalogue.is_online("DOGE/USD")) == (True, False)
    assert catalogue.instrument("BTC/USD") == Instrument("BTC/USD", 10_000_000, 8, 5_000, 50_000_000)
    assert catalogue.instrument("DOGE/USD").order_min_lots == 1_300_000_000
    with pytest.raises(DataError, match="read AssetPairs anew"):
        catalogue.name("PEPEUSD")
    with pytest.raises(UsageError, match="PEPE/USD"):
        catalogue.instrument("PEPE/USD")


def test_two_pairs_of_one_name_are_no_catalogue() -> None:
    with pytest.raises(DataError, match="two pairs one name"):
        Catalogue({"XXBTZUSD": PAIRS["XXBTZUSD"], "BTCUSD": PAIRS["XXBTZUSD"]})


def test_the_venues_list_of_january_is_the_reviewed_grid(market_data: Path) -> None:
    rows = json.loads((market_data / "kraken" / "rest" / "AssetPairs.json").read_bytes())["result"]
    catalogue = Catalogue(TypeAdapter(dict[str, AssetPair]).validate_python(rows))
    assert len(catalogue.names()) > 1_300
    known = {name: grid for name, grid in load().items() if name in catalogue.names()}
    assert len(known) > 45
    assert {name: catalogue.instrument(name) for name in known} == known


def volume(taker: str | None, maker: str | None) -> TradeVolume:
    def tiers(fee: str | None) -> dict[str, FeeTier]:
        return {} if fee is None else {"XXBTZUSD": FeeTier(fee=Decimal(fee))}

    return TradeVolume(fees=tiers(taker), fees_maker=tiers(maker))


@pytest.mark.parametrize(
    ("taker", "maker", "fees"),
    [
        ("0.8000", "0.4000", Fees(4_000, 8_000)),
        ("1.2", "0.6", Fees(6_000, 12_000)),
        ("1.2", None, Fees(12_000, 12_000)),
        (None, None, FLOOR),
        ("0.0000", "-0.02", FLOOR),
        ("0.26", "0.16", FLOOR),
        ("0.90001", "0.40009", Fees(4_001, 9_001)),
    ],
)
def test_fees_are_the_accounts_own_and_never_below_the_floor(
    taker: str | None, maker: str | None, fees: Fees
) -> None:
    assert fees_of(volume(taker, maker), "XXBTZUSD", FLOOR) == fees


@given(st.decimals(-1, 5, places=4), st.decimals(-1, 5, places=4))
def test_no_answer_makes_trading_free(taker: Decimal, maker: Decimal) -> None:
    fees = fees_of(volume(str(taker), str(maker)), "XXBTZUSD", FLOOR)
    assert fees.maker_ppm >= max(FLOOR.maker_ppm, maker * 10_000)
    assert fees.taker_ppm >= max(FLOOR.taker_ppm, taker * 10_000)


def test_an_absurd_fee_is_damage() -> None:
    with pytest.raises(DataError, match="asks 80"):
        fees_of(volume("80", "40"), "XXBTZUSD", FLOOR)


def test_the_venue_is_asked_for_the_fees_of_named_pairs(private: Any, kraken: Any) -> None:
    tier = {
        "fee": "0.9000",
        "minfee": "0.05",
        "maxfee": "0.9",
        "nextfee": None,
        "nextvolume": None,
        "tiervolume": None,
    }
    kraken.says(
        "TradeVolume", {"currency": "ZUSD", "volume": "0.0", "fees": {"XXBTZUSD": tier}, "fees_maker": {}}
    )
    found = private.trade_volume(["XXBTZUSD", "XETHZUSD"])
    assert kraken.asked[0][1]["pair"] == "XXBTZUSD,XETHZUSD"
    assert fees_of(found, "XXBTZUSD", FLOOR) == Fees(9_000, 9_000)
    assert fees_of(found, "XETHZUSD", FLOOR) == FLOOR


@pytest.mark.parametrize("style", ["apiKeyName", "api_key_name"])
def test_a_key_that_may_trade_and_no_more_is_welcome(private: Any, kraken: Any, style: str) -> None:
    kraken.says("GetApiKeyInfo", {style: "ballast", "permissions": GOOD})
    check_key(private)
    assert private.key_info().name == "ballast"


@pytest.mark.parametrize(
    ("permissions", "complaint"),
    [
        ([*GOOD, "withdraw-funds"], "may withdraw-funds; make a key without"),
        ([*GOOD, "add-withdraw-address"], "make a key without"),
        ([*GOOD, "Withdraw everything"], "make a key without"),
        (GOOD[1:], "lacks query-funds"),
        ([], "lacks close-trades"),
    ],
)
def test_a_key_that_may_too_much_or_too_little_is_refused(
    private: Any, kraken: Any, permissions: list[str], complaint: str
) -> None:
    kraken.says("GetApiKeyInfo", {"permissions": permissions})
    with pytest.raises(UsageError, match=complaint):
        check_key(private)


def test_a_key_of_unreadable_permissions_is_refused(private: Any, kraken: Any) -> None:
    kraken.says("GetApiKeyInfo", {"name": "ballast"})
    with pytest.raises(DataError, match="permissions"):
        check_key(private)


FLAT = {"eb": "100.0", "tb": "100.0", "m": "0.0000", "n": "0.0", "e": "100.0", "mf": "100.0"}


@pytest.mark.parametrize(
    ("positions", "totals", "balances", "complaint"),
    [
        ({"TF5GVO-T7ZZ2-6NBKBI": {"pair": "XXBTZUSD"}}, FLAT, {}, "1 open margin positions"),
        ({}, FLAT | {"m": "12500.0"}, {}, "some open margin positions"),
        ({}, FLAT | {"ml": "1587.99"}, {}, "some open margin positions"),
        ({}, FLAT, {"ZUSD": {"balance": "1", "credit": "9", "credit_used": "2"}}, "owes ZUSD"),
    ],
)
def test_an_account_with_margin_is_refused(
    private: Any, kraken: Any, positions: Any, totals: Any, balances: Any, complaint: str
) -> None:
    kraken.says("OpenPositions", positions)
    kraken.says("TradeBalance", totals)
    kraken.says("BalanceEx", balances)
    with pytest.raises(UsageError, match=complaint):
        check_spot_only(private)


def test_a_spot_account_is_welcome(private: Any, kraken: Any) -> None:
    kraken.says("OpenPositions", {})
    kraken.says("TradeBalance", FLAT)
    kraken.says("BalanceEx", {"ZUSD": {"balance": "100.0"}})
    check_spot_only(private)
    assert kraken.count("OpenPositions") == 1


def test_a_wrong_clock_and_a_resting_venue_are_told(public: Any, kraken: Any, clock: Any) -> None:
    now_s = int(clock.now().timestamp())
    kraken.says("Time", {"unixtime": now_s - 5}, {"unixtime": now_s - 300})
    check_clock(public, clock.now())
    with pytest.raises(UsageError, match=r"\+30\d s off Kraken's"):
        check_clock(public, clock.now())
    kraken.says("SystemStatus", {"status": "online"}, {"status": "maintenance"})
    check_online(public)
    with pytest.raises(VenueUnavailable, match="in maintenance"):
        check_online(public)
