"""Every figure of the report, computed once."""

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from trading.backtest.report import tables
from trading.backtest.report.run import BITCOIN, Record, Run, Trials
from trading.errors import DataError
from trading.ledger import performance
from trading.ledger.bootstrap import REPETITIONS, Bootstrap, bootstrap
from trading.ledger.performance import DAYS_PER_YEAR, Floats, Metrics, metrics
from trading.ledger.statistics import (
    BLOCKS,
    Moments,
    dsr,
    hac_regression,
    minimum_track_record,
    moments,
    newey_west_lags,
    pbo,
    psr,
)
from trading.ledger.verdict import Evidence, Verdict, performance_verdict

SEED = 20_190_601
"""Of the bootstrap: the same record has the same intervals for ever."""
DAYS_MIN = 30
"""Fewer days have no intervals."""


class Luck(NamedTuple):
    """How much of the Sharpe ratio chance could explain."""

    moments: Moments
    weekly: Moments
    psr: float
    weekly_psr: float
    """The same on weeks: a check against autocorrelation."""
    dsr: float
    trials: int
    variance_measured: bool
    """Whether the variance across trials is theirs, or that of independent ones without skill."""
    track_record_years: float
    """Needed for a ratio above zero with 95 % confidence; infinite if it is not positive."""
    pbo: float | None


class Against(NamedTuple):
    """The daily regression on constant 20 % bitcoin, Newey-West t-values."""

    alpha: float
    """A year."""
    alpha_t: float
    beta: float
    beta_t: float


class Analysis(NamedTuple):
    """A run in figures."""

    metrics: Metrics
    benchmarks: dict[str, Metrics]
    excess: tuple[float, float] | None
    """Mean yearly return above Treasury bills and its Sharpe ratio, 0 where nothing moved but the bills; None
    if a year has no rate."""
    intervals: Bootstrap | None
    luck: Luck
    against_bitcoin: Against | None
    costs: tables.Costs
    largest_year_share: float | None
    largest_coin_share: float | None
    verdict: Verdict


def analyse(run: Run, repetitions: int = REPETITIONS) -> Analysis:
    """Measure a run and all that it is compared with; records of other hours are a `DataError`."""
    _check_hours(run)
    equity = run.record.equity
    returns = performance.daily_returns(equity)
    intervals = _intervals(run.record, run.benchmarks, repetitions)
    luck = _luck(returns, run.trials)
    year_share, coin_share = tables.largest_shares(run.record)
    return Analysis(
        metrics=metrics(*run.record),
        benchmarks={name: metrics(*record) for name, record in run.benchmarks.items()},
        excess=_excess(equity, run.bill_rates),
        intervals=intervals,
        luck=luck,
        against_bitcoin=_against(returns, run.benchmarks[BITCOIN]) if BITCOIN in run.benchmarks else None,
        costs=tables.costs(run.record),
        largest_year_share=year_share,
        largest_coin_share=coin_share,
        verdict=_verdict(run, intervals, luck, repetitions),
    )


def _check_hours(run: Run) -> None:
    hours = run.record.equity["asof"]
    for name, record in run.benchmarks.items():
        if not record.equity["asof"].equals(hours):
            raise DataError(f"benchmark {name} covers other hours than the run: run it over the same span")


def month_numbers(equity: pl.DataFrame) -> NDArray[np.int64]:
    """The calendar month of each daily return, as one number."""
    day = performance.periods(equity, "D")["period"]
    return (day.dt.year().cast(pl.Int64) * 12 + day.dt.month().cast(pl.Int64)).to_numpy()


def _intervals(record: Record, benchmarks: Mapping[str, Record], repetitions: int) -> Bootstrap | None:
    returns = performance.daily_returns(record.equity)
    if len(returns) < DAYS_MIN:
        return None
    others = {name: performance.daily_returns(other.equity) for name, other in benchmarks.items()}
    return bootstrap(returns, month_numbers(record.equity), others, repetitions, SEED)


def _luck(returns: Floats, trials: Trials) -> Luck:
    of = moments(returns)
    weeks = len(returns) // 7
    weekly = moments(np.prod(1 + returns[len(returns) - 7 * weeks :].reshape(weeks, 7), axis=1) - 1)
    measured = trials.returns is not None and trials.returns.shape[1] > 1
    long_enough = trials.returns is not None and len(trials.returns) >= 2 * BLOCKS
    variance = None
    if trials.returns is not None and measured:
        variance = float(np.var([moments(column).sharpe for column in trials.returns.T], ddof=1))
    return Luck(
        moments=of,
        weekly=weekly,
        psr=psr(of),
        weekly_psr=psr(weekly),
        dsr=dsr(of, trials.logged, variance),
        trials=trials.logged,
        variance_measured=measured,
        track_record_years=minimum_track_record(of) / DAYS_PER_YEAR,
        pbo=pbo(trials.returns) if trials.returns is not None and measured and long_enough else None,
    )


def _excess(equity: pl.DataFrame, rates: Mapping[int, float]) -> tuple[float, float] | None:
    days = performance.periods(equity, "D")
    years = days["period"].dt.year().to_list()
    if not rates.keys() >= set(years):
        return None
    excess = days["return"].to_numpy() - np.array([rates[year] for year in years]) / DAYS_PER_YEAR
    moved = float(days["return"].to_numpy().std()) > 0.0
    return float(excess.mean()) * DAYS_PER_YEAR, performance.sharpe(excess) if moved else 0.0


def _against(returns: Floats, bitcoin: Record) -> Against | None:
    other = performance.daily_returns(bitcoin.equity)
    if len(returns) < DAYS_MIN or other.std() == 0 or returns.std() == 0:
        return None
    fit = hac_regression(returns, np.column_stack([np.ones(len(other)), other]), newey_west_lags(len(other)))
    (alpha, beta), (alpha_t, beta_t) = fit.coefficients, fit.t
    return Against(float(alpha) * DAYS_PER_YEAR, float(alpha_t), float(beta), float(beta_t))


def _verdict(run: Run, intervals: Bootstrap | None, luck: Luck, repetitions: int) -> Verdict:
    headline = _evidence(run, run.record, intervals, luck)
    beside = None
    if run.beside is not None:
        bitcoin = {name: record for name, record in run.benchmarks.items() if name == BITCOIN}
        others = _intervals(run.beside, bitcoin, repetitions)
        luck = _luck(performance.daily_returns(run.beside.equity), run.trials)
        beside = _evidence(run, run.beside, others, luck)
    return performance_verdict(headline, beside)


def _evidence(run: Run, record: Record, intervals: Bootstrap | None, luck: Luck) -> Evidence:
    of = metrics(*record)
    year_share, coin_share = tables.largest_shares(record)
    gain = intervals.sharpe_gain.get(BITCOIN) if intervals else None
    twice = run.double_cost
    return Evidence(
        years=performance.years(record.equity),
        bear_years=_bear_years(run.benchmarks[BITCOIN].equity) if BITCOIN in run.benchmarks else 0,
        cagr=of.cagr,
        sharpe=of.sharpe,
        max_monthly_drawdown=of.max_monthly_drawdown,
        max_drawdown=of.max_drawdown,
        largest_year_share=year_share,
        largest_coin_share=coin_share,
        sharpe_double_cost=None
        if twice is None
        else performance.sharpe(performance.daily_returns(twice.equity)),
        sharpe_low=intervals.sharpe.low if intervals else -math.inf,
        sharpe_gain_low=gain.low if gain else None,
        dsr=luck.dsr,
        pbo=luck.pbo,
    )


def _bear_years(equity: pl.DataFrame) -> int:
    """Whole calendar years in which a record lost money."""
    days = performance.periods(equity, "D")["period"]
    whole = days.dt.year().value_counts().filter(pl.col("count") >= DAYS_PER_YEAR)["period"]
    table = performance.periods(equity, "Y").with_columns(year=pl.col("period").dt.year())
    return table.filter(pl.col("year").is_in(whole.implode()) & (pl.col("return") < 0)).height
