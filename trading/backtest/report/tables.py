"""The report's tables as frames: by month, year, coin and regime; costs, denials and the deepest falls."""

from typing import NamedTuple

import numpy as np
import polars as pl

from trading.backtest.report.run import Record
from trading.ledger import performance

EXPOSURE_CAP = 0.20
POSITIONS_CAP = 10


class Costs(NamedTuple):
    """What trading cost, in quote currency and as a share of mean equity a year, and what it brought."""

    fees: float
    slippage: float
    fee_drag: float
    slippage_drag: float
    closings: int
    """Sells that realised a profit or loss."""
    hit_rate: float | None
    """Share of them that gained, after fees; None without one."""
    payoff: float | None
    """Mean gain over mean loss; None without both."""


def yearly(record: Record) -> pl.DataFrame:
    """year, return, volatility, sharpe, drawdown, exposure, fills, fees for each UTC year touched."""
    equity, fills = record
    days = performance.periods(equity, "D").group_by(pl.col("period").dt.year().alias("year"))
    ratios = days.agg(
        volatility=pl.col("return").std() * performance.DAYS_PER_YEAR**0.5,
        mean=pl.col("return").mean() * performance.DAYS_PER_YEAR,
    ).with_columns(sharpe=pl.when(pl.col("volatility") > 0).then(pl.col("mean") / pl.col("volatility")))
    invested = (
        equity.slice(1)
        .group_by((pl.col("asof") - pl.duration(hours=1)).dt.year().alias("year"))
        .agg(pl.col("exposure").cast(pl.Float64).mean())
    )
    traded = fills.group_by(pl.col("asof").dt.year().alias("year")).agg(
        fills=pl.len(), fees=pl.col("fee").cast(pl.Float64).sum()
    )
    table = performance.periods(equity, "Y").with_columns(
        year=pl.col("period").dt.year(), drawdown=performance.period_drawdowns(equity, "Y")
    )
    for part in (ratios, invested, traded):
        table = table.join(part, on="year", how="left")
    columns = ("year", "return", "volatility", "sharpe", "drawdown", "exposure", "fills", "fees")
    return table.select(columns).with_columns(pl.col("fills", "fees").fill_null(0)).sort("year")


def coins(fills: pl.DataFrame) -> pl.DataFrame:
    """instrument, fills, traded, fees, pnl (realised, after fees), hits; the largest profit first."""
    closed = pl.col("pnl").cast(pl.Float64)
    return (
        fills.group_by("instrument")
        .agg(
            fills=pl.len(),
            traded=pl.col("value").cast(pl.Float64).sum(),
            fees=pl.col("fee").cast(pl.Float64).sum(),
            pnl=closed.sum(),
            hits=(closed.drop_nulls() > 0).mean(),
        )
        .sort("pnl", "instrument", descending=[True, False])
    )


def regimes(equity: pl.DataFrame) -> pl.DataFrame | None:
    """regime, hours, return, exposure; an hour counts to the regime known when it began; None without."""
    if "regime" not in equity.columns:
        return None
    values = pl.Series(performance.unit_values(equity))
    return (
        equity.select("regime", "exposure", change=values.shift(-1) / values)
        .drop_nulls()
        .group_by("regime")
        .agg(
            hours=pl.len(),
            **{"return": pl.col("change").product() - 1},
            exposure=pl.col("exposure").cast(pl.Float64).mean(),
        )
        .sort("hours", "regime", descending=[True, False])
    )


def costs(record: Record) -> Costs:
    """Fees, slippage, and how often and how much a closing sell gained."""
    equity, fills = record
    mean_equity = float(equity["equity"].cast(pl.Float64).to_numpy().mean())
    fees, slippage = (float(fills[name].cast(pl.Float64).sum()) for name in ("fee", "slippage"))
    yearly_equity = mean_equity * performance.years(equity)
    pnl = fills["pnl"].cast(pl.Float64).drop_nulls().to_numpy()
    gains, losses = pnl[pnl > 0], pnl[pnl <= 0]
    both = len(gains) > 0 and len(losses) > 0 and losses.mean() < 0
    return Costs(
        fees=fees,
        slippage=slippage,
        fee_drag=fees / yearly_equity,
        slippage_drag=slippage / yearly_equity,
        closings=len(pnl),
        hit_rate=len(gains) / len(pnl) if len(pnl) else None,
        payoff=float(gains.mean() / -losses.mean()) if both else None,
    )


def largest_shares(record: Record) -> tuple[float | None, float | None]:
    """The largest year's share of the gain in unit value, and the largest coin's of realised profit."""
    by_year = performance.periods(record.equity, "Y").select(pl.col("end") - pl.col("start")).to_series()
    return _largest_share(by_year.to_numpy()), _largest_share(coins(record.fills)["pnl"].to_numpy())


def _largest_share(gains: performance.Floats) -> float | None:
    total = float(gains.sum())
    return float(gains.max()) / total if total > 0 else None


def counts(frame: pl.DataFrame, column: str) -> list[tuple[str, int]]:
    """How often each non-empty value of a text column occurs, the most frequent first."""
    if column not in frame.columns:
        return []
    named = frame.filter(pl.col(column).is_not_null() & (pl.col(column).cast(pl.String) != ""))
    ordered = (
        named.group_by(pl.col(column).cast(pl.String)).len().sort("len", column, descending=[True, False])
    )
    return [(str(name), int(number)) for name, number in ordered.iter_rows()]


def hours_above_caps(equity: pl.DataFrame) -> tuple[int, int]:
    """Hours with more than 20 % exposed, and with more than ten positions."""
    exposed = int((equity["exposure"].cast(pl.Float64) > EXPOSURE_CAP).sum())
    return exposed, int((equity["positions"] > POSITIONS_CAP).sum())


def deepest_falls(equity: pl.DataFrame, number: int = 5) -> pl.DataFrame:
    """peak, trough, recovered (null if it has not), depth of the deepest falls of the hourly unit value."""
    values = performance.unit_values(equity)
    tops = np.maximum.accumulate(values)
    falls = equity.select("asof", value=values, top=tops, spell=pl.Series(np.cumsum(values >= tops)))
    spells = falls.group_by("spell", maintain_order=True).agg(
        peak=pl.col("asof").first(),
        trough=pl.col("asof").get(pl.col("value").arg_min()),
        depth=1 - pl.col("value").min() / pl.col("top").first(),
    )
    recovered = spells.with_columns(recovered=pl.col("peak").shift(-1))
    columns = ("peak", "trough", "recovered", "depth")
    return recovered.filter(pl.col("depth") > 0).sort("depth", descending=True).head(number).select(columns)
