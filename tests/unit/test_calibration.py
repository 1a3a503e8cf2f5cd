"""Calibration against statsmodels and planted truths."""

import numpy as np
import pytest
import statsmodels.api as sm

from trading.models.calibration import P_MAX, P_MIN, buckets, curve, isotonic, outcomes, platt, shrunk_slope

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


def test_isotonic_steps_are_those_of_a_library():
    sklearn = pytest.importorskip("sklearn.isotonic")
    rng = np.random.default_rng(1)
    score, weights = rng.normal(size=400), rng.uniform(0.5, 2.0, 400)
    up = (rng.random(400) < 1 / (1 + np.exp(-score))).astype(float)
    made = isotonic(score, up, weights)
    assert (np.diff(made.p) > 0).all()
    theirs = sklearn.IsotonicRegression().fit(score, up, sample_weight=weights).predict(score)
    assert np.array_equal(np.unique(made.p.round(9)), np.unique(theirs.round(9)))
    assert np.average(up, weights=weights) == pytest.approx(np.average(theirs, weights=weights))


@pytest.mark.parametrize("shared", [0.0, 0.8])
def test_coins_that_move_together_are_fewer_outcomes(shared: float):
    rng = np.random.default_rng(2)
    common = rng.normal(size=(2_000, 1)) * np.sqrt(shared)
    moves = (common + rng.normal(size=(2_000, 10)) * np.sqrt(1 - shared)).ravel()
    asof, column = np.repeat(450_000 + np.arange(2_000), 10), np.tile(np.arange(10, dtype=np.int16), 2_000)
    expected = 2_000 * 10 / (1 + 9 * shared)
    assert outcomes(asof, column, moves, 1) == pytest.approx(expected, rel=0.15)
    assert outcomes(asof, column, moves, 24) == pytest.approx(expected / 24, rel=0.15)


def test_only_the_first_horizon_with_enough_outcomes_gets_steps():
    rng = np.random.default_rng(4)
    hours = 2_500
    asof, column = 450_000 + np.arange(hours), np.zeros(hours, dtype=np.int16)
    score = rng.normal(size=hours)
    up = (rng.random(hours) < 1 / (1 + np.exp(-score))).astype(float)
    moves = np.where(up > 0, 0.01, -0.01)

    def knots(rows: int, horizon_h: int) -> int:
        cut = slice(rows)
        given = (score[cut], up[cut], np.ones(rows), 0.5, asof[cut], column[cut], moves[cut], horizon_h)
        return curve(*given).at.size

    smooth = knots(hours, 4)
    assert knots(hours, 1) != smooth
    assert knots(900, 1) == knots(900, 4) == smooth


def test_a_smooth_curve_is_the_logistic_it_was_made_from():
    rng = np.random.default_rng(5)
    hours = 4_000
    score = rng.normal(size=hours)
    up = (rng.random(hours) < 1 / (1 + np.exp(-0.5 * score))).astype(float)
    fitted = platt(score, up, np.ones(hours), 0.5)
    asof, column = 450_000 + np.arange(hours), np.zeros(hours, dtype=np.int16)
    made = curve(score, up, np.ones(hours), 0.5, asof, column, up - 0.5, 24)
    assert np.abs(made.apply(score) - fitted.apply(score)).max() < 1e-3


def test_a_bucket_is_open_when_its_like_has_paid():
    rng = np.random.default_rng(6)
    asof, expected = np.repeat(450_000 + np.arange(3_000), 3), rng.normal(size=9_000)
    paying = buckets(expected, 0.5 * expected + rng.normal(size=9_000), asof, 48)
    assert paying.admits(np.array([2.0, 1.0])).all()
    assert not paying.admits(np.array([-2.0, -1.0])).any()
