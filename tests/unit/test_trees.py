"""Tree learners: what is planted is found, the graph says what the library says, the same twice."""

import warnings
from collections.abc import Callable

import numpy as np
import pytest

from trading.models import forest, trees
from trading.models.artefact import Artefact
from trading.models.presets import Boosting, Forest
from trading.models.rows import Rows
from trading.models.runtime import Runtime
from trading.models.tree_graph import from_lightgbm, from_xgboost, largest_float32, learner_graph
from trading.models.weights import row_weights

START = 450_000
BOOSTING, FOREST = Boosting(rounds=25, rows_min=200), Forest(trees=12, depth=5, rows_min=400, bag=0.25)


def rows(seed: int, hours: int, first: int = START, edge: float = 0.0) -> Rows:
    """Four coins an hour whose returns follow their first feature as `edge` says; holes here and there."""
    rng = np.random.default_rng(seed)
    asof = np.repeat(first + 3 * np.arange(hours), 4)
    features = rng.normal(size=(asof.size, 5)).astype(np.float32)
    scaled = edge * features[:, :1] + rng.normal(size=(asof.size, 3))
    features[rng.random(features.shape) < 0.02] = np.nan
    features[:, 4] = rng.integers(0, 2, asof.size)
    sigma = np.full(asof.size, 0.04)
    returns = scaled * 0.04 * np.sqrt(np.array([1, 4, 24]) / 24)
    column = np.tile(np.arange(4, dtype=np.int16), hours)
    return Rows(asof, column, features, sigma, returns, scaled, 2.0 * returns[:, 2])


def learn(family: str, train: Rows, seed: int = 3) -> Artefact:
    through = int(train.asof[-1]) + 50
    if family == "forest":
        return forest.fit(train, through, FOREST, seed, lambda what: None)
    fit: Callable[..., Artefact] = {"lightgbm": trees.fit_lightgbm, "xgboost": trees.fit_xgboost}[family]
    return fit(train, through, BOOSTING, seed, lambda what: None)


FAMILIES = ("lightgbm", "xgboost", "forest")


@pytest.mark.parametrize("family", FAMILIES)
def test_half_of_a_planted_edge_is_found_at_every_horizon(family: str):
    edge = 0.1
    raw = Runtime(learn(family, rows(1, 2_500, edge=edge))).predict(
        (fresh := rows(9, 2_500, START + 9_000, edge)).features
    )
    planted = np.corrcoef(np.nan_to_num(fresh.features[:, 0]), fresh.scaled[:, 2])[0, 1]
    for h in range(3):
        assert np.corrcoef(raw.z[:, h], fresh.scaled[:, h])[0, 1] > planted / 2
        assert np.corrcoef(raw.logits[:, h], fresh.scaled[:, h])[0, 1] > planted / 2


@pytest.mark.parametrize("family", FAMILIES)
def test_the_same_rows_and_seed_give_the_same_bytes_and_another_seed_others(family: str):
    train = rows(1, 600, edge=0.3)
    assert learn(family, train).digest == learn(family, train).digest
    assert learn(family, train).digest != learn(family, train, seed=4).digest


@pytest.mark.parametrize("family", FAMILIES)
def test_a_month_at_once_and_an_hour_alone_have_the_same_bits(family: str):
    runtime, asked = Runtime(learn(family, rows(1, 600, edge=0.3))), rows(2, 40).features
    whole = runtime.predict(asked)
    for first, stop in ((0, 1), (3, 17), (100, 160)):
        part = runtime.predict(asked[first:stop])
        assert np.array_equal(part.logits, whole.logits[first:stop])
        assert np.array_equal(part.z, whole.z[first:stop])


def runs(graph: bytes, features: np.ndarray) -> np.ndarray:
    raw = Runtime(Artefact("lightgbm", {}, {"graph.onnx": graph})).predict(features)
    return np.concatenate((raw.logits, raw.z), axis=1)


@pytest.mark.parametrize("holes", [True, False])
def test_a_graph_says_what_lightgbm_says_whether_or_not_training_knew_unknown_values(holes: bool):
    import lightgbm

    train, asked = rows(1, 800, edge=0.3), rows(5, 500).features
    features = train.features if holes else np.nan_to_num(train.features)
    data = lightgbm.Dataset(features, train.scaled[:, 0])
    booster = lightgbm.train(trees.lightgbm_parameters(BOOSTING, 1) | {"objective": "huber"}, data, 25)
    graph = learner_graph(from_lightgbm(booster.model_to_string(), 4), 5)
    assert np.abs(runs(graph, asked)[:, 4] - booster.predict(asked)).max() < 1e-6
    assert not runs(graph, asked)[:, [0, 1, 2, 3, 5]].any(), "the other heads stay silent"


def test_a_graph_says_what_xgboost_says():
    import xgboost

    train, asked = rows(1, 800, edge=0.3), rows(5, 500).features
    data = xgboost.QuantileDMatrix(train.features, train.scaled[:, 0], max_bin=BOOSTING.bins, nthread=1)
    objective = trees.XGBOOST_OBJECTIVES[1]
    booster = xgboost.train(trees.xgboost_parameters(BOOSTING, 1) | objective, data, 25)
    graph = learner_graph(from_xgboost(bytes(booster.save_raw("json")), 2), 5)
    said = booster.predict(xgboost.DMatrix(asked), output_margin=True)
    assert np.abs(runs(graph, asked)[:, 2] - said).max() < 1e-6


def test_a_forest_is_the_mean_of_its_trees_on_filled_features():
    from sklearn.tree import DecisionTreeRegressor

    from trading.models.tree_graph import from_sklearn

    train, asked = rows(1, 600, edge=0.3), rows(5, 300).features
    filling = forest.filling_of(train.features)
    filled, asked_filled = (forest.fill(x, filling) for x in (train.features, asked))
    assert filled.shape[1] == 5 + 4, "one flag for each column with holes"
    tree = DecisionTreeRegressor(max_depth=4, random_state=1).fit(filled, train.scaled[:, :2])
    made = from_sklearn(tree.tree_, 3, np.array([1.0, 0.5]))
    graph = learner_graph([made], 5, filling)
    said = tree.predict(asked_filled) * np.array([1.0, 0.5])
    assert np.abs(runs(graph, asked)[:, 3:5] - said).max() < 1e-6


def test_bags_are_whole_days_of_all_instruments():
    train = rows(1, 240)
    for bag in forest.day_bags(train.asof, 0.25, 5, np.random.default_rng(1)):
        drawn = train.asof[bag] // 24
        assert np.unique(drawn).size <= round(0.25 * np.unique(train.asof // 24).size)
        for day, count in zip(*np.unique(drawn, return_counts=True), strict=True):
            assert count % np.sum(train.asof // 24 == day) == 0


def test_a_threshold_becomes_the_largest_float32_that_is_not_above_it():
    thresholds = np.array([0.1, -0.1, 1e-300, 3.0, -1e-300])
    made = largest_float32(thresholds)
    assert (made.astype(np.float64) <= thresholds).all()
    assert (np.nextafter(made, np.float32(np.inf)).astype(np.float64) > thresholds).all()


def test_a_split_of_known_from_unknown_lets_every_number_pass_without_a_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = largest_float32(np.array([1.7976931348623157e308, -1.0e300, np.inf]))
    assert found.tolist() == [np.finfo(np.float32).max, -np.inf, np.inf]


def test_even_weights_are_the_weights_of_every_horizon():
    train = rows(1, 300)
    for horizon_h in (1, 24):
        weights = row_weights(train.asof, horizon_h, START + 5_000)
        assert np.allclose(weights / weights.mean(), trees.even_weights(train, START + 5_000))
