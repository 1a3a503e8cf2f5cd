"""Binance's public hours, for comparison only: prices in USDT are not prices in dollars."""

from typing import NamedTuple

from pydantic import TypeAdapter

from adapters.candles import HourCandle, finished_hours
from adapters.clock import Clock
from adapters.http import Wire
from adapters.importing.rows import Parsed
from adapters.kraken.schemas_public import NotNegative, Positive
from adapters.reference.fetch import fetch
from trading.clock import HOUR_S

BASE_URL = "https://data-api.binance.vision"
ROWS_MAX = 1000


class Kline(NamedTuple):
    """One row, oldest first, named by its open in milliseconds; an hour without a trade is there too."""

    open_ms: int
    open: Positive
    high: Positive
    low: Positive
    close: Positive
    volume: NotNegative
    close_ms: int
    quote_volume: NotNegative
    trades: int
    taker_base: NotNegative
    taker_quote: NotNegative
    unused: str


_KLINES = TypeAdapter(list[Kline])


def hours(wire: Wire, clock: Clock, instrument: str, first: int, last: int) -> Parsed:
    """The finished hours of asof first..last of a pair such as BTC/USDT, as far as Binance has them."""
    klines: list[Kline] = []
    for start in range(first - 1, last, ROWS_MAX):
        fields = {
            "symbol": instrument.replace("/", ""),
            "interval": "1h",
            "startTime": str(start * HOUR_S * 1000),
            "endTime": str(min(start + ROWS_MAX, last) * HOUR_S * 1000 - 1),
            "limit": str(ROWS_MAX),
        }
        page: list[Kline] = fetch(wire, "/api/v3/klines", fields, _KLINES)
        klines += page
    candles = [
        HourCandle.of(k.open_ms / 1000, (k.open, k.high, k.low, k.close, k.volume), k.trades) for k in klines
    ]
    return finished_hours(candles, clock.now().timestamp())
