"""Hours from OHLC and from single trades: finished, judged, and the same either way."""

import json
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.kraken.catalogue import Catalogue
from adapters.kraken.market_data import OHLC_HOURS, MarketData
from adapters.kraken.schemas_public import AssetPair
from trading.clock import HOUR_S
from trading.errors import DataError, UsageError
from trading.grid import dense
from trading.quality import SCHEMA

CATALOGUE = Catalogue(
    {
        "XXBTZUSD": AssetPair.model_validate(
            {
                "altname": "XBTUSD",
                "base": "XXBT",
                "quote": "ZUSD",
                "pair_decimals": 1,
                "lot_decimals": 8,
                "ordermin": "0.00005",
                "costmin": "0.5",
                "tick_size": "0.1",
                "status": "online",
            }
        )
    }
)
Trade = tuple[int, str, str]
"""Nanoseconds, price, volume."""


@pytest.fixture
def data(public: Any, clock: Any) -> MarketData:
    return MarketData(public, CATALOGUE, clock)


@pytest.fixture
def now_hour(clock: Any) -> int:
    """Half an hour past this full hour."""
    clock.time += timedelta(minutes=30)
    return int(clock.now().timestamp()) // HOUR_S


def candle(open_hour: int, close: str = "100.0", volume: str = "1.5", count: int = 3) -> list[Any]:
    high, low = str(Decimal(close) + 1), str(Decimal(close) - 1)
    return [open_hour * HOUR_S, close, high, low, close, close, volume, count]


def ohlc(kraken: Any, rows: Sequence[list[Any]], last: int | None = None) -> None:
    kraken.says("OHLC", {"XXBTZUSD": rows, "last": rows[-2][0] if last is None else last})


def asofs(bars: pl.DataFrame) -> list[int]:
    return [seconds // HOUR_S for seconds in bars["asof"].dt.epoch("s")]


def test_the_running_hour_is_dropped_and_bars_are_named_by_their_close(
    data: MarketData, kraken: Any, now_hour: int
) -> None:
    ohlc(kraken, [candle(now_hour - 2), candle(now_hour - 1, "101.0"), candle(now_hour, "999.0")])
    hours = data.recent("BTC/USD", now_hour - 1)
    assert hours.bars.schema == SCHEMA
    assert asofs(hours.bars) == [now_hour - 1, now_hour]
    assert hours.bars["close"].to_list() == [100.0, 101.0]
    assert kraken.asked[0][1]["pair"] == "XXBTZUSD"
    assert (hours.rejected.height, hours.missing) == (0, ())


def test_a_row_after_the_cursor_or_ahead_of_the_clock_is_not_finished(
    data: MarketData, kraken: Any, now_hour: int
) -> None:
    rows = [candle(now_hour - 2), candle(now_hour - 1), candle(now_hour), candle(now_hour + 1)]
    ohlc(kraken, rows, last=rows[0][0])
    assert asofs(data.recent("BTC/USD", now_hour - 1).bars) == [now_hour - 1]
    kraken.answers.clear()
    ohlc(kraken, rows)
    ahead = data.recent("BTC/USD", now_hour - 1)
    assert asofs(ahead.bars) == [now_hour - 1, now_hour]
    assert ahead.rejected["reason"].to_list() == ["not closed yet"]


def test_the_last_row_is_dropped_even_if_cursor_and_clock_call_it_finished(
    data: MarketData, kraken: Any, now_hour: int
) -> None:
    rows = [candle(now_hour - 2), candle(now_hour - 1)]
    ohlc(kraken, rows, last=rows[-1][0])
    assert asofs(data.recent("BTC/USD", now_hour - 1).bars) == [now_hour - 1]


def test_hours_without_a_trade_have_no_bar_and_the_grid_carries_them(
    data: MarketData, kraken: Any, now_hour: int
) -> None:
    empty = [(now_hour - 2) * HOUR_S, "100.0", "100.0", "100.0", "100.0", "0.0000", "0.00000000", 0]
    ohlc(kraken, [candle(now_hour - 3), empty, candle(now_hour - 1, "102.0"), candle(now_hour)])
    bars = data.recent("BTC/USD", now_hour - 2).bars
    assert asofs(bars) == [now_hour - 2, now_hour]
    grid = dense("kraken", {"BTC/USD": bars}, now_hour - 2, now_hour)
    assert grid.close[:, 0].tolist() == [100.0, 100.0, 102.0]
    assert grid.stale[:, 0].tolist() == [False, True, False]


def test_a_span_without_any_trade_is_an_empty_frame(data: MarketData, kraken: Any, now_hour: int) -> None:
    ohlc(kraken, [candle(now_hour - 1, volume="0.0", count=0), candle(now_hour)])
    assert data.recent("BTC/USD", now_hour).bars.is_empty()


def test_a_hole_and_doubled_or_shuffled_rows_are_pointed_out(
    data: MarketData, kraken: Any, now_hour: int
) -> None:
    rows = [candle(now_hour - back) for back in (6, 5, 5, 3, 2, 1, 0)]
    ohlc(kraken, rows)
    hours = data.recent("BTC/USD", now_hour - 6)
    assert hours.missing == (now_hour - 3,)
    assert hours.rejected["reason"].to_list() == ["duplicate"]
    kraken.answers.clear()
    rows = [candle(now_hour - back) for back in (6, 2, 5, 4, 3, 1, 0)]
    ohlc(kraken, rows)
    assert "out of order" in data.recent("BTC/USD", now_hour - 6).rejected["reason"].to_list()


@pytest.mark.parametrize("price", ["0.0000001", "1e17"])
def test_an_absurd_price_is_no_bar(data: MarketData, kraken: Any, now_hour: int, price: str) -> None:
    rows = [candle(now_hour - back) for back in (4, 3, 2, 1, 0)]
    rows[2][1:6] = [price] * 5
    ohlc(kraken, rows)
    hours = data.recent("BTC/USD", now_hour - 4)
    assert now_hour - 1 not in asofs(hours.bars)
    assert hours.rejected.height == 1
    assert hours.missing == ()


def test_hours_beyond_the_720_name_the_two_ways_to_get_them(
    data: MarketData, kraken: Any, now_hour: int
) -> None:
    rows = [candle(now_hour - OHLC_HOURS + i) for i in range(OHLC_HOURS + 1)]
    ohlc(kraken, rows)
    assert data.recent("BTC/USD", now_hour - OHLC_HOURS + 1).bars.height == OHLC_HOURS
    with pytest.raises(DataError, match="rebuild older hours from Trades, or bring in Kraken's archive with"):
        data.recent("BTC/USD", now_hour - OHLC_HOURS)


def test_a_young_pair_simply_begins_later(data: MarketData, kraken: Any, now_hour: int) -> None:
    ohlc(kraken, [candle(now_hour - 2), candle(now_hour - 1), candle(now_hour)])
    assert data.recent("BTC/USD", now_hour - 2_000).bars.height == 2


def served(trades: Sequence[Trade], page: int, strict: bool) -> Any:
    """Kraken's Trades over these rows: after `since`, or from it on; `page` rows at most."""

    def handle_trades(request: httpx.Request) -> httpx.Response:
        since = int(request.url.params["since"])
        left = [(i, t) for i, t in enumerate(trades) if t[0] > since or (t[0] == since and not strict)][:page]
        rows = [
            f'["{price}","{volume}",{ns // 10**9}.{ns % 10**9:09d},"b","l","",{i}]'
            for i, (ns, price, volume) in left
        ]
        last = left[-1][1][0] if left else since
        body = f'{{"error":[],"result":{{"XXBTZUSD":[{",".join(rows)}],"last":"{last}"}}}}'
        return httpx.Response(200, stream=httpx.ByteStream(body.encode()))

    return handle_trades


def plain_hours(trades: Sequence[Trade], first: int, last: int) -> list[tuple[Any, ...]]:
    """asof, open, high, low, close, volume, trades, worked out the slow way."""
    bars = []
    for asof in range(first, last + 1):
        inside = [t for t in trades if (asof - 1) * HOUR_S * 10**9 <= t[0] < asof * HOUR_S * 10**9]
        if inside:
            prices = [float(price) for _, price, _ in inside]
            volume = round(sum(float(size) for *_, size in inside), 8)
            bars.append((asof, prices[0], max(prices), min(prices), prices[-1], volume, len(inside)))
    return bars


def found_hours(bars: pl.DataFrame) -> list[tuple[Any, ...]]:
    return [(asof, *row[1:7]) for asof, row in zip(asofs(bars), bars.rows(), strict=True)]


@given(
    offsets=st.lists(st.integers(0, 23).map(lambda n: n * 600), min_size=1, max_size=60),
    spare=st.integers(1, 7),
    strict=st.booleans(),
    edge_ns=st.sampled_from([0, 1, 999_999_999]),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_rebuilt_hours_are_those_of_all_trades_whatever_the_pages(
    data: MarketData,
    kraken: Any,
    now_hour: int,
    monkeypatch: pytest.MonkeyPatch,
    offsets: list[int],
    spare: int,
    strict: bool,
    edge_ns: int,
) -> None:
    first = now_hour - 3
    start_ns = (first - 2) * HOUR_S * 10**9
    trades = [
        (start_ns + offset * 10**9 + edge_ns, f"{100 + i % 7}.5", "0.25")
        for i, offset in enumerate(sorted(offsets))
    ]
    # A page has to be larger than any group of trades that share a nanosecond, as a thousand is.
    page = max(Counter(offsets).values()) + spare
    monkeypatch.setattr("adapters.kraken.market_data.TRADES_MAX", page)
    kraken.answers["Trades"] = [served(trades, page, strict)]
    last = min(first + 1, now_hour)
    assert found_hours(data.rebuilt("BTC/USD", first, last).bars) == plain_hours(trades, first, last)


@pytest.mark.parametrize("strict", [True, False])
def test_trades_that_share_a_nanosecond_across_pages_are_all_counted(
    data: MarketData, kraken: Any, now_hour: int, monkeypatch: pytest.MonkeyPatch, strict: bool
) -> None:
    open_ns = (now_hour - 1) * HOUR_S * 10**9
    trades = [(open_ns + ns, "100.0", "1") for ns in (0, 1, 5, 5, 9)]
    monkeypatch.setattr("adapters.kraken.market_data.TRADES_MAX", 3)
    kraken.answers["Trades"] = [served(trades, 3, strict)]
    assert data.rebuilt("BTC/USD", now_hour, now_hour).bars["trades"].to_list() == [5]


def test_a_cursor_that_stands_still_is_an_error_and_no_loop(
    data: MarketData, kraken: Any, now_hour: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.kraken.market_data.TRADES_MAX", 1)
    row = ["100.0", "1", (now_hour - 1) * HOUR_S, "b", "l", "", 1]
    kraken.says("Trades", {"XXBTZUSD": [row], "last": "5"})
    with pytest.raises(DataError, match="stands still"):
        data.rebuilt("BTC/USD", now_hour, now_hour)


def test_a_quiet_span_rebuilds_to_nothing_and_an_open_hour_is_refused(
    data: MarketData, kraken: Any, now_hour: int
) -> None:
    kraken.says("Trades", {"XXBTZUSD": [], "last": "0"})
    assert data.rebuilt("BTC/USD", now_hour - 3, now_hour).bars.is_empty()
    with pytest.raises(UsageError, match="no span of finished hours"):
        data.rebuilt("BTC/USD", now_hour, now_hour + 1)


def test_real_replies_parse_to_the_last_row(public: Any, kraken: Any, market_data: Path) -> None:
    folder = market_data / "kraken" / "rest"
    for endpoint, file in {
        "OHLC": "http_ohlc.json",
        "Trades": "http_trades.json",
        "Ticker": "http_ticker.json",
    }.items():
        kraken.says(endpoint, json.loads((folder / file).read_bytes())["result"])
    for endpoint, file in {"Depth": "http_order_book.json", "Time": "http_server_time.json"}.items():
        kraken.says(endpoint, json.loads((folder / file).read_bytes())["result"])
    kraken.says("SystemStatus", json.loads((folder / "http_system_status.json").read_bytes())["result"])
    assert len(public.candles("XBTUSDT").rows) == 721
    assert len(public.trades("XBTUSDT", 0).rows) == 1_000
    assert public.tickers("XBTUSDT")["XBTUSDT"].ask > public.tickers("XBTUSDT")["XBTUSDT"].bid
    assert public.book("XBTUSDT").asks[0].price > public.book("XBTUSDT").bids[0].price
    assert public.time().unixtime > 0
    assert public.system_status().status == "online"


def test_real_account_replies_parse(private: Any, kraken: Any, clock: Any, market_data: Path) -> None:
    folder = market_data / "kraken" / "rest"
    files = {
        "OpenOrders": "http_open_orders.json",
        "ClosedOrders": "http_closed_orders.json",
        "TradesHistory": "http_trades_history.json",
        "TradeBalance": "http_spot_trade_balance.json",
    }
    for endpoint, file in files.items():
        kraken.says(endpoint, json.loads((folder / file).read_bytes())["result"])
    assert private.open_orders()
    assert all(order.is_over for order in private.closed_orders(clock.now()).values())
    assert private.trades_history(clock.now()).trades
    assert private.trade_balance().margin_level is not None
