"""The stack weighs its learners, never below zero, expects no drift, says the same alone as in a batch."""

import numpy as np
import pytest

from trading.codes import BUCKET
from trading.models.artefact import Artefact
from trading.models.splits import Fold
from trading.models.stacking import (
    HOLD_SLOPE_MAX,
    Evidence,
    Stack,
    fit,
    nonnegative_logistic,
    nonnegative_ridge,
)

START = 450_000
NAMES = ("good", "weak", "noise", "wrong")
FOLD = Fold(START, START + 5_000, START + 7_000, START + 7_700, 49)


def evidence(
    seed: int, hours: int = 2_300, edge: float = 0.5, drift: float = 0.0, carry: float = 2.0
) -> Evidence:
    """Four coins every third hour; two learners see the edge, the third nothing, the last its opposite."""
    rng = np.random.default_rng(seed)
    asof = np.repeat(START + 3 * np.arange(hours), 4)
    rows = asof.size
    signal = rng.normal(size=rows)
    truth = edge * signal[:, None] + rng.normal(size=(rows, 3)) + drift
    says = np.array([1.0, 0.3, 0.0, -1.0])
    z = (
        edge * signal[:, None] * says
        + 0.3 * rng.normal(size=(rows, 4)) * np.array([0.2, 1.0, 1.0, 0.2])
        + drift
    )
    returns = truth * 0.04 * np.sqrt(np.array([1, 4, 24]) / 24)
    regimes = rng.dirichlet(np.ones(4), rows // 4).repeat(4, axis=0)
    return Evidence(
        asof=asof,
        column=np.tile(np.arange(4, dtype=np.int16), hours),
        logits=np.repeat(1.6 * z[:, :, None], 3, axis=2),
        z=np.repeat(z[:, :, None], 3, axis=2),
        regimes=regimes,
        sigma_24=np.full(rows, 0.04) * rng.uniform(0.8, 1.2, rows),
        slope=rng.normal(size=rows),
        returns=returns,
        held=carry * returns[:, 2],
    )


@pytest.fixture(scope="module")
def stack() -> Stack:
    made = fit(evidence(1), FOLD, NAMES, 3)
    assert made is not None
    return made


def test_the_learner_that_knows_leads_and_the_one_that_is_wrong_gets_nothing(stack: Stack):
    for head in stack.heads:
        for weights in (head.weights, head.sizes):
            assert (weights >= 0).all()
            assert weights[3] == 0.0
    day = stack.heads[2]
    assert day.sizes[0] == max(day.sizes)


def test_a_planted_edge_comes_through_calibrated(stack: Stack):
    fresh = evidence(9)
    said = stack.predict(fresh)
    assert np.corrcoef(said["e24"], fresh.returns[:, 2])[0, 1] > 0.3
    slope = float(said["e24"] @ fresh.returns[:, 2] / (said["e24"] @ said["e24"]))
    assert 0.8 < slope < 1.25
    sure = said["p24"] > 0.7
    assert sure.sum() > 200
    assert abs((fresh.returns[sure, 2] > 0).mean() - said["p24"][sure].mean()) < 0.05


def test_a_bull_market_is_no_skill():
    rising = fit(evidence(2, edge=0.0, drift=0.4), FOLD, NAMES, 3)
    assert rising is not None
    said = rising.predict(evidence(5, edge=0.0, drift=0.4))
    assert np.abs(said["e24"]).mean() < 0.1 * 0.04
    assert abs(said["p24"].mean() - 0.655) < 0.06, "a probability may know the base rate"


def test_where_there_is_no_edge_next_to_nothing_is_expected():
    for seed in range(3):
        said = fit(evidence(20 + seed, edge=0.0), FOLD, NAMES, 3).predict(evidence(50 + seed, 300, edge=0.0))
        assert np.std(said["e24"]) < 0.1 * 0.04


def test_a_hold_expects_what_holds_returned_within_the_bound():
    def multiple(carry: float) -> float:
        said = fit(evidence(1, carry=carry), FOLD, NAMES, 3).predict(evidence(9, 300))
        return float(np.median(said["e_hold"] / said["e24"]))

    assert multiple(0.6) == pytest.approx(1.5 * multiple(0.4), rel=2e-2)
    assert multiple(9.0) == pytest.approx(HOLD_SLOPE_MAX, rel=1e-2)
    assert multiple(-1.0) == 0.0


def test_rows_whose_outcome_was_not_settled_change_nothing(stack: Stack):
    given = evidence(1)
    late = (given.asof + 24 + 49 >= FOLD.test_first) | (
        (given.asof + 24 + 49 >= FOLD.calibrate_first) & (given.asof < FOLD.calibrate_first)
    )
    for part in (given.returns, given.logits, given.z):
        part[late] = 99.0
    held = given.asof + 72 + 49 >= FOLD.test_first
    given.held[held] = 99.0
    again = fit(given, FOLD, NAMES, 3)
    assert again.artefact({}).digest == stack.artefact({}).digest


def test_too_few_rows_make_no_stack():
    assert fit(evidence(1, hours=100), FOLD, NAMES, 3) is None


def test_a_stack_survives_storage_and_says_the_same_of_one_row_as_of_many(stack: Stack):
    again = Stack.parse(Artefact.parse(stack.artefact({"preset": "smoke"}).dump()))
    asked = evidence(9, 200)
    whole = stack.predict(asked)
    for first, stop in ((0, 1), (5, 9), (100, 800)):
        cut = np.zeros(asked.asof.size, dtype=bool)
        cut[first:stop] = True
        part = again.predict(asked.take(cut))
        for name, values in whole.items():
            assert np.array_equal(part[name], values[first:stop]), name


def test_buckets_that_never_paid_are_vetoed(stack: Stack):
    said = stack.predict(evidence(9))
    high, low = said["e24"] > np.quantile(said["e24"], 0.95), said["e24"] < np.quantile(said["e24"], 0.05)
    assert not said["veto"][high].any()
    assert (said["veto"][low] == BUCKET).all()


def test_without_evidence_the_weights_stay_equal():
    none, prior = np.zeros((10, 2)), np.full(2, 0.5)
    assert np.allclose(nonnegative_ridge(none, np.ones(10), np.ones(10), prior, np.full(2, 2.0)), 0.5)
    design = np.column_stack((none, np.ones(10)))
    free = np.array([False, False, True])
    up = np.repeat([1.0, 0.0], [8, 2])
    theta = nonnegative_logistic(
        design, up, np.ones(10), np.array([0.5, 0.5, 0.0]), np.array([2.0, 2.0, 1e-6]), free
    )
    assert np.allclose(theta, [0.5, 0.5, np.log(4)], atol=1e-4)


def test_the_logistic_without_a_pull_is_that_of_a_library():
    sklearn = pytest.importorskip("sklearn.linear_model")
    rng = np.random.default_rng(3)
    design = np.column_stack((rng.normal(size=(500, 3)), np.ones(500)))
    up = (rng.random(500) < 1 / (1 + np.exp(-design @ np.array([0.8, 0.3, 0.5, -0.2])))).astype(float)
    ours = nonnegative_logistic(
        design, up, np.ones(500), np.zeros(4), np.full(4, 1e-9), np.ones(4, dtype=bool)
    )
    theirs = sklearn.LogisticRegression(C=1e9, fit_intercept=False, tol=1e-10).fit(design, up).coef_[0]
    assert np.allclose(ours, theirs, atol=1e-4)
