"""Kraken's hours: recent ones from OHLC, older ones rebuilt from single trades.

1. The last row of OHLC is still forming, whatever was asked: it is dropped. So is any row after the cursor
   `last`, and any whose hour is not over by our clock.
2. OHLC reaches 720 hours back and never further. Asked for more it returns the latest all the same; here that
   is an error, because a silent gap would look like an hour without trades.
3. OHLC fills hours without a trade, an archive leaves them out. Here they have no bar either.
4. Trades can be walked from any moment. Pages overlap by the last nanosecond, since several trades may share
   it, and are told apart by their numbers.
"""

from collections.abc import Iterator
from typing import NamedTuple

import polars as pl

from adapters.candles import HourCandle, finished_hours, no_bars
from adapters.clock import Clock
from adapters.importing.kraken_trades import PRICE_AS_BAR
from adapters.importing.rows import REJECTED, Parsed, hours, last_stamp, parsed, rejected
from adapters.kraken.catalogue import Catalogue
from adapters.kraken.public import TRADES_MAX, PublicApi
from adapters.kraken.schemas_public import Candle, PublicTrade
from trading.clock import HOUR_S, TradingHour
from trading.errors import DataError, UsageError
from trading.quality import judge_trades

OHLC_HOURS = 720
NS = 10**9
TRADE_ROWS = pl.Schema(
    {"line": pl.Int64(), "time": pl.Float64(), "price": pl.Float64(), "volume": pl.Float64()}
)


class Hours(NamedTuple):
    """What OHLC gave for a span of hours."""

    bars: pl.DataFrame
    """The bar schema, keyed by asof."""
    rejected: pl.DataFrame
    missing: tuple[int, ...]
    """Asof hours that Kraken left out between others, which it should not: no fact about trading."""


class MarketData:
    """Hours of Kraken's pairs by Ballast's names."""

    def __init__(self, public: PublicApi, catalogue: Catalogue, clock: Clock) -> None:
        self._public, self._catalogue, self._clock = public, catalogue, clock

    def recent(self, name: str, first: int, now_s: float | None = None) -> Hours:
        """Finished hours with asof from `first` on, in hours since the epoch; too old is a `DataError`.

        `now_s` is what the clock reads (`now_s`), for who asks for many instruments at a time.
        """
        first_open_s = (first - 1) * HOUR_S
        page = self._public.candles(self._catalogue.id(name), first_open_s - HOUR_S)
        if len(page.rows) > OHLC_HOURS and page.rows[0].time > first_open_s:
            begin = TradingHour(page.rows[0].time // HOUR_S + 1)
            raise DataError(
                f"{name}: Kraken's OHLC begins at {begin}, {OHLC_HOURS} hours back; rebuild older hours from "
                "Trades, or bring in Kraken's archive with `ballast data import`"
            )
        finished = [row for row in page.rows[:-1] if first_open_s <= row.time <= page.last]
        found = finished_hours([_candle(row) for row in finished], self.now_s() if now_s is None else now_s)
        return Hours(found.bars.drop("line"), found.rejected, _missing(finished))

    def rebuilt(self, name: str, first: int, last: int) -> Parsed:
        """The hours of asof first..last from single trades: the same bars as Kraken's own, without the limit.

        An hour that is not over yet is a `UsageError`. A thousand trades a page, a page a second.
        """
        if last * HOUR_S > self.now_s() or last < first:
            raise UsageError(
                f"hours {TradingHour(first)} to {TradingHour(last)} are no span of finished hours"
            )
        parts, bad, line, after_s = [], [], 1, -1.0
        for page in self._pages(self._catalogue.id(name), (first - 1) * HOUR_S, last * HOUR_S):
            rows = [
                (line + i, float(int(t.time)), float(t.price), float(t.volume)) for i, t in enumerate(page)
            ]
            frame = pl.DataFrame(rows, TRADE_ROWS, orient="row")
            good, faulty = judge_trades(frame, int(self.now_s()), after_s)
            parts.append(hours(good.with_columns(*PRICE_AS_BAR, trades=pl.lit(1, pl.Int64))))
            bad.append(rejected(faulty))
            line, after_s = line + len(page), last_stamp(good, after_s)
        if not any(part.height for part in parts):
            return Parsed(no_bars(), pl.concat([pl.DataFrame(schema=REJECTED), *bad]))
        return parsed(parts, bad)

    def _pages(self, pair: str, start_s: int, end_s: int) -> Iterator[list[PublicTrade]]:
        """Trades from start_s to before end_s in the order of their numbers, none twice."""
        since_ns, newest = start_s * NS - 1, -1
        while True:
            page = self._public.trades(pair, since_ns)
            fresh = sorted((t for t in page.rows if t.trade_id > newest), key=lambda t: t.trade_id)
            inside = [trade for trade in fresh if start_s <= trade.time < end_s]
            if inside:
                yield inside
            history_ends = not fresh and len(page.rows) < TRADES_MAX
            if history_ends or (fresh and fresh[-1].time >= end_s):
                return
            if page.last <= since_ns:
                raise DataError(f"{pair}: Trades stands still at {page.last} ns; see the stored reply")
            newest = fresh[-1].trade_id if fresh else newest
            # One nanosecond back, unless a whole page shares it: then only going on makes progress.
            since_ns = page.last - 1 if page.last - 1 > since_ns else page.last

    def now_s(self) -> float:
        """Unix seconds, by the clock that says whether an hour is over."""
        return self._clock.now().timestamp()


def _candle(row: Candle) -> HourCandle:
    ohlcv = (row.open, row.high, row.low, row.close, row.volume)
    return HourCandle.of(float(row.time), ohlcv, row.trades)


def _missing(rows: list[Candle]) -> tuple[int, ...]:
    opens = {row.time // HOUR_S for row in rows}
    span = range(min(opens), max(opens)) if opens else range(0)
    return tuple(hour + 1 for hour in span if hour not in opens)
