"""Candles that came over a wire -> finished, judged hours, with the same meaning as imported ones."""

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

import polars as pl

from adapters.importing.rows import REJECTED, Parsed, hours, parsed, rejected
from trading.clock import HOUR_S
from trading.quality import SCHEMA, judge


class HourCandle(NamedTuple):
    """One hour, named by its open in Unix seconds; volume in base units."""

    time: float
    open: float
    high: float
    low: float
    close: float
    volume: float
    trades: int | None

    @classmethod
    def of(cls, time_s: float, ohlcv: tuple[Decimal, ...], trades: int | None) -> "HourCandle":
        """From open, high, low, close and volume as a venue printed them."""
        open_, high, low, close, volume = map(float, ohlcv)
        return cls(time_s, open_, high, low, close, volume, trades)


CANDLES = pl.Schema({name: pl.Float64() for name in HourCandle._fields} | {"trades": pl.Int64()})


def finished_hours(candles: Sequence[HourCandle], now_s: float) -> Parsed:
    """The bars of candles that are closed and traded: an hour without a trade has none."""
    rows = pl.DataFrame(list(candles), schema=CANDLES, orient="row").with_row_index("line", 1)
    good, bad = judge(rows.cast({"line": pl.Int64}), HOUR_S, int(now_s))
    traded = good.filter(pl.col("volume") > 0)
    if traded.is_empty():
        return Parsed(no_bars(), pl.concat([pl.DataFrame(schema=REJECTED), rejected(bad)]))
    return parsed([hours(traded)], [bad])


def no_bars() -> pl.DataFrame:
    return pl.DataFrame(schema=pl.Schema(SCHEMA | {"line": pl.Int64()}))
