"""Candles that came over a wire -> finished, judged hours, with the same meaning as imported ones."""

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

import polars as pl

from adapters.importing.rows import REJECTED, VOLUME_DECIMALS, Parsed, rejected
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
NUMBERED = pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias("line")
TRADED = pl.col("volume") > 0
ASOF = pl.from_epoch(pl.col("time").cast(pl.Int64) + HOUR_S, time_unit="s").dt.replace_time_zone("UTC")
BARS = [
    (ASOF if name == "asof" else pl.col(name)).cast(kind).alias(name)
    for name, kind in (SCHEMA | {"line": pl.Int64()}).items()
]
"""A good candle is a whole hour, as it stands."""


def finished_hours(candles: Sequence[HourCandle], now_s: float) -> Parsed:
    """The bars of candles that are closed and traded: an hour without a trade has none."""
    rows = pl.DataFrame(list(candles), schema=CANDLES, orient="row").with_columns(NUMBERED)
    good, bad = judge(rows, HOUR_S, int(now_s))
    bars = good.filter(TRADED).select(BARS).with_columns(pl.col("volume").round(VOLUME_DECIMALS))
    return Parsed(bars, rejected(bad) if bad.height else pl.DataFrame(schema=REJECTED))


def no_bars() -> pl.DataFrame:
    return pl.DataFrame(schema=pl.Schema(SCHEMA | {"line": pl.Int64()}))
