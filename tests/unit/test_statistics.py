"""Luck, measured: published worked examples, hand-worked matrices, and independent implementations."""

import math

import numpy as np
import pytest
import statsmodels.api as sm

from trading.errors import DataError
from trading.ledger.statistics import (
    Moments,
    dsr,
    expected_maximum,
    hac_regression,
    minimum_track_record,
    moments,
    pbo,
    psr,
)


def test_psr_of_the_published_hedge_fund():
    """Bailey and López de Prado (2012): 24 monthly returns, 0.913 as they are, 0.982 were they normal."""
    fund = Moments(sharpe=0.458, skewness=-2.448, kurtosis=10.164, periods=24)
    assert psr(fund) == pytest.approx(0.913, abs=5e-4)
    assert psr(fund._replace(skewness=0.0, kurtosis=3.0)) == pytest.approx(0.982, abs=5e-4)


@pytest.mark.parametrize(
    ("periods_a_year", "skewness", "kurtosis", "years"),
    [(250, 0, 3, 2.73), (52, 0, 3, 2.83), (12, 0, 3, 3.24), (12, -0.72, 5.78, 4.99)],
)
def test_minimum_track_records_as_published(periods_a_year, skewness, kurtosis, years):
    """The same paper: years until a yearly Sharpe ratio of 2 is above 1 with 95 % confidence."""
    scale = math.sqrt(periods_a_year)
    of = Moments(2 / scale, skewness, kurtosis, 1)
    assert minimum_track_record(of, against=1 / scale) / periods_a_year == pytest.approx(years, abs=0.005)


def test_dsr_of_the_published_strategy():
    """Bailey and López de Prado (2014): 2.5 a year over 1,250 days, best of 100, variance 1/2."""
    of = Moments(2.5 / math.sqrt(250), -3.0, 10.0, 1250)
    variance = 0.5 / 250
    assert expected_maximum(100, variance) == pytest.approx(0.1132, abs=5e-5)
    assert dsr(of, 100, variance) == pytest.approx(0.9004, abs=5e-5)
    assert dsr(of, 46, variance) == pytest.approx(0.9505, abs=5e-5)
    assert dsr(of._replace(skewness=0.0, kurtosis=3.0), 88, variance) == pytest.approx(0.9505, abs=5e-5)


def test_annualised_figures_would_inflate_the_deflated_ratio():
    wrong = Moments(2.5, -3.0, 10.0, 1250)
    right = Moments(2.5 / math.sqrt(250), -3.0, 10.0, 1250)
    assert dsr(right, 100, 0.5 / 250) < 0.95 < dsr(wrong, 100, 0.5 / 250)


def test_one_trial_is_not_deflated():
    of = Moments(0.05, 0.1, 4.0, 1000)
    assert dsr(of, 1) == psr(of)


def test_the_expected_maximum_is_that_of_drawn_ratios():
    best = np.random.default_rng(2).normal(0, 0.1, (20_000, 50)).max(axis=1).mean()
    assert expected_maximum(50, 0.01) == pytest.approx(best, rel=0.02)


def test_kurtosis_is_raw():
    of = moments(np.random.default_rng(5).normal(0.001, 0.01, 200_000))
    assert of.kurtosis == pytest.approx(3.0, abs=0.05)
    assert of.skewness == pytest.approx(0.0, abs=0.02)
    assert of.sharpe == pytest.approx(0.1, abs=0.01)


def test_a_flat_record_proves_nothing():
    flat = moments(np.zeros(100))
    assert flat.sharpe == 0.0
    assert psr(flat) == 0.5
    assert minimum_track_record(flat) == math.inf


def noise(periods, configurations, seed=7):
    return np.random.default_rng(seed).normal(0, 0.01, (periods, configurations))


def test_pbo_by_hand():
    """Two configurations, four blocks of two periods with mean m and spread 1, so that ratios follow means.

    Means of A: 3 3 0 0, of B: 1 1 2 2. Six halves select: {0,1} A, others hold A 0 < B 2, lower half;
    {2,3} B, others B 1 < A 3, lower half; each mixed half has A 1.5 = B 1.5 in the mean, where B varies less
    and so has the higher ratio on both sides: upper half. PBO = 2/6.
    """
    spread = np.array([-1.0, 1.0])
    a = np.concatenate([mean + spread for mean in (3, 3, 0, 0)])
    b = np.concatenate([mean + spread for mean in (1, 1, 2, 2)])
    assert pbo(np.column_stack([a, b]), blocks=4) == pytest.approx(2 / 6)


def test_the_middle_rank_counts_as_overfit():
    """A is best in the first half and second of three in the other, B the reverse: both logits are zero."""
    spread = np.array([-1.0, 1.0])
    means = {"a": (3, 2), "b": (2, 3), "c": (1, 1)}
    trials = np.column_stack([np.concatenate([m + spread for m in pair]) for pair in means.values()])
    assert pbo(trials, blocks=2) == 1.0


def test_selecting_among_noise_is_overfitting_half_of_the_time():
    assert np.mean([pbo(noise(400, 20, seed), blocks=8) for seed in range(200)]) == pytest.approx(
        0.5, abs=0.05
    )


def test_one_configuration_that_is_better_everywhere_is_not_overfit():
    trials = noise(800, 20)
    trials[:, 4] += 0.02
    assert pbo(trials) == 0.0


def test_pbo_refuses_what_it_cannot_split():
    for shape, blocks in (((100, 1), 4), ((7, 3), 4), ((100, 3), 5)):
        with pytest.raises(DataError, match="PBO"):
            pbo(noise(*shape), blocks)


@pytest.mark.parametrize("lags", [0, 1, 8])
def test_hac_errors_are_those_of_statsmodels(lags):
    random = np.random.default_rng(11)
    x = random.normal(0, 1, 500)
    y = 0.2 + 0.7 * x + np.convolve(random.normal(0, 1, 503), np.ones(4) / 2, "valid") * (1 + x**2)
    design = np.column_stack([np.ones(500), x])
    theirs = sm.OLS(y, design).fit(cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction": False})
    ours = hac_regression(y, design, lags)
    assert ours.coefficients == pytest.approx(theirs.params, rel=1e-9)
    assert ours.errors == pytest.approx(theirs.bse, rel=1e-9)
    assert ours.t == pytest.approx(theirs.tvalues, rel=1e-9)
