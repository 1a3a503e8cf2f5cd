"""Calibration against statsmodels and planted truths."""

import numpy as np
import pytest
import statsmodels.api as sm

from trading.models.calibration import P_MAX, P_MIN, platt, shrunk_slope

ROWS = 4_000
ASOF = np.repeat(np.arange(ROWS // 4), 4)


def scores(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=ROWS), rng.uniform(0.5, 2.0, ROWS)


def test_platt_agrees_with_statsmodels_weighted_logit():
    score, weights = scores(1)
    chance = 1 / (1 + np.exp(-(0.4 * score + 0.2)))
    up = (np.random.default_rng(2).uniform(size=ROWS) < chance).astype(float)
    design = sm.add_constant(score)
    theirs = sm.GLM(up, design, family=sm.families.Binomial(), freq_weights=weights).fit(tol=1e-12)
    ours = platt(score, up, weights, 0.5)
    assert ours.intercept == pytest.approx(theirs.params[0], abs=1e-6)
    assert ours.slope == pytest.approx(theirs.params[1], abs=1e-6)


def test_a_score_that_points_the_wrong_way_is_replaced_by_the_base_rate():
    score, weights = scores(3)
    up = (score < 0).astype(float)
    fitted = platt(score, up, weights, 0.45)
    assert fitted.slope == 0.0
    assert fitted.apply(score) == pytest.approx(np.full(ROWS, 0.45))


def test_probabilities_stay_away_from_certainty():
    score, weights = scores(4)
    fitted = platt(score, (score > 0).astype(float), weights, 0.5)
    chance = fitted.apply(np.array([-50.0, 50.0]))
    assert chance.tolist() == [P_MIN, P_MAX]


def test_the_slope_is_shrunk_by_neweys_and_wests_t():
    rng = np.random.default_rng(5)
    expected = rng.normal(0, 0.01, 2_000)
    realised = 0.3 * expected + rng.normal(0, 0.05, 2_000)
    fit = sm.OLS(realised, expected).fit()
    hac = fit.get_robustcov_results("HAC", maxlags=6, use_correction=False)
    slope, t = float(hac.params[0]), float(hac.tvalues[0])
    ours = shrunk_slope(expected, realised, np.ones(2_000), np.arange(2_000), 6)
    assert abs(t) > 1
    assert ours == pytest.approx(slope * (1 - 1 / t**2), rel=1e-9)


def test_noise_is_shrunk_to_nothing_and_a_drift_is_no_skill():
    rng = np.random.default_rng(8)
    slopes = [
        shrunk_slope(rng.normal(size=ROWS), rng.normal(size=ROWS), np.ones(ROWS), ASOF, 24) for _ in range(40)
    ]
    assert np.mean(np.array(slopes) == 0.0) > 0.5
    assert max(slopes) < 0.1
    falling = shrunk_slope(np.full(ROWS, 0.01), np.full(ROWS, -0.01), np.ones(ROWS), ASOF, 24)
    assert falling == 0.0


def test_a_forecast_is_never_blown_up():
    expected = np.random.default_rng(9).normal(size=ROWS)
    assert shrunk_slope(expected, 3 * expected + 1e-3, np.ones(ROWS), ASOF, 24) <= 1.0


def test_coins_of_one_hour_are_one_observation():
    rng = np.random.default_rng(10)
    e, r = rng.normal(size=300), rng.normal(size=300)
    r += 0.2 * e
    once = shrunk_slope(e, r, np.ones(300), np.arange(300), 5)
    copied = shrunk_slope(np.repeat(e, 9), np.repeat(r, 9), np.ones(2_700), np.repeat(np.arange(300), 9), 5)
    assert once == pytest.approx(copied)
    assert once > 0
