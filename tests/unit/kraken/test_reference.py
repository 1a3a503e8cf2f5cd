"""Binance and Coinbase candles: the same bars by other words, for comparison only."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from adapters.coverage import deviation
from adapters.http import Wire
from adapters.kraken.connect import reply_log
from adapters.reference import binance, coinbase
from trading.clock import HOUR_S
from trading.errors import DataError, VenueUnavailable


def kline(hour: int, close: float, volume: str = "2.0") -> list[Any]:
    open_ms = hour * HOUR_S * 1000
    price = f"{close:.2f}"
    return [
        open_ms,
        price,
        f"{close + 1:.2f}",
        f"{close - 1:.2f}",
        price,
        volume,
        open_ms + 3599999,
        "1",
        7,
        "1",
        "1",
        "0",
    ]


def wire(home: Path, clock: Any, venue: str, answer: Any) -> Wire:
    return Wire(f"https://{venue}.test", reply_log(home, venue, clock), clock, httpx.MockTransport(answer))


@pytest.fixture
def now_hour(clock: Any) -> int:
    clock.time += timedelta(minutes=30)
    return int(clock.now().timestamp()) // HOUR_S


def test_binance_pages_forward_and_the_running_hour_is_dropped(home: Path, clock: Any, now_hour: int) -> None:
    asked: list[httpx.QueryParams] = []

    def handle_klines(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.params)
        first, last = (int(request.url.params[name]) // 1000 // HOUR_S for name in ("startTime", "endTime"))
        return httpx.Response(
            200,
            stream=httpx.Response(200, json=[kline(h, 100 + h % 5) for h in range(first, last + 1)]).stream,
        )

    api = wire(home, clock, "binance", handle_klines)
    bars = binance.hours(api, clock, "BTC/USDT", now_hour - 1499, now_hour + 1).bars
    assert bars.height == 1500
    assert bars["asof"].dt.epoch("s")[-1] == now_hour * HOUR_S
    assert [params["symbol"] for params in asked] == ["BTCUSDT"] * 2
    assert bars["trades"].to_list() == [7] * 1500
    assert len(list(reply_log(home, "binance", clock).lines())) == 2


def test_coinbase_rows_are_turned_and_empty_hours_have_no_bar(home: Path, clock: Any, now_hour: int) -> None:
    def handle_candles(request: httpx.Request) -> httpx.Response:
        assert request.url.path == "/products/BTC-USD/candles"
        hours = [now_hour, now_hour - 1, now_hour - 3]
        body = [[h * HOUR_S, 99.5, 101.5, 100.0, 100.25, 3.0] for h in hours]
        return httpx.Response(200, stream=httpx.Response(200, json=body).stream)

    bars = coinbase.hours(
        wire(home, clock, "coinbase", handle_candles), clock, "BTC/USD", now_hour - 3, now_hour
    ).bars
    assert [s // HOUR_S for s in bars["asof"].dt.epoch("s")] == [now_hour - 2, now_hour]
    assert bars.row(0)[1:] == (100.0, 101.5, 99.5, 100.25, 3.0, None, 1)


def test_a_venue_is_compared_with_another(home: Path, clock: Any, now_hour: int) -> None:
    def handle(request: httpx.Request) -> httpx.Response:
        scale = 1.001 if "binance" in request.url.host else 1.0
        rows = [kline(now_hour - 4 + i, 100 * scale) for i in range(4)]
        return httpx.Response(200, stream=httpx.Response(200, json=rows).stream)

    one, other = (
        binance.hours(wire(home, clock, name, handle), clock, "BTC/USDT", now_hour - 3, now_hour).bars
        for name in ("binance", "elsewhere")
    )
    apart = deviation(one, other)
    assert apart is not None
    assert apart.median_bp == pytest.approx(10)


@pytest.mark.parametrize(
    ("response", "error"),
    [
        (httpx.Response(429), VenueUnavailable),
        (httpx.Response(200, content=b"<html>"), VenueUnavailable),
        (httpx.ConnectError("no way"), VenueUnavailable),
        (httpx.ReadTimeout("silence"), VenueUnavailable),
        (httpx.Response(200, content=b'{"code":-1003}'), DataError),
        (httpx.Response(200, content=b'[["x"]]'), DataError),
    ],
)
def test_no_comparison_is_told_and_nothing_else(
    home: Path, clock: Any, now_hour: int, response: Any, error: type[Exception]
) -> None:
    def handle(_: httpx.Request) -> httpx.Response:
        if isinstance(response, Exception):
            raise response
        return httpx.Response(response.status_code, stream=httpx.ByteStream(response.content))

    for hours, venue in ((binance.hours, "binance"), (coinbase.hours, "coinbase")):
        with pytest.raises(error):
            hours(wire(home, clock, venue, handle), clock, "BTC/USD", now_hour, now_hour)
