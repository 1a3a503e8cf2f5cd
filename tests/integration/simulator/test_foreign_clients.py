"""Clients of Kraken that we did not write trade here unchanged: only the address is ours.

With `-s` the sessions that trade can be read along; `docs/evidence/simulator.md` keeps one of each.
"""

import sys
from collections.abc import Iterator
from typing import Any

import ccxt
import pytest
from kraken.exceptions import KrakenInsufficientFundsError
from kraken.spot import Market, Trade, User

from tests.venue import KEY, QUIET, SECRET, Served, served, to_first_event, venue

NAMES = ("BTC/USD", "DOGE/USD", "ETH/USD", "SOL/USD")
LINE = 112
ID = "6d1b345e-2821-40e2-ad83-4ecb18a06876"


@pytest.fixture
def place() -> Iterator[Served]:
    with served(to_first_event(venue(*[QUIET] * 30, names=NAMES))) as running:
        yield running


@pytest.fixture
def ccxt_client(place: Served) -> ccxt.kraken:
    urls = {"api": {"public": place.address, "private": place.address}}
    return ccxt.kraken({"apiKey": KEY, "secret": SECRET, "enableRateLimit": False, "urls": urls})


class Aloud:
    """A client whose calls and answers, cut short, go to stdout."""

    def __init__(self, name: str, client: Any) -> None:
        self._name, self._client = name, client

    def __getattr__(self, method: str) -> Any:
        def told(*values: Any, **named: Any) -> Any:
            answer = getattr(self._client, method)(*values, **named)
            given = [*map(repr, values), *(f"{name}={value!r}" for name, value in named.items())]
            sys.stdout.write(f"{self._name}.{method}({', '.join(given)})\n    {shortened(answer)}\n")
            return answer

        return told


def shortened(answer: Any) -> str:
    """What an answer says, in a line: of ccxt's rows the fields that it made of Kraken's."""
    rows = answer if isinstance(answer, list) else [answer]
    if rows and isinstance(rows[0], dict) and "info" in rows[0]:
        wanted = ("id", "status", "side", "amount", "price", "average", "filled", "total", "used", "taker")
        rows = [{name: row[name] for name in wanted if row.get(name) is not None} for row in rows]
    line = repr(rows if isinstance(answer, list) else rows[0])
    return line if len(line) <= LINE else f"{line[: LINE - 2]} …"


def test_ccxt_reads_markets_prices_and_candles(place: Served, ccxt_client: ccxt.kraken) -> None:
    markets = ccxt_client.load_markets()
    assert len(markets) >= 50
    bitcoin = markets["BTC/USD"]
    assert (bitcoin["precision"], bitcoin["limits"]["amount"]["min"]) == (
        {"amount": 1e-08, "price": 0.1},
        0.00005,
    )
    assert {name for name, market in markets.items() if market["active"]} == set(NAMES)
    assert ccxt_client.fetch_ticker("BTC/USD")["last"] == 8000
    place.control("advance", bars=24)
    candles = ccxt_client.fetch_ohlcv("BTC/USD", "1h")
    assert len(candles) == 27
    assert candles[-2][1:5] == [8000, 8010, 7990, 8000]
    book = ccxt_client.fetch_order_book("BTC/USD", 10)
    assert book["bids"][0][0] < 8000 < book["asks"][0][0]
    assert ccxt_client.fetch_trades("BTC/USD")[-1]["price"] == 8000
    assert ccxt_client.fetch_status()["status"] == "ok"
    assert ccxt_client.fetch_time() == place.control("clock")["now_s"] * 1000


def test_ccxt_trades_and_reads_its_history(place: Served, ccxt_client: ccxt.kraken) -> None:
    ccxt_client = Aloud("ccxt", ccxt_client)
    assert ccxt_client.fetch_balance()["total"] == {"USD": 100_000, **{name[:-4]: 2 for name in NAMES}}
    bought = ccxt_client.create_order("BTC/USD", "market", "buy", 0.5)
    shown = ccxt_client.fetch_order(bought["id"])
    assert (shown["status"], shown["filled"], shown["side"]) == ("closed", 0.5, "buy")
    assert shown["average"] == pytest.approx(8_000, rel=0.005)
    resting = ccxt_client.create_order(
        "BTC/USD", "limit", "buy", 0.25, 7_000, {"clientOrderId": ID, "postOnly": True}
    )
    assert ccxt_client.fetch_open_orders("BTC/USD")[0]["clientOrderId"] == ID
    assert ccxt_client.fetch_balance()["used"]["USD"] == pytest.approx(0.25 * 7_000 * 1.004)
    ccxt_client.cancel_order(resting["id"])
    assert ccxt_client.fetch_open_orders() == []
    sold = ccxt_client.create_order("BTC/USD", "limit", "sell", 0.5, 7_950)
    assert {each["id"]: each["status"] for each in ccxt_client.fetch_closed_orders()} == {
        bought["id"]: "closed",
        resting["id"]: "canceled",
        sold["id"]: "closed",
    }
    trades = ccxt_client.fetch_my_trades("BTC/USD")
    assert sorted(each["side"] for each in trades) == ["buy", "sell"]
    costs = sum(each["cost"] * (1 if each["side"] == "sell" else -1) - each["fee"]["cost"] for each in trades)
    assert ccxt_client.fetch_balance()["total"]["USD"] == pytest.approx(100_000 + costs, abs=1e-6)
    assert ccxt_client.fetch_trading_fee("BTC/USD")["taker"] == 0.004
    assert len(ccxt_client.fetch_ledger("USD")) == 3


def test_ccxt_reads_our_refusals_as_krakens(place: Served, ccxt_client: ccxt.kraken) -> None:
    with pytest.raises(ccxt.InsufficientFunds):
        ccxt_client.create_order("BTC/USD", "limit", "buy", 500, 7_000)
    with pytest.raises(ccxt.InvalidOrder):
        ccxt_client.create_order("BTC/USD", "limit", "buy", 0.00001, 7_000)
    with pytest.raises(ccxt.InvalidOrder):
        ccxt_client.cancel_order("OAAAAA-AAAAA-AAAAAA")
    ccxt_client.secret = "c29tZWJvZHkgZWxzZQ=="
    with pytest.raises(ccxt.ExchangeError, match="EAPI:Invalid signature"):
        ccxt_client.fetch_balance()
    place.control("fault", kind="http", args={"status": 502})
    with pytest.raises(ccxt.ExchangeNotAvailable):
        ccxt_client.fetch_ticker("BTC/USD")
    place.control("clear")
    place.control("fault", kind="mode", args={"status": "cancel_only"})
    ccxt_client.secret = SECRET
    with pytest.raises(ccxt.OnMaintenance):
        ccxt_client.create_order("BTC/USD", "limit", "buy", 0.1, 7_000)


def test_the_kraken_sdk_reads_markets_prices_and_candles(place: Served) -> None:
    market = Market(url=place.address)
    assert market.get_asset_pairs(pair="XBTUSD")["XXBTZUSD"]["tick_size"] == "0.1"
    assert market.get_assets(assets="XBT")["XXBT"]["decimals"] == 10
    assert market.get_ticker(pair="XBTUSD")["XXBTZUSD"]["c"][0] == "8000.00000"
    assert len(market.get_ohlc(pair="XBTUSD", interval=60)["XXBTZUSD"]) == 3
    assert market.get_system_status()["status"] == "online"
    assert len(market.get_order_book(pair="XDGUSD", count=5)["XDGUSD"]["asks"]) == 5
    assert market.get_recent_trades(pair="XBTUSD")["last"].isdigit()
    assert len(market.get_recent_spreads(pair="XBTUSD")["XXBTZUSD"]) > 1


def test_the_kraken_sdk_trades_and_reads_its_history(place: Served) -> None:
    kinds = {"user": User, "trade": Trade}
    user, trade = (Aloud(name, kind(KEY, SECRET, url=place.address)) for name, kind in kinds.items())
    assert user.get_account_balance()["XXBT"] == "2.0000000000"
    limit = trade.create_order(
        ordertype="limit",
        side="buy",
        pair="XBTUSD",
        volume="0.01",
        price="7000",
        oflags=["post"],
        cl_ord_id=ID,
    )["txid"][0]
    assert list(user.get_open_orders()["open"]) == [limit]
    assert trade.amend_order(txid=limit, limit_price="7100.0")["amend_id"]
    market = trade.create_order(ordertype="market", side="sell", pair="ETHUSD", volume="1")["txid"][0]
    assert user.get_orders_info(txid=market)[market]["status"] == "closed"
    assert trade.cancel_order(txid=limit)["count"] == 1
    assert user.get_closed_orders()["count"] == 2
    history = user.get_trades_history()
    (row,) = history["trades"].values()
    assert (history["count"], row["pair"], row["vol"]) == (1, "XETHZUSD", "1.00000000")
    assert user.get_ledgers_info(asset="XETH")["count"] == 2
    assert user.get_trade_volume(pair="XBTUSD", fee_schedule=True)["currency"] == "ZUSD"
    assert trade.cancel_all_orders_after_x(timeout=60)["triggerTime"]
    assert trade.cancel_all_orders()["count"] == 0
    with pytest.raises(KrakenInsufficientFundsError):
        trade.create_order(ordertype="market", side="sell", pair="XBTUSD", volume="3")
