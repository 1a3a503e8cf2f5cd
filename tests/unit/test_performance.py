"""Metrics of a record: against empyrical on daily returns, and by hand where calendars matter."""

from datetime import UTC, datetime, timedelta

import empyrical
import numpy as np
import polars as pl
import pytest

from trading.errors import DataError
from trading.ledger import performance
from trading.ledger.performance import metrics

FILLS = pl.DataFrame({"value": [1000.0, 3000.0], "fee": [4.0, 12.0]})


def record(values, first=datetime(2021, 1, 1, tzinfo=UTC), units=None):
    hours = len(values)
    asof = pl.datetime_range(first, first + timedelta(hours=hours - 1), "1h", time_zone="UTC", eager=True)
    units = np.ones(hours) if units is None else units
    equity = np.asarray(values, dtype=float) * units
    return pl.DataFrame({"asof": asof, "equity": equity, "units": units, "exposure": np.full(hours, 0.1)})


@pytest.fixture(scope="module")
def random_days():
    return np.random.default_rng(3).standard_t(4, 800) * 0.01


@pytest.fixture(scope="module")
def midnight_record(random_days):
    values = np.concatenate([[1.0], np.cumprod(1 + random_days)])
    return record(np.concatenate([np.repeat(values[:-1], 24), values[-1:]]))


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("cagr", lambda r: empyrical.annual_return(r, annualization=365)),
        ("volatility", lambda r: empyrical.annual_volatility(r, annualization=365)),
        ("sharpe", lambda r: empyrical.sharpe_ratio(r, annualization=365)),
        ("sortino", lambda r: empyrical.sortino_ratio(r, annualization=365)),
        ("max_drawdown", lambda r: -empyrical.max_drawdown(r)),
    ],
)
def test_each_metric_agrees_with_empyrical_at_365_days(midnight_record, random_days, ours, theirs):
    assert getattr(metrics(midnight_record, FILLS), ours) == pytest.approx(theirs(random_days), rel=1e-9)


def test_daily_returns_run_from_midnight_to_midnight(midnight_record, random_days):
    assert performance.daily_returns(midnight_record) == pytest.approx(random_days)


def test_a_deposit_is_not_a_return():
    values = 1 + 0.001 * np.arange(100)
    units = np.where(np.arange(100) < 50, 1.0, 7.0)
    assert metrics(record(values, units=units), FILLS).cagr == metrics(record(values), FILLS).cagr


def test_the_bar_that_closes_at_midnight_on_the_first_belongs_to_the_month_before():
    first = datetime(2021, 1, 31, 20, tzinfo=UTC)
    fall_at_midnight = record([1.0, 1.0, 1.0, 1.0, 0.9, 0.9, 0.99], first)
    months = performance.periods(fall_at_midnight, "M")
    assert months["period"].dt.month().to_list() == [1, 2]
    assert months["return"].to_list() == pytest.approx([-0.1, 0.1])
    assert performance.period_drawdowns(fall_at_midnight, "M") == pytest.approx([0.1, 0.0])


def test_a_monthly_drawdown_begins_at_the_opening_value_and_forgets_earlier_peaks():
    first = datetime(2021, 1, 31, 22, tzinfo=UTC)
    of = record([1.0, 2.0, 1.6, 1.2, 1.5], first)
    assert performance.period_drawdowns(of, "M") == pytest.approx([0.2, 0.25])
    assert performance.drawdowns(of).max() == pytest.approx(0.4)


def test_the_days_of_a_record_multiply_to_its_whole_return_even_when_it_starts_at_noon():
    values = np.cumprod(1 + np.random.default_rng(1).normal(0, 0.01, 100))
    noon = record(values, datetime(2021, 5, 5, 12, tzinfo=UTC))
    assert np.prod(1 + performance.daily_returns(noon)) == pytest.approx(values[-1] / values[0])


def test_turnover_counts_a_round_trip_once_and_every_fill_is_a_trade():
    year = record(np.ones(8761)).with_columns(equity=pl.lit(2000.0), units=pl.lit(2000.0))
    of = metrics(year, FILLS)
    assert (of.turnover, of.trades, of.fees_paid) == (1.0, 2, 16.0)
    assert (of.sharpe, of.sortino, of.volatility, of.max_drawdown) == (0.0, 0.0, 0.0, 0.0)


def test_decimal_columns_give_the_same_numbers():
    values = np.round(1 + 0.01 * np.sin(np.arange(200)), 4)
    plain = record(values)
    exact = plain.with_columns(pl.col("equity", "units").cast(pl.Decimal(38, 8)))
    assert metrics(exact, FILLS) == pytest.approx(metrics(plain, FILLS))


@pytest.mark.parametrize("values", [[1.0], [1.0, 0.0], [1.0, float("nan")]])
def test_a_record_without_worth_or_length_is_refused(values):
    with pytest.raises(DataError, match="two hours"):
        metrics(record(values), FILLS)
