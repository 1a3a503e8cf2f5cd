"""Is this data fit to trade on? The bar schema, the judgement of raw rows, the masks a decision asks for."""

from functools import lru_cache, reduce
from operator import or_

import numpy as np
import polars as pl
from numpy.typing import NDArray

from trading.market import Flags, Grid

SCHEMA = pl.Schema(
    {
        "asof": pl.Datetime("ms", "UTC"),
        "open": pl.Float64(),
        "high": pl.Float64(),
        "low": pl.Float64(),
        "close": pl.Float64(),
        "volume": pl.Float64(),
        "trades": pl.Int64(),
    }
)
"""A stored bar: asof is its close, volume in base units, trades null where the source does not count them."""

PRICE_MAX = 1e9
VOLUME_MAX = 1e16
SPIKE = 50.0
"""A price this many times above or below both its neighbours is an error of the source."""
WICK = 10.0
"""A low or high this many times beyond open and close is kept and pointed out: such wicks are real."""

LOOKBACK_H = 24
"""Rows up to an hour, that hour included, on which its usability depends."""
STALE_MAX = 2
FRESH_H = 3
REFUSED_SHARE = 3
"""The window is refused when more than one in this many listed instruments is unusable."""


def judge(
    rows: pl.DataFrame, step_s: int, now_s: int, after_s: float = -1
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Split raw bars into (good, bad) rows; bad ones gain a `reason`.

    `rows` has line, time (bar open, seconds), open, high, low, close, volume (all floats) and trades, null
    where the source was unreadable (null trades are fine). `step_s` is the bars' interval; a bar must be
    closed by `now_s` and start after `after_s`, the last stamp of an earlier part of the same file.
    """
    marked = rows.with_columns(reason=_any_fault(step_s, now_s, after_s))
    if marked["reason"].null_count() == marked.height:
        # Most often, and a third of the work: with no bad row the neighbours are the neighbours.
        return rows, marked.clear()
    rows = _mark(rows, _value_faults(step_s, now_s))
    rows = _mark(rows, _order_faults(after_s, unique=True))
    return _split(_mark(rows, _spikes()))


def judge_trades(rows: pl.DataFrame, now_s: int, after_s: float = -1) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The same for single trades: line, time (seconds), price, volume; several trades may share a second."""
    faults = {
        "not a number": _unreadable("time", "price", "volume"),
        "in the future": pl.col("time") > now_s,
        "price is not positive": pl.col("price") <= 0,
        "price is absurd": pl.col("price") > PRICE_MAX,
        "volume is not positive": pl.col("volume") <= 0,
        "volume is absurd": pl.col("volume") > VOLUME_MAX,
    }
    rows = _mark(rows, faults)
    rows = _mark(rows, _order_faults(after_s, unique=False))
    return _split(_mark(rows, {"price is a lone spike": _lone(pl.col("price"))}))


def wicks(bars: pl.DataFrame) -> pl.DataFrame:
    """The bars whose low or high lies far beyond open and close: real, but no price to fill an order at."""
    body = pl.min_horizontal("open", "close"), pl.max_horizontal("open", "close")
    return bars.filter((pl.col("low") * WICK < body[0]) | (pl.col("high") > body[1] * WICK))


def usability(grid: Grid) -> tuple[Flags, Flags]:
    """Which instruments, and which whole hours, may not be entered on: unusable (T, A) and refused (T,).

    An instrument is unusable without a price, with more than `STALE_MAX` carried hours in the last day, or
    with a carried or masked hour among the last `FRESH_H`. An hour is refused when bitcoin is unusable or
    more than a third of the listed instruments are; listed is what had a price within the last day. Rows
    before the grid count as nothing: a window agrees with the whole history from row `LOOKBACK_H - 1` on.
    """
    gap = ~grid.valid
    listed = _count(grid.valid, LOOKBACK_H) > 0
    unusable = gap | (_count(grid.stale, LOOKBACK_H) > STALE_MAX) | (_count(grid.stale | gap, FRESH_H) > 0)
    lost = (unusable & listed).sum(axis=1)
    refused = unusable[:, grid.btc] | (lost * REFUSED_SHARE > listed.sum(axis=1))
    return unusable, refused


def _count(flags: Flags, hours: int) -> NDArray[np.uint8]:
    """How many of the last `hours` rows are set, the present one included; `hours` is at most 255."""
    # The running count wraps in its byte, and the difference of two unwraps it.
    total = np.cumsum(flags, axis=0, dtype=np.uint8)
    total[hours:] -= total[:-hours]
    return total


@lru_cache(maxsize=8)
def _any_fault(step_s: int, now_s: int, after_s: float) -> pl.Expr:
    """A reason where a bar is at fault among all of its part, bad ones too; null where it is not."""
    return _first(_value_faults(step_s, now_s) | _order_faults(after_s, unique=True) | _spikes())


def _spikes() -> dict[str, pl.Expr]:
    return {"price is a lone spike": _lone(pl.col("close"))}


def _value_faults(step_s: int, now_s: int) -> dict[str, pl.Expr]:
    prices = pl.col("open", "high", "low", "close")
    body = pl.min_horizontal("open", "close"), pl.max_horizontal("open", "close")
    return {
        "not a number": _unreadable("time", "open", "high", "low", "close", "volume"),
        "off the interval": pl.col("time") % step_s != 0,
        "not closed yet": pl.col("time") + step_s > now_s,
        "price is not positive": pl.any_horizontal(prices <= 0),
        "price is absurd": pl.any_horizontal(prices > PRICE_MAX),
        "volume is negative": pl.col("volume") < 0,
        "volume is absurd": pl.col("volume") > VOLUME_MAX,
        "count of trades is negative": pl.col("trades") < 0,
        "high is below low": pl.col("high") < pl.col("low"),
        "open or close is outside low..high": (body[0] < pl.col("low")) | (body[1] > pl.col("high")),
    }


def _unreadable(*columns: str) -> pl.Expr:
    return reduce(or_, (pl.col(c).is_null() | ~pl.col(c).is_finite() for c in columns))


def _order_faults(after_s: float, unique: bool) -> dict[str, pl.Expr]:
    """Stamps that step back. One row ahead of both neighbours is itself at fault, not all that follow."""
    time = pl.col("time")
    before, after = time.shift(1, fill_value=after_s), time.shift(-1)
    ahead = ((time > after) & (before < after)).fill_null(False)
    reached = pl.when(~ahead).then(time).otherwise(after_s).cum_max().shift(1).fill_null(after_s)
    reached = pl.max_horizontal(reached, pl.lit(after_s))
    faults = {"out of order": ahead | (time < reached)}
    return faults | {"duplicate": time == reached} if unique else faults


def _lone(price: pl.Expr) -> pl.Expr:
    high = pl.max_horizontal(price.shift(1), price.shift(-1)) * SPIKE
    low = pl.min_horizontal(price.shift(1), price.shift(-1)) / SPIKE
    both = price.shift(1).is_not_null() & price.shift(-1).is_not_null()
    return both & ((price > high) | (price < low))


def _first(faults: dict[str, pl.Expr]) -> pl.Expr:
    return pl.coalesce(pl.when(fault).then(pl.lit(reason)) for reason, fault in faults.items())


def _mark(rows: pl.DataFrame, faults: dict[str, pl.Expr]) -> pl.DataFrame:
    """Give every row without a `reason` its first fault; neighbours are the rows without one."""
    first = _first(faults)
    bad = rows.filter(pl.col("reason").is_not_null()) if "reason" in rows.columns else rows.clear()
    if bad.is_empty():
        return rows.with_columns(reason=first)
    marked = rows.filter(pl.col("reason").is_null()).with_columns(reason=first)
    return pl.concat([marked, bad]).sort("line")


def _split(rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    return rows.filter(pl.col("reason").is_null()).drop("reason"), rows.filter(pl.col("reason").is_not_null())
