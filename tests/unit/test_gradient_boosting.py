"""The boosted model learns what is there, nothing where nothing is, and the same twice."""

import numpy as np
import pytest

from trading.models.gradient_boosting import EXPIRY_H, HOLD_SLOPE_MAX, Boosted, Preset, fit, fold_key
from trading.models.rows import Rows

FAST = Preset(rounds=40, rows_min=200)
START = 450_000
NAMES = ("signal", "noise")


def rows(seed: int, hours: int, first: int = START, edge: float = 0.0, carry: float = 2.0) -> Rows:
    """Four coins an hour whose returns follow their first feature as much as `edge` says.

    A hold returns `carry` times the day.
    """
    rng = np.random.default_rng(seed)
    asof = np.repeat(first + 3 * np.arange(hours), 4)
    features = rng.normal(size=(asof.size, 2)).astype(np.float32)
    scaled = edge * features[:, :1] + rng.normal(size=(asof.size, 3))
    sigma = np.full(asof.size, 0.04)
    returns = scaled * 0.04 * np.sqrt(np.array([1, 4, 24]) / 24)
    column = np.tile(np.arange(4, dtype=np.int16), hours)
    return Rows(asof, column, features, sigma, returns, scaled, carry * returns[:, 2])


def trained(edge: float, seed: int = 1) -> Boosted:
    train = rows(seed, 1_200, edge=edge)
    return fit(train, rows(seed + 50, 700, START + 4_000, edge), START + 7_000, FAST)


def test_a_planted_edge_is_found_at_every_horizon():
    model = trained(edge=0.5)
    fresh = rows(99, 500, START + 7_100, edge=0.5)
    chances, expected = model.predict(START + 7_100, fresh.features, fresh.sigma_24)
    for h in range(3):
        assert np.corrcoef(expected[h], fresh.returns[:, h])[0, 1] > 0.3
        assert np.corrcoef(chances[h], fresh.returns[:, h] > 0)[0, 1] > 0.2
        slope = (expected[h] @ fresh.returns[:, h]) / (expected[h] @ expected[h])
        assert slope > 0.8, "expected returns may be timid, not bold"


def test_a_hold_expects_what_holds_returned_within_the_bound():
    train = rows(1, 1_200, edge=0.5)
    fresh = rows(99, 500, START + 7_100, edge=0.5)

    def multiple(carry: float) -> float:
        model = fit(train, rows(51, 700, START + 4_000, 0.5, carry), START + 7_000, FAST)
        _, expected = model.predict(START + 7_100, fresh.features, fresh.sigma_24)
        return float(np.median(expected[3] / expected[2]))

    assert multiple(0.6) == pytest.approx(1.5 * multiple(0.4), rel=1e-2)
    assert multiple(9.0) == pytest.approx(HOLD_SLOPE_MAX)
    assert multiple(-1.0) == 0.0


def test_a_hold_that_is_not_settled_teaches_nothing():
    train, later = rows(1, 1_200, edge=0.5), rows(51, 700, START + 4_000, 0.5)
    unsettled = later._replace(held=np.full(later.held.shape, np.nan))
    assert fit(train, unsettled, START + 7_000, FAST).hold_slope == 0.0


def test_where_there_is_no_edge_next_to_nothing_is_expected():
    unit = 0.04
    for seed in range(3):
        fresh = rows(200 + seed, 300, START + 7_100)
        _, expected = trained(0.0, seed).predict(START + 7_100, fresh.features, fresh.sigma_24)
        assert np.std(expected[2]) < 0.05 * unit


def test_the_same_rows_give_the_same_bytes_and_they_survive_storage():
    one, two = trained(0.3).dump(), trained(0.3).dump()
    assert one == two
    assert Boosted.parse(one).dump() == one


def test_an_expired_model_says_nothing():
    model = trained(0.3)
    fresh = rows(5, 10)
    alive, _ = model.predict(model.trained_through + EXPIRY_H - 1, fresh.features, fresh.sigma_24)
    dead, unknown = model.predict(model.trained_through + EXPIRY_H, fresh.features, fresh.sigma_24)
    assert not np.isnan(alive).any()
    assert np.isnan(dead).all()
    assert np.isnan(unknown).all()


@pytest.mark.parametrize("part", Rows._fields)
def test_the_key_of_a_fold_changes_with_every_value_that_taught_it(part: str):
    train, calibrate = rows(1, 50), rows(2, 50)
    key = fold_key(train, calibrate, START, NAMES, FAST)
    assert fold_key(train, calibrate, START, NAMES, FAST) == key
    getattr(calibrate, part)[7] += 1
    assert fold_key(train, calibrate, START, NAMES, FAST) != key


def test_the_key_of_a_fold_changes_with_preset_names_and_time():
    train, calibrate = rows(1, 50), rows(2, 50)
    keys = {
        fold_key(train, calibrate, START, NAMES, FAST),
        fold_key(train, calibrate, START, NAMES, FAST._replace(l2=11.0)),
        fold_key(train, calibrate, START, ("noise", "signal"), FAST),
        fold_key(train, calibrate, START + 1, NAMES, FAST),
    }
    assert len(keys) == 4
