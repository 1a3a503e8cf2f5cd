"""What is left of a record without its luckiest parts, and how much money its edge could carry."""

from typing import NamedTuple

import numpy as np
import polars as pl

from trading.backtest.inputs import Scene
from trading.backtest.report import Record
from trading.clock import DAY_H
from trading.ledger import performance
from trading.ledger.performance import DAYS_PER_YEAR, Floats

TRADES = 10
VOLATILITY_D = 30


class Left(NamedTuple):
    """A record without one part."""

    name: str
    cagr: float
    sharpe: float


class Edge(NamedTuple):
    """What a round trip brought before and what it cost, as shares of what was sold."""

    closings: int
    gross: float
    cost: float
    capacity: float | None
    """Equity, quote currency, at which impact takes half of the gross edge; None without an edge."""


def without_luck(record: Record) -> list[Left]:
    """Without the best month, the best coin, and the ten best closings; nothing where none was made."""
    days = performance.periods(record.equity, "D")
    month, returns = days["period"].dt.strftime("%Y-%m"), days["return"].to_numpy()
    months = performance.periods(record.equity, "M")
    best = str(months["period"].dt.strftime("%Y-%m").to_list()[int(months["return"].to_numpy().argmax())])
    found = [_left(f"best month, {best}", returns[(month != best).to_numpy()])]
    closed = record.fills.with_columns(pl.col("pnl").cast(pl.Float64)).drop_nulls("pnl")
    if closed.is_empty():
        return found
    by_coin = closed.group_by("instrument").agg(pl.col("pnl").sum()).sort("pnl", "instrument")
    coin = str(by_coin["instrument"].to_list()[-1])
    parts = {
        f"best coin, {coin}": closed.filter(pl.col("instrument") == coin),
        f"best {TRADES} closings": closed.sort("pnl", descending=True).head(TRADES),
    }
    worth = days["start"].to_numpy() * float(record.equity["units"][0])
    return found + [_left(name, returns - _daily(part, days) / worth) for name, part in parts.items()]


def _left(name: str, returns: Floats) -> Left:
    growth = float(np.prod(1.0 + returns) ** (DAYS_PER_YEAR / max(len(returns), 1)) - 1.0)
    return Left(name, growth, performance.sharpe(returns))


def _daily(closed: pl.DataFrame, days: pl.DataFrame) -> Floats:
    """What closings realised on each day, quote currency."""
    profit = closed.group_by(period=pl.col("asof").dt.date()).agg(pl.col("pnl").sum())
    dated = days.select(pl.col("period").cast(pl.Date)).join(profit, on="period", how="left")
    return np.asarray(dated["pnl"].fill_null(0.0).to_numpy(), dtype=np.float64)


def edge(record: Record, market: Scene) -> Edge | None:
    """Edge and capacity of a record that sold something; else None.

    Trading a quantity Q of a coin with daily volatility s and daily volume V moves its price by
    s sqrt(Q / V), on the way in and on the way out.
    """
    fills = record.fills
    sold = fills.filter(pl.col("side") == "sell")
    value = float(sold["value"].cast(pl.Float64).sum())
    if value <= 0.0:
        return None
    paid = sum(float(fills[name].cast(pl.Float64).sum()) for name in ("fee", "slippage"))
    gross = (float(sold["pnl"].cast(pl.Float64).sum()) + paid) / value
    capacity = _capacity(record, gross, market) if gross > 0.0 else None
    return Edge(sold.height, gross, paid / value, capacity)


def _capacity(record: Record, gross: float, market: Scene) -> float:
    """The median over entries of the equity at which 2 s sqrt(w A / V) is half of the gross edge."""
    bought = record.fills.filter(pl.col("side") == "buy").join(
        record.equity.select("asof", pl.col("equity").cast(pl.Float64)), on="asof"
    )
    grid, universe = market.grid, market.universe
    order = {of.name: a for a, of in enumerate(market.instruments)}
    found = []
    for asof, name, value, equity in bought.select("asof", "instrument", "value", "equity").iter_rows():
        hour, a = int(asof.timestamp()) // 3600, order[name]
        row = hour - grid.first
        closes = grid.close[max(row - VOLATILITY_D * DAY_H, 0) : row + 1 : DAY_H, a]
        sigma = float(np.nanstd(np.diff(np.log(closes))))
        volume = float(universe.notional[(hour - universe.day_first) // DAY_H, a])
        found.append(volume * (gross / (4.0 * sigma)) ** 2 / (float(value) / equity))
    return float(np.median(found))
