"""The market's hours as they come in: from the venue into the bar store, and as a window for a decision.

Raw replies are stored by the wire before anything is parsed. The window is kept in memory between hours and
read from the store at a start, so an hour costs what is new in it.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import polars as pl

from adapters.bars import BarStore
from adapters.kraken.market_data import OHLC_HOURS, MarketData
from trading.clock import DAY_H, TradingHour
from trading.errors import VenueRefused
from trading.grid import CARRY_H, dense
from trading.market import Grid
from trading.quality import SCHEMA

WINDOW_H = 122 * DAY_H
"""Hours that the longest policy and every feature need, in whole days and one more."""

REACH_H = OHLC_HOURS - DAY_H
"""Hours that can be asked for, with a day to spare for an hour that is caught up with late."""
AT_ONCE = 4
"""Instruments asked for at a time: an answer is mostly waited for."""
UNLISTED = "EQuery:Unknown asset pair"


class VenueFeed:
    """Hours of one venue's instruments; used by one thread at a time."""

    def __init__(
        self,
        venue: str,
        market: MarketData,
        store: BarStore,
        instruments: Sequence[str],
        *,
        gaps: bool = False,
    ) -> None:
        """With `gaps`, hours beyond the venue's reach stay missing instead of stopping everything: who looks
        at a window sees what it lacks.
        """
        self._venue, self._market, self._store, self._gaps = venue, market, store, gaps
        self._bars = dict.fromkeys(instruments, pl.DataFrame(schema=SCHEMA))
        self._pool = ThreadPoolExecutor(AT_ONCE, "feed")
        self._through: dict[str, int] = {}
        """The hour up to which each instrument was asked for."""

    def catch_up(self, hour: TradingHour) -> None:
        """Bring in every finished hour up to `hour`; a venue that does not answer raises, and nothing of the
        hour counts as known.
        """
        if not self._through or hour.number < max(self._through.values()):
            self._load(hour)
        # Whoever asks knows that the hour has come; a second clock may not have seen it yet.
        firsts, now_s = self._firsts(hour), max(self._market.now_s(), hour.asof.timestamp())
        fresh = self._pool.map(lambda name: self._recent(name, firsts[name], hour, now_s), firsts)
        new = {name: bars for name, bars in zip(firsts, fresh, strict=True) if bars.height}
        list(self._pool.map(lambda name: self._store.write(self._venue, name, new[name]), new))
        for name, bars in new.items():
            self._bars[name] = pl.concat([self._bars[name], bars.select(self._bars[name].columns)])
        self._through = dict.fromkeys(self._bars, hour.number)

    def _firsts(self, hour: TradingHour) -> dict[str, int]:
        """The first hour to ask for of each instrument that is behind. One that is further behind than the
        venue reaches has a gap and does not hold up the others; when all are, the venue says so.
        """
        reach = hour.number - REACH_H
        if not self._gaps:
            reach = min(max(self._through.values()), reach)
        return {name: max(at, reach) + 1 for name, at in self._through.items() if at < hour.number}

    def window(self, hour: TradingHour) -> Grid:
        """The window ending at `hour`."""
        first = hour.number - WINDOW_H + 1
        since = TradingHour(first - CARRY_H).asof
        for name, bars in self._bars.items():
            if bars.height > WINDOW_H + CARRY_H + DAY_H:
                self._bars[name] = bars.filter(pl.col("asof") >= since)
        return dense(self._venue, self._bars, first, hour.number)

    def _recent(self, name: str, first: int, last: TradingHour, now_s: float) -> pl.DataFrame:
        """New hours of one instrument up to `last`; a pair that is not listed yet, or no longer, has none."""
        try:
            bars = self._market.recent(name, first, now_s).bars
            is_ahead = bars.height and bars["asof"][-1] > last.asof
            return bars.filter(pl.col("asof") <= last.asof) if is_ahead else bars
        except VenueRefused as error:
            if UNLISTED not in str(error):
                raise
            return pl.DataFrame(schema=SCHEMA)

    def backfill(self, instrument: str, first: TradingHour, last: TradingHour) -> int:
        """Rebuild hours from single trades; returns how many were added, known after a restart."""
        bars = self._market.rebuilt(instrument, first.number, last.number).bars
        return self._store.write(self._venue, instrument, bars.select(*SCHEMA)).added

    def _load(self, hour: TradingHour) -> None:
        """Read what the store has. What an instrument lacks at its end is asked of the venue, whatever the
        others have: it may not have traded, or the writing of the hour was cut off before its turn.
        """
        before = hour.number - WINDOW_H - CARRY_H
        for name in self._bars:
            bars = self._store.read(self._venue, name, before, hour.number)
            self._bars[name] = bars
            self._through[name] = TradingHour.at(bars["asof"][-1]).number if bars.height else before
