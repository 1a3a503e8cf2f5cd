"""Public methods: what is asked, and what is made of answers in Kraken's shapes."""

from decimal import Decimal
from typing import Any

import httpx
import pytest

from trading.errors import DataError, VenueRefused, VenueUnavailable

PAIR = {
    "altname": "XBTUSD",
    "wsname": "XBT/USD",
    "aclass_base": "currency",
    "base": "XXBT",
    "aclass_quote": "currency",
    "quote": "ZUSD",
    "lot": "unit",
    "cost_decimals": 5,
    "pair_decimals": 1,
    "lot_decimals": 8,
    "lot_multiplier": 1,
    "leverage_buy": [2, 3],
    "leverage_sell": [2, 3],
    "fees": [],
    "fees_maker": [],
    "ordermin": "0.00005",
    "costmin": "0.5",
    "tick_size": "0.1",
    "status": "online",
}
TICKER = {
    "a": ["68342.4", "1", "1.000"],
    "b": ["68342.3", "6", "6.000"],
    "c": ["68365.1", "0.002"],
    "v": ["415.1", "2774.1"],
    "p": ["68275.6", "68045.1"],
    "t": [23209, 75935],
    "l": ["67745.2", "65196.2"],
    "h": ["68855.4", "70000.0"],
    "o": "67978.6",
}


def test_time_and_status(public: Any, kraken: Any) -> None:
    kraken.says("Time", {"unixtime": 1790000000, "rfc1123": "Sun,  2 Aug 26 05:06:45 +0000"})
    kraken.says("SystemStatus", {"status": "online", "timestamp": "2026-02-26T11:09:53Z"})
    assert public.time().unixtime == 1790000000
    assert public.system_status().status == "online"
    assert kraken.requests[0].method == "GET"
    assert kraken.requests[0].headers["User-Agent"] == "ballast"
    assert kraken.requests[0].headers["Accept-Encoding"] == "identity"
    assert "API-Key" not in kraken.requests[0].headers


def test_assets_and_pairs(public: Any, kraken: Any) -> None:
    asset = {
        "aclass": "currency",
        "altname": "XBT",
        "decimals": 10,
        "display_decimals": 5,
        "status": "enabled",
    }
    kraken.says("Assets", {"XXBT": asset})
    kraken.says("AssetPairs", {"XXBTZUSD": PAIR})
    assert public.assets()["XXBT"].decimals == 10
    pair = public.asset_pairs()["XXBTZUSD"]
    assert (pair.tick_size, pair.ordermin) == (Decimal("0.1"), Decimal("0.00005"))


def test_a_ticker_gives_touch_and_volume(public: Any, kraken: Any) -> None:
    kraken.says("Ticker", {"XXBTZUSD": TICKER})
    ticker = public.tickers("XBTUSD", "ETHUSD")["XXBTZUSD"]
    assert (ticker.bid, ticker.ask, ticker.last) == (
        Decimal("68342.3"),
        Decimal("68342.4"),
        Decimal("68365.1"),
    )
    assert ticker.volume_24h == Decimal("2774.1")
    public.tickers()
    assert [fields for _, fields in kraken.asked] == [{"pair": "XBTUSD,ETHUSD"}, {}]


def test_book_and_spreads(public: Any, kraken: Any) -> None:
    book = {"asks": [["2.0", "0.136", 1762820248]], "bids": [["1.9", "3", 1762820191]]}
    kraken.says("Depth", {"XXBTZUSD": book})
    kraken.says("Spread", {"XXBTZUSD": [[1762820191, "1.9", "2.0"]], "last": 1762820192})
    assert public.book("XBTUSD", 1).asks[0].price == Decimal("2.0")
    assert public.spreads("XBTUSD").rows[0].bid == Decimal("1.9")
    kraken.answers.clear()
    kraken.says("Depth", {})
    with pytest.raises(DataError, match="0 books for XBTUSD"):
        public.book("XBTUSD")


def test_rows_are_found_under_whatever_name_the_pair_has(public: Any, kraken: Any) -> None:
    trade = ["105433.6", "0.00027625", 1762795433.9717445, "b", "l", "", 10218208]
    kraken.says("Trades", {"BTC/USD": [trade], "last": "1762795433971744500"})
    page = public.trades("XBTUSD", 5)
    assert page.rows[0].time == Decimal("1762795433.9717445")
    assert page.last == 1762795433971744500
    assert kraken.asked[0][1] == {"pair": "XBTUSD", "since": "5", "count": "1000"}


@pytest.mark.parametrize(
    "result",
    [
        {"XXBTZUSD": []},
        {"XXBTZUSD": [], "XETHZUSD": [], "last": 1},
        {"XXBTZUSD": [[1, "1", "1", "1", "1", "1", "1"]], "last": 1},
        {"XXBTZUSD": [[1, "0", "1", "1", "1", "1", "1", 1]], "last": 1},
        {"XXBTZUSD": [[1, "1e400", "1", "1", "1", "1", "1", 1]], "last": 1},
        {"XXBTZUSD": [[1, "1", "1", "1", "1", "1", "1e-30", 1]], "last": 1},
        {"XXBTZUSD": [[1, "NaN", "1", "1", "1", "1", "1", 1]], "last": 1},
        {"XXBTZUSD": "x", "last": 1},
        {"XXBTZUSD": [], "last": -1},
        "text",
        7,
    ],
)
def test_another_shape_is_a_data_error_that_shows_no_value(public: Any, kraken: Any, result: Any) -> None:
    kraken.says("OHLC", result)
    with pytest.raises(DataError, match="does not fit"):
        public.candles("XBTUSD")
    assert kraken.count("OHLC") == 1


@pytest.mark.parametrize(
    "response",
    [
        httpx.Response(200, content=b""),
        httpx.Response(200, content=b"<html>one moment</html>"),
        httpx.Response(200, content=b"\xff\xfe"),
        httpx.Response(200, content=b"[]"),
        httpx.Response(200, content=b'{"error":[],"result":null}'),
        httpx.Response(200, content=b'{"error":[]}'),
        httpx.Response(200, content=b'{"error":{},"result":{}}'),
        httpx.Response(200, content=b'{"error":[7],"result":{}}'),
        httpx.Response(200, content=b'{"error":[],"result":{},"result":{}}'),
        httpx.Response(200, content=b'{"error":[],"result":NaN}'),
        httpx.Response(200, content=b"[" * 200_000),
        httpx.Response(200, content=b'{"error":[],"result":' + b"9" * 9_000 + b"}"),
        httpx.Response(301, headers={"Location": "https://elsewhere.test"}),
        httpx.ReadError("reset"),
        httpx.RemoteProtocolError("peer closed"),
    ],
)
def test_damage_is_asked_for_again_and_then_given_up(public: Any, kraken: Any, response: Any) -> None:
    kraken.says("Time", response)
    with pytest.raises(VenueUnavailable, match=r"(damaged answer|HTTP 301|no answer)"):
        public.time()
    assert kraken.count("Time") == 4


def test_an_encoding_that_was_not_asked_for_is_damage(public: Any, kraken: Any) -> None:
    kraken.says(
        "Time",
        lambda _: httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=httpx.ByteStream(b"x")),
    )
    with pytest.raises(VenueUnavailable, match="encoded as gzip"):
        public.time()


def test_a_second_answer_after_damage_is_taken(public: Any, kraken: Any, clock: Any) -> None:
    kraken.says("Time", httpx.Response(200, content=b"{"), httpx.Response(520), {"unixtime": 5})
    assert public.time().unixtime == 5
    assert 1.5 <= clock.slept <= 6


def test_public_calls_keep_a_second_between_them(public: Any, kraken: Any, clock: Any) -> None:
    kraken.says("Time", {"unixtime": 5})
    for _ in range(4):
        public.time()
    assert clock.slept == pytest.approx(3, abs=0.01)


def test_an_unknown_pair_is_refused_once(public: Any, kraken: Any) -> None:
    kraken.says("OHLC", ["EQuery:Unknown asset pair"])
    with pytest.raises(VenueRefused, match="read AssetPairs anew"):
        public.candles("XBT/USD")
    assert kraken.count("OHLC") == 1
