"""What a record earned and what it cost, measured on unit value: deposits and withdrawals do not count.

A record is the hourly `equity` frame (asof, equity, units, exposure) and the `fills` frame (value, fee) of
one portfolio. Its first row is the opening; the row at asof H closes the hour before H, so midnight on the
first closes the month before. Periods are UTC; one only touched is kept, so that no return is lost.
"""

import math
from itertools import pairwise
from typing import Literal, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from trading.errors import DataError

DAYS_PER_YEAR = 365
HOURS_PER_YEAR = 24 * DAYS_PER_YEAR

Floats = NDArray[np.float64]
Unit = Literal["D", "M", "Y"]
"""Days, months or years, as numpy spells them."""


class Metrics(NamedTuple):
    """One record in eleven numbers; shares are fractions, drawdowns positive, ratios 0 if nothing moved."""

    cagr: float
    """Growth of the unit value a year of 365 days."""
    volatility: float
    """Standard deviation of daily returns (n - 1) times sqrt(365)."""
    sharpe: float
    """Arithmetic mean of daily returns over their standard deviation, times sqrt(365); nothing subtracted."""
    sortino: float
    """The same over the root mean square of the daily losses; 0 without a losing day."""
    max_drawdown: float
    """Deepest fall of the hourly unit value from its running peak."""
    max_monthly_drawdown: float
    """Deepest peak-to-trough fall inside one UTC month, the month's opening value included."""
    worst_month: float
    """Lowest return of a UTC month, signed."""
    exposure: float
    """Mean share of equity invested."""
    turnover: float
    """Half of all bought and sold value over mean equity, a year: 1 is one round trip of the account."""
    trades: int
    """Fills, each of which pays a fee."""
    fees_paid: float
    """Quote currency."""


def unit_values(equity: pl.DataFrame) -> Floats:
    """Equity over units, hourly; a record of fewer than two hours, or without worth, is a `DataError`."""
    values: Floats = _floats(equity["equity"]) / _floats(equity["units"])
    if len(values) < 2 or not np.isfinite(values).all() or (values <= 0).any():
        raise DataError("a record needs at least two hours, each with positive equity and units")
    return values


def _labels(equity: pl.DataFrame, unit: Unit) -> NDArray[np.datetime64]:
    """The period that each row closes a part of; the opening row's is not used."""
    asof = equity["asof"].dt.replace_time_zone(None).to_numpy()
    return (asof - np.timedelta64(1, "h")).astype(f"datetime64[{unit}]")


def _closes(labels: NDArray[np.datetime64]) -> NDArray[np.int64]:
    """The opening row, then the last row of each period."""
    changes = np.flatnonzero(labels[2:] != labels[1:-1]) + 1
    return np.concatenate([[0], changes, [len(labels) - 1]])


def periods(equity: pl.DataFrame, unit: Unit) -> pl.DataFrame:
    """Days, months or years of a record: period (its first day), start and end value, return.

    A record's months have as many rows as it touches calendar months.
    """
    values, labels = unit_values(equity), _labels(equity, unit)
    closes = _closes(labels)
    start, end = values[closes[:-1]], values[closes[1:]]
    period = labels[closes[1:]].astype("datetime64[D]")
    return pl.DataFrame({"period": period, "start": start, "end": end, "return": end / start - 1})


def period_drawdowns(equity: pl.DataFrame, unit: Unit) -> Floats:
    """The deepest fall inside each period, from its opening value or its running peak."""
    values, closes = unit_values(equity), _closes(_labels(equity, unit))
    inside = (values[a : b + 1] for a, b in pairwise(closes))
    return np.array([(1 - part / np.maximum.accumulate(part)).max() for part in inside])


def daily_returns(equity: pl.DataFrame) -> Floats:
    """Returns from midnight to midnight UTC, days in cash included."""
    return periods(equity, "D")["return"].to_numpy()


def years(equity: pl.DataFrame) -> float:
    """Length of a record in years of 365 days."""
    return (equity.height - 1) / HOURS_PER_YEAR


def growth(equity: pl.DataFrame) -> float:
    """Compound growth a year."""
    values = unit_values(equity)
    return float((values[-1] / values[0]) ** (1 / years(equity)) - 1)


def volatility(returns: Floats) -> float:
    """Yearly standard deviation of daily returns; 0 for fewer than two."""
    return float(returns.std(ddof=1)) * math.sqrt(DAYS_PER_YEAR) if len(returns) > 1 else 0.0


def sharpe(returns: Floats) -> float:
    """Yearly Sharpe ratio of daily returns; 0 where nothing moved."""
    spread = volatility(returns)
    return float(returns.mean()) * DAYS_PER_YEAR / spread if spread > 0 else 0.0


def sortino(returns: Floats) -> float:
    """Yearly Sortino ratio of daily returns against a target of zero; 0 without a losing day."""
    downside = math.sqrt(float((np.minimum(returns, 0.0) ** 2).mean()) * DAYS_PER_YEAR)
    return float(returns.mean()) * DAYS_PER_YEAR / downside if downside > 0 else 0.0


def drawdowns(equity: pl.DataFrame) -> Floats:
    """Hourly fall of the unit value from its running peak, as a positive share of the peak."""
    values = unit_values(equity)
    return 1 - values / np.maximum.accumulate(values)


def turnover(equity: pl.DataFrame, fills: pl.DataFrame) -> float:
    """Half of the traded value over mean equity, a year."""
    traded = float(_floats(fills["value"]).sum())
    return traded / 2 / float(_floats(equity["equity"]).mean()) / years(equity)


def metrics(equity: pl.DataFrame, fills: pl.DataFrame) -> Metrics:
    """All eleven numbers of one record."""
    returns = daily_returns(equity)
    return Metrics(
        cagr=growth(equity),
        volatility=volatility(returns),
        sharpe=sharpe(returns),
        sortino=sortino(returns),
        max_drawdown=float(drawdowns(equity).max()),
        max_monthly_drawdown=float(period_drawdowns(equity, "M").max()),
        worst_month=float(periods(equity, "M")["return"].to_numpy().min()),
        exposure=float(_floats(equity["exposure"]).mean()),
        turnover=turnover(equity, fills),
        trades=fills.height,
        fees_paid=float(_floats(fills["fee"]).sum()),
    )


def _floats(column: pl.Series) -> Floats:
    return column.cast(pl.Float64).to_numpy()
