"""What holds for the metrics and statistics of every record."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from trading.ledger import performance
from trading.ledger.performance import metrics
from trading.ledger.statistics import Moments, dsr, moments, pbo, psr

CHANGES = arrays(np.float64, st.integers(2, 900), elements=st.floats(-0.02, 0.02))
STARTS = st.integers(0, 60 * 24).map(lambda hours: datetime(2022, 12, 1, tzinfo=UTC) + timedelta(hours=hours))
FILLS = pl.DataFrame({"value": [10.0], "fee": [0.04]})


def record(changes, first, scale=1.0):
    values = np.cumprod(np.concatenate([[1.0], 1 + changes]))
    asof = pl.datetime_range(first, first + timedelta(hours=len(changes)), "1h", time_zone="UTC", eager=True)
    return pl.DataFrame(
        {
            "asof": asof,
            "equity": values * scale,
            "units": np.full(len(values), scale),
            "exposure": values * 0.0,
        }
    )


@given(CHANGES, STARTS)
@settings(max_examples=60, deadline=None)
def test_days_months_and_years_each_multiply_to_the_whole(changes, first):
    of = record(changes, first)
    whole = np.prod(1 + changes)
    for unit in ("D", "M", "Y"):
        returns = performance.periods(of, unit)["return"].to_numpy()
        assert np.isclose(np.prod(1 + returns), whole, rtol=1e-9)


@given(CHANGES, STARTS)
@settings(max_examples=60, deadline=None)
def test_a_fall_inside_a_shorter_period_is_never_deeper(changes, first):
    of = record(changes, first)
    day, month, year = (performance.period_drawdowns(of, unit).max() for unit in ("D", "M", "Y"))
    assert 0 <= day <= month <= year <= performance.drawdowns(of).max() + 1e-12 < 1
    assert -performance.periods(of, "M")["return"].min() <= month + 1e-12


@given(CHANGES, STARTS, st.sampled_from([0.125, 4.0, 1024.0]))
@settings(max_examples=40, deadline=None)
def test_the_size_of_the_account_changes_no_ratio(changes, first, scale):
    small, large = metrics(record(changes, first), FILLS), metrics(record(changes, first, scale), FILLS)
    assert small._replace(turnover=0) == large._replace(turnover=0)


@given(arrays(np.float64, st.integers(3, 300), elements=st.floats(-0.1, 0.1)), st.integers(1, 1000))
@settings(max_examples=100, deadline=None)
def test_more_trials_never_raise_the_deflated_ratio(returns, trials):
    of = moments(returns)
    if of.kurtosis < 1.01 or of.sharpe**2 > 50:
        return
    assert 0 <= dsr(of, trials + 1) <= dsr(of, trials) + 1e-12 <= psr(of) + 2e-12 <= 1 + 3e-12


@given(st.floats(-0.3, 0.3), st.floats(-0.3, 0.3), st.integers(30, 3000))
def test_a_higher_ratio_is_more_probably_above_zero(first, second, periods):
    low, high = sorted((first, second))
    assert psr(Moments(low, 0.0, 3.0, periods)) <= psr(Moments(high, 0.0, 3.0, periods))


@given(st.integers(0, 10_000), st.integers(2, 12))
@settings(max_examples=30, deadline=None)
def test_the_order_of_trials_does_not_change_overfitting(seed, configurations):
    random = np.random.default_rng(seed)
    trials = random.normal(0, 0.01, (120, configurations))
    assert pbo(trials, blocks=6) == pbo(trials[:, random.permutation(configurations)], blocks=6)
