"""Kraken's public methods, typed. `pair` is an id or altname of the catalogue, never XBT/USD."""

from typing import Annotated

from pydantic import TypeAdapter

from adapters.kraken import endpoints
from adapters.kraken.caller import Caller
from adapters.kraken.schemas_public import (
    Asset,
    AssetPair,
    Book,
    CandlePage,
    QuotePage,
    RowsNamed,
    ServerTime,
    SystemStatus,
    Ticker,
    TradePage,
)
from trading.errors import DataError

HOUR_MINUTES = 60
TRADES_MAX = 1000
DEPTH_MAX = 500

_TIME = TypeAdapter(ServerTime)
_STATUS = TypeAdapter(SystemStatus)
_ASSETS = TypeAdapter(dict[str, Asset])
_PAIRS = TypeAdapter(dict[str, AssetPair])
_TICKERS = TypeAdapter(dict[str, Ticker])
_BOOKS = TypeAdapter(dict[str, Book])
_CANDLES: TypeAdapter[CandlePage] = TypeAdapter(Annotated[CandlePage, RowsNamed])
_TRADES: TypeAdapter[TradePage] = TypeAdapter(Annotated[TradePage, RowsNamed])
_QUOTES: TypeAdapter[QuotePage] = TypeAdapter(Annotated[QuotePage, RowsNamed])


class PublicApi:
    """What anybody may ask."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def time(self) -> ServerTime:
        return self._caller.call(endpoints.TIME, _TIME, {})

    def system_status(self) -> SystemStatus:
        return self._caller.call(endpoints.SYSTEM_STATUS, _STATUS, {})

    def assets(self) -> dict[str, Asset]:
        """Every asset by id."""
        return self._caller.call(endpoints.ASSETS, _ASSETS, {})

    def asset_pairs(self) -> dict[str, AssetPair]:
        """Every pair by id."""
        return self._caller.call(endpoints.ASSET_PAIRS, _PAIRS, {})

    def tickers(self, *pairs: str) -> dict[str, Ticker]:
        """Tickers by pair id, of all pairs if none is named."""
        fields = {"pair": ",".join(pairs)} if pairs else {}
        return self._caller.call(endpoints.TICKER, _TICKERS, fields)

    def candles(self, pair: str, since_s: int = 0) -> CandlePage:
        """At most 720 finished hours from `since_s` on, and the one that is still forming."""
        fields = {"pair": pair, "interval": str(HOUR_MINUTES), "since": str(since_s)}
        return self._caller.call(endpoints.OHLC, _CANDLES, fields)

    def book(self, pair: str, count: int = DEPTH_MAX) -> Book:
        found = self._caller.call(endpoints.DEPTH, _BOOKS, {"pair": pair, "count": str(count)})
        if len(found) != 1:
            raise DataError(f"Depth: {len(found)} books for {pair}; see the stored reply")
        return next(iter(found.values()))

    def trades(self, pair: str, since_ns: int) -> TradePage:
        """At most a thousand trades after a moment, oldest first; the whole history can be walked."""
        fields = {"pair": pair, "since": str(since_ns), "count": str(TRADES_MAX)}
        return self._caller.call(endpoints.TRADES, _TRADES, fields)

    def spreads(self, pair: str, since_s: int = 0) -> QuotePage:
        fields = {"pair": pair, "since": str(since_s)}
        return self._caller.call(endpoints.SPREAD, _QUOTES, fields)
