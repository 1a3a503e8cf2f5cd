"""A record that was lived: as the frames that a report measures, and as forecasts with their outcomes."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from trading.backtest.report import Record
from trading.clock import DAY_H
from trading.evaluation.days import Hours
from trading.evaluation.skill import Said
from trading.ledger.performance import daily_returns
from trading.market import Floats, Grid
from trading.models.labels import HORIZONS_H, labels
from trading.models.protocol import Predictions, nothing
from trading.portfolio import View

SPOKEN = {4: ("p4", None), 24: ("p24", "e24")}
"""Horizons that a sight holds: where the probability and the expected return of each stand."""
BP = 1e-4
OVERLAID = ("p4", "p24", "e24", "e_hold", "veto")


class Sight(Protocol):
    """What a decision at an asof saw."""

    @property
    def instruments(self) -> tuple[str, ...]: ...

    @property
    def view(self) -> View: ...

    @property
    def release(self) -> str:
        """Of the forecasts in the view; empty without."""
        ...


class Forecasts(NamedTuple):
    """What a release said in hours that were lived, and what came of it."""

    said: Mapping[int, Said]
    """By horizon, settled rows alone; the expected return is NaN where a sight holds none."""
    silent: int
    """Hours in which no release spoke."""
    releases: tuple[str, ...]
    stale: float | None
    """Share of (hour, instrument) without a forecast although the instrument was eligible; None without."""
    dissimilar: float | None
    """Share of forecasts that a guard of the release took back."""


def with_results(fills: pl.DataFrame) -> pl.DataFrame:
    """Fills in their order with `pnl`: what a sell realised against the average cost, fees on both sides.

    Wants instrument, side, lots, value and fee; amounts are in quote currency.
    """
    held: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    results: list[float | None] = []
    for row in fills.iter_rows(named=True):
        lots, cost = held[row["instrument"]]
        if row["side"] == "buy":
            held[row["instrument"]] = [lots + row["lots"], cost + row["value"] + row["fee"]]
            results.append(None)
            continue
        share = cost * min(row["lots"] / lots, 1.0) if lots else 0.0
        held[row["instrument"]] = [max(lots - row["lots"], 0.0), cost - share]
        results.append(row["value"] - row["fee"] - share)
    return fills.with_columns(pnl=pl.Series(results, dtype=pl.Float64))


def with_shortfall(fills: pl.DataFrame, grid: Grid) -> pl.DataFrame:
    """Fills with `slippage`: what was paid beyond the close at the asof of the order, in quote currency.

    Negative where a limit bought below it. Wants asof_h, instrument, side, quantity and price.
    """
    places = {name: a for a, name in enumerate(grid.instruments)}
    costs = []
    for row in fills.iter_rows(named=True):
        close = float(grid.close[row["asof_h"] - grid.first, places[row["instrument"]]])
        sign = 1.0 if row["side"] == "buy" else -1.0
        costs.append(sign * (row["price"] - close) * row["quantity"] if np.isfinite(close) else 0.0)
    return fills.with_columns(slippage=pl.Series(costs, dtype=pl.Float64))


def recorded(sights: Sequence[Sight], instruments: Sequence[str]) -> Predictions | None:
    """What a release said hour by hour, as a backtest takes it; None where none ever spoke."""
    spoken = [sight for sight in sights if sight.release]
    if not spoken:
        return None
    hours = [sight.view.market.hour for sight in spoken]
    said = nothing(hours[0], hours[-1] - hours[0] + 1, len(instruments))
    said.p_crash[:], said.p_high_vol[:] = np.nan, np.nan
    for hour, sight in zip(hours, spoken, strict=True):
        at, market = hour - hours[0], sight.view.market
        said.p_crash[at], said.p_high_vol[at] = market.p_crash, market.p_high_volatility
        where = [instruments.index(name) for name in sight.instruments]
        for name in OVERLAID:
            getattr(said, name)[at, where] = [getattr(reading, name) for reading in sight.view.readings]
    return said._replace(release=spoken[-1].release)


def forecasts(sights: Sequence[Sight], grid: Grid) -> Forecasts:
    """What was said beside what the grid shows came of it; rows in the order of time."""
    spoken = [sight for sight in sights if sight.release]
    made = labels(grid, HORIZONS_H, np.full(grid.open.shape, np.nan))
    returns = {label.horizon_h: label.returns for label in made}
    places = {name: a for a, name in enumerate(grid.instruments)}
    rows = [
        (sight.view.market.hour, places[name], reading)
        for sight in spoken
        for name, reading in zip(sight.instruments, sight.view.readings, strict=True)
    ]
    asof = np.array([row[0] for row in rows], np.int64)
    column = np.array([row[1] for row in rows], np.int64)
    sigma = np.array([row[2].sigma_24 for row in rows])
    eligible = np.array([row[2].eligible for row in rows], bool)
    told = np.array([not np.isnan(row[2].p24) for row in rows], bool)
    vetoed = np.array([row[2].veto != 0 for row in rows], bool)
    said = {}
    for horizon_h, (p, e) in SPOKEN.items():
        happened = returns[horizon_h][asof - grid.first, column] if rows else np.empty(0)
        values = (np.array([getattr(row[2], p) for row in rows]), _expected(rows, e))
        unit = sigma * np.sqrt(horizon_h / DAY_H)
        base = _rate(asof, happened, horizon_h)
        settled = ~np.isnan(happened) & ~np.isnan(values[0]) & (unit > 0.0)
        said[horizon_h] = Said(asof, *values, happened, unit, base).take(settled)
    return Forecasts(
        said,
        silent=len(sights) - len(spoken),
        releases=tuple(sorted({sight.release for sight in spoken})),
        stale=float((eligible & ~told).sum() / eligible.sum()) if eligible.any() else None,
        dissimilar=float((vetoed & told).sum() / told.sum()) if told.any() else None,
    )


def _expected(rows: Sequence[tuple[int, int, object]], name: str | None) -> Floats:
    return np.array([np.nan if name is None else getattr(row[2], name) for row in rows])


def _rate(asof: Hours, happened: Floats, horizon_h: int) -> Floats:
    """The share of rises among the rows settled before each asof, one of each imagined at the beginning."""
    hours, first = np.unique(asof, return_index=True)
    known: NDArray[np.bool_] = ~np.isnan(happened)
    rises = np.concatenate(([0], np.cumsum(known & (happened > 0.0))))
    rows = np.concatenate(([0], np.cumsum(known)))
    # The label of asof is settled at asof + horizon + 1, when the last open it needs is known.
    end = np.searchsorted(hours, asof - horizon_h - 1, side="right")
    end = np.concatenate((first, [len(asof)]))[end]
    return np.asarray((rises[end] + 1.0) / (rows[end] + 2.0), dtype=np.float64)


class Beside(NamedTuple):
    """Backtests of the hours that were lived, on the same bars."""

    shadow: Record
    """What the same mandate would have done."""
    benchmarks: dict[str, Record]
    other_fees: Record
    double_cost: Record


class Gap(NamedTuple):
    """Daily returns of a lived record less those of its shadow, in basis points."""

    days: int
    mean_bp: float
    mean_size_bp: float
    """Of the size of the difference: what two errors that cancel still show."""
    worst_bp: float


def gap(record: Record, shadow: Record) -> Gap:
    """How far a record strayed from its shadow; both must cover the same hours."""
    off = (daily_returns(record.equity) - daily_returns(shadow.equity)) / BP
    return Gap(len(off), float(off.mean()), float(np.abs(off).mean()), float(np.abs(off).max(initial=0.0)))


class Costs(NamedTuple):
    """Fills beside the shadow's of the same hour, instrument and side."""

    matched: int
    only_lived: int
    only_shadow: int
    realised_bp: float | None
    """Fee of the matched fills, and what they paid beyond the shadow's price, of their value."""
    modelled_bp: float | None
    """The shadow's fee."""


def costs(record: Record, shadow: Record) -> Costs:
    """What trading cost beside what the model says it costs."""
    keys = ["asof", "instrument", "side"]
    sums = [pl.col("quantity", "value", "fee").cast(pl.Float64).sum()]
    here, there = (of.fills.group_by(keys).agg(sums) for of in (record, shadow))
    both = here.join(there, on=keys, suffix="_shadow")
    counted = (both.height, here.height - both.height, there.height - both.height)
    traded = float(both["value"].sum())
    if traded <= 0.0:
        return Costs(*counted, None, None)
    sign = pl.when(pl.col("side") == "buy").then(1.0).otherwise(-1.0)
    expected = pl.col("value_shadow") / pl.col("quantity_shadow") * pl.col("quantity")
    paid = both.select((sign * (pl.col("value") - expected) + pl.col("fee")).sum()).item()
    modelled = both.select((pl.col("fee_shadow") / pl.col("value_shadow") * pl.col("value")).sum()).item()
    return Costs(*counted, float(paid) / traded / BP, float(modelled) / traded / BP)
