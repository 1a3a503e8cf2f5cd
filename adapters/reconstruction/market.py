"""Windows out of raw candles and the bars that a track began with."""

from collections.abc import Mapping

import polars as pl

from adapters.candles import HourCandle, finished_hours
from adapters.feed import WINDOW_H
from adapters.kraken import endpoints
from adapters.kraken.catalogue import Catalogue
from adapters.kraken.public import PublicApi
from adapters.kraken.recorded import Answers, recorded_catalogue
from adapters.reconstruction.replies import Replies
from trading.clock import HOUR_S, TradingHour
from trading.errors import DataError
from trading.grid import CARRY_H, dense
from trading.market import Grid
from trading.quality import SCHEMA


class Bars:
    """Every hour that a venue told, by pair; takes in what is new since it was asked last."""

    def __init__(self, venue: str, opening: Mapping[str, pl.DataFrame], replies: Replies) -> None:
        """`opening` are the bars before the track's first hour."""
        self._venue, self._opening, self._replies = venue, opening, replies
        self._candles: dict[str, dict[int, HourCandle]] = {}
        self._frames: dict[str, pl.DataFrame] = {}
        self._read = 0
        self._catalogue: Catalogue | None = None

    @property
    def catalogue(self) -> Catalogue:
        """The venue's grid, as it told it first."""
        if self._catalogue is None:
            for reply in self._replies.all(endpoints.ASSET_PAIRS.name):
                found = self._replies.result(reply.body)
                if found is not None:
                    self._catalogue = recorded_catalogue(found)
                    return self._catalogue
            raise DataError("no reply of AssetPairs is stored; without it no reply can be read")
        return self._catalogue

    def window(self, hour: TradingHour) -> Grid:
        """The window that ends at `hour`, out of all candles that were told so far."""
        self._take_in()
        frames = {name: self._frame(name) for name in self._candles}
        return dense(self._venue, frames, hour.number - WINDOW_H + 1, hour.number)

    def opening(self, hour: TradingHour) -> dict[str, pl.DataFrame]:
        """The part of the opening bars that the window of `hour` looks at."""
        since = TradingHour(hour.number - WINDOW_H - CARRY_H).asof
        return {name: bars.filter(pl.col("asof") >= since) for name, bars in self._opening.items()}

    def _take_in(self) -> None:
        """Read the replies that came since. A candle that was told again, to a request that still wanted its
        hour, holds as it was told last: the one before was asked for by an attempt that came to nothing.
        """
        fresh = self._replies.candles(self._read)
        self._read += len(fresh)
        for reply in fresh:
            name = self.catalogue.name(reply.request["pair"])
            known = self._candles.setdefault(name, {})
            result = self._replies.result(reply.body)
            if result is None:
                continue
            page = PublicApi(Answers({endpoints.OHLC.name: result})).candles(reply.request["pair"])
            wanted_s = (reply.since - 1) * HOUR_S
            for row in page.rows[:-1]:
                if wanted_s <= row.time <= page.last:
                    ohlcv = (row.open, row.high, row.low, row.close, row.volume)
                    known[row.time] = HourCandle.of(float(row.time), ohlcv, row.trades)
                    self._frames.pop(name, None)

    def _frame(self, name: str) -> pl.DataFrame:
        if name not in self._frames:
            before = self._opening.get(name, pl.DataFrame(schema=SCHEMA))
            rows = [candle for _, candle in sorted(self._candles[name].items())][-WINDOW_H - CARRY_H :]
            told = pl.DataFrame(schema=SCHEMA)
            if rows:
                told = finished_hours(rows, rows[-1].time + HOUR_S).bars.select(*SCHEMA)
            if before.height:
                told = told.filter(pl.col("asof") > before["asof"][-1])
            self._frames[name] = pl.concat([before.select(*SCHEMA), told])
        return self._frames[name]
