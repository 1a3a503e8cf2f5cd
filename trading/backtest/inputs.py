"""From a grid to what each hour may see: blocks of packed readings and bars, so that memory does not grow
with years.

Everything in a row is known at its asof; the bars of the row after it fill its orders. A block repeats the
last row of the one before, whose orders its first bars fill.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from trading.backtest.matching import Bar
from trading.backtest.step import Inputs
from trading.clock import DAY_H
from trading.config import DataVenue, ExecutionRules
from trading.correlation import Structure, daily_structure
from trading.features.compute import Panel
from trading.features.compute import blocks as feature_blocks
from trading.instruments import UNITS, Instrument
from trading.market import Floats, Grid
from trading.models.protocol import Predictions
from trading.money import PPM
from trading.portfolio import Market, Reading
from trading.quality import usability
from trading.records import table
from trading.universe import Universe

COLUMNS = ("ret_1h", "sigma_1h", "sigma_24", "btc_vol_percentile")
BLOCK_H = 30 * DAY_H

Array = Any
"""A NumPy array: of records, or of one of their columns."""


class Scene(NamedTuple):
    """A market over time with all that is derived from it once, whoever trades in it."""

    grid: Grid
    instruments: Sequence[Instrument]
    """The trading venue's grid for each column."""
    venue: DataVenue
    universe: Universe
    structure: Structure
    unusable: NDArray[np.bool_]
    refused: NDArray[np.bool_]


def scene(
    grid: Grid, instruments: Sequence[Instrument], venue: DataVenue, universe: Universe, first: int
) -> Scene:
    """Derive clusters, betas and data quality; `first` is the first asof that will decide."""
    unusable, refused = usability(grid)
    structure = daily_structure(grid, first - grid.first)
    return Scene(grid, instruments, venue, universe, structure, unusable, refused)


def blocks(
    market: Scene,
    first: int,
    last: int,
    rules: ExecutionRules,
    predictions: Predictions | None = None,
    flows: dict[int, int] | None = None,
    missed: Collection[int] = (),
) -> Iterator[Inputs]:
    """Inputs of asof hours first..last. `flows` are deposits (+) and withdrawals by hour, 1e-8 quote."""
    grid = market.grid.rows(market.grid.first, last + 1)
    begin = first - grid.first
    kept: Inputs | None = None
    eligible = market.universe.eligible[: grid.hours]
    for panel in feature_blocks(grid, eligible, BLOCK_H, begin, COLUMNS):
        hours = np.arange(panel.values.shape[1]) + grid.first + panel.first
        start = panel.first
        block = Inputs(
            _market(market, hours, panel),
            _readings(market, start, hours, panel.column("sigma_1h"), panel.column("sigma_24"), rules),
            _bars(market, start, start + len(hours)),
        )
        _overlay(block, hours, predictions, flows or {}, missed)
        if kept is not None:
            block = _after(kept, block)
        kept = block
        yield block


def _after(kept: Inputs, block: Inputs) -> Inputs:
    """The block with the last row of the one before in front."""
    joined: list[Array] = [np.concatenate([old[-1:], new]) for old, new in zip(kept, block, strict=True)]
    return Inputs(*joined)


def _market(market: Scene, hours: Array, panel: Panel) -> Array:
    rows, btc = table(Market, len(hours)), market.grid.btc
    rows["hour"] = hours
    rows["refused"] = market.refused[hours - market.grid.first]
    rows["btc_return"] = panel.column("ret_1h")[:, btc]
    rows["btc_sigma_1h"] = panel.column("sigma_1h")[:, btc]
    rows["btc_volatility_percentile"] = panel.column("btc_vol_percentile")[:, btc]
    return rows


def _readings(
    market: Scene, start: int, hours: Array, sigma_1h: Floats, sigma_24: Floats, rules: ExecutionRules
) -> Array:
    grid, stop = market.grid, start + len(hours)
    rows = table(Reading, len(hours), len(grid.instruments))
    rows["close"] = _ticks(market, grid.close[start:stop])
    rows["traded"] = _traded(market, start, stop)
    rows["usable"] = ~market.unusable[start:stop]
    rows["eligible"] = market.universe.eligible[start:stop]
    day = _days(hours, market.structure.day_first, len(market.structure.cluster))
    rows["cluster"] = market.structure.cluster[day]
    beta = market.structure.beta[day]
    rows["beta_ppm"] = np.where(np.isnan(beta), PPM, np.floor(np.nan_to_num(beta) * PPM + 0.5))
    rows["notional_24h"] = _notional_24h(market, start, stop)
    rows["sigma_1h"], rows["sigma_24"] = sigma_1h, sigma_24
    rows["spread"] = _spread(market, hours, rules.spread_min)
    for name in ("p4", "p24", "e24", "e_hold"):
        rows[name] = np.nan
    return rows


def _days(hours: Array, first: int, count: int) -> Array:
    """Which of `count` days, the first of which was decided at asof `first`, holds at each hour."""
    return np.clip((hours - first) // DAY_H, 0, count - 1)


def _spread(market: Scene, hours: Array, spread_min: float) -> Floats:
    """The universe's monthly estimate as a fraction; an unknown spread stays NaN and keeps entries out."""
    known = market.universe.spread_bp
    day = _days(hours, market.universe.day_first, len(known))
    spread: Floats = np.maximum(known[day] / 10_000.0, spread_min)
    return spread


def _bars(market: Scene, start: int, stop: int) -> Array:
    grid = market.grid
    rows = table(Bar, stop - start, len(grid.instruments))
    rows["traded"] = _traded(market, start, stop)
    for name in ("open", "high", "low", "close"):
        rows[name] = _ticks(market, getattr(grid, name)[start:stop])
    lots = np.array([10.0**i.lot_decimals for i in market.instruments])
    rows["volume"] = np.floor(grid.volume[start:stop] * (market.venue.volume_scale * lots))
    return rows


def _ticks(market: Scene, prices: Floats) -> Array:
    """Prices to the nearest tick, at least one; 0 where there is no price."""
    tick = np.array([i.tick_e8 / UNITS for i in market.instruments])
    ticks = np.floor(np.nan_to_num(prices) / tick + 0.5).astype(np.int64)
    return np.where(np.isnan(prices), 0, np.maximum(ticks, 1))


def _traded(market: Scene, start: int, stop: int) -> Array:
    grid = market.grid
    traded: Array = grid.valid[start:stop] & ~grid.stale[start:stop] & (grid.volume[start:stop] != 0)
    return traded


def _notional_24h(market: Scene, start: int, stop: int) -> Array:
    """Notional of the 24 hours that end at each row, oldest first: one order of addition, whatever the
    block.
    """
    grid, low = market.grid, max(0, start - DAY_H + 1)
    hourly = np.nan_to_num(grid.close[low:stop]) * grid.volume[low:stop] * market.venue.volume_scale
    padded = np.concatenate([np.zeros((DAY_H - 1 - (start - low), hourly.shape[1])), hourly])
    total = np.zeros((stop - start, hourly.shape[1]))
    for age in range(DAY_H):
        total += padded[age : age + len(total)]
    return np.floor(total * UNITS).astype(np.int64)


def _overlay(
    block: Inputs,
    hours: Array,
    predictions: Predictions | None,
    flows: dict[int, int],
    missed: Collection[int],
) -> None:
    """Write what does not come from the bars: predictions, flows and hours in which we were down."""
    readings, rows = np.asarray(block.readings), np.asarray(block.market)
    rows["missed"] = np.isin(hours, list(missed))
    for hour, amount in flows.items():
        rows["flow"][hours == hour] = amount
    if predictions is None:
        return
    at = hours - predictions.first
    known = (at >= 0) & (at < len(predictions.p24))
    for name in ("p4", "p24", "e24", "e_hold", "veto"):
        readings[name][known] = getattr(predictions, name)[at[known]]
    rows["p_crash"][known] = predictions.p_crash[at[known]]
    rows["p_high_volatility"][known] = predictions.p_high_vol[at[known]]
