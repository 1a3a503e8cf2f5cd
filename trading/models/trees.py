"""LightGBM and XGBoost: a classifier and a Huber regressor for each horizon, on bins made once a fold.

Presets are fixed, never tuned. One thread, histograms and a seed make the same rows give the same bytes. The
libraries are imported where they are used: reading this module costs nothing.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trading.market import Floats
from trading.models.artefact import GRAPH, Artefact
from trading.models.labels import HORIZONS_H
from trading.models.presets import Boosting
from trading.models.rows import Rows
from trading.models.tree_graph import Tree, from_lightgbm, from_xgboost, learner_graph
from trading.models.weights import row_weights

Beat = Callable[[str], None]
"""Called with what is being done, at least every few seconds of work."""

HEADS = 2 * len(HORIZONS_H)
LIGHTGBM_OBJECTIVES: tuple[dict[str, Any], ...] = (
    {"objective": "binary"},
    # No start at the mean, which would be the drift of the training months.
    {"objective": "huber", "alpha": 1.0, "boost_from_average": False},
)
XGBOOST_OBJECTIVES: tuple[dict[str, Any], ...] = (
    {"objective": "binary:logistic", "base_score": 0.5},
    {"objective": "reg:pseudohubererror", "huber_slope": 1.0, "base_score": 0.0},
)


def targets(train: Rows) -> list[Floats]:
    """What each head learns: up or not for every horizon, then z for every horizon."""
    up = [(train.returns[:, h] > 0).astype(np.float64) for h in range(len(HORIZONS_H))]
    return up + [train.scaled[:, h] for h in range(len(HORIZONS_H))]


def even_weights(train: Rows, now: int | NDArray[np.int64]) -> Floats:
    """Row weights with a mean of one, which is what libraries measure their penalties by.

    The same for every horizon: 1/h is one factor for all rows.
    """
    weights = row_weights(train.asof, 1, now)
    return np.asarray(weights / weights.mean(), dtype=np.float64)


def fit_lightgbm(
    train: Rows,
    trained_through: int,
    numbers: Boosting,
    seed: int,
    beat: Beat,
    now: int | NDArray[np.int64] | None = None,
) -> Artefact:
    """Six LightGBM models over one set of bins; `train` must be purged and not empty.

    Rows weigh as seen from `now`, the end of training if not said.
    """
    import lightgbm

    parameters = lightgbm_parameters(numbers, seed)
    weights = even_weights(train, trained_through if now is None else now)
    data = lightgbm.Dataset(train.features, weight=weights, params=parameters, free_raw_data=False)
    trees: list[Tree] = []
    for head, target in enumerate(targets(train)):
        beat(f"lightgbm {head + 1}/{HEADS}")
        objective = LIGHTGBM_OBJECTIVES[head // len(HORIZONS_H)]
        booster = lightgbm.train(parameters | objective, data.construct().set_label(target), numbers.rounds)
        trees += from_lightgbm(booster.model_to_string(), head)
    graph = learner_graph(trees, train.features.shape[1])
    return artefact("lightgbm", lightgbm.__version__, graph, train, trained_through, seed)


def fit_xgboost(
    train: Rows,
    trained_through: int,
    numbers: Boosting,
    seed: int,
    beat: Beat,
    now: int | NDArray[np.int64] | None = None,
) -> Artefact:
    """Six XGBoost models over one set of bins; `train` and `now` as of `fit_lightgbm`."""
    import xgboost

    weights = even_weights(train, trained_through if now is None else now)
    data = xgboost.QuantileDMatrix(train.features, weight=weights, max_bin=numbers.bins, nthread=1)
    parameters = xgboost_parameters(numbers, seed)
    trees: list[Tree] = []
    for head, target in enumerate(targets(train)):
        beat(f"xgboost {head + 1}/{HEADS}")
        data.set_label(target)
        objective = XGBOOST_OBJECTIVES[head // len(HORIZONS_H)]
        booster = xgboost.train(parameters | objective, data, numbers.rounds)
        trees += from_xgboost(bytes(booster.save_raw("json")), head)
    graph = learner_graph(trees, train.features.shape[1])
    return artefact("xgboost", xgboost.__version__, graph, train, trained_through, seed)


def artefact(
    family: str, library: str, graph: bytes, train: Rows, trained_through: int, seed: int
) -> Artefact:
    """A graph and what made it."""
    meta = {
        "library": library,
        "seed": seed,
        "rows": int(train.asof.size),
        "epochs": None,
        "horizons_h": list(HORIZONS_H),
        "trained_through": trained_through,
    }
    return Artefact(family, meta, {GRAPH: graph})


def lightgbm_parameters(numbers: Boosting, seed: int) -> dict[str, Any]:
    return {
        "learning_rate": numbers.learning_rate,
        "num_leaves": numbers.leaves,
        "max_depth": numbers.depth,
        "min_data_in_leaf": numbers.rows_min,
        "lambda_l2": numbers.l2,
        "feature_fraction": numbers.sample,
        "bagging_fraction": numbers.sample,
        "bagging_freq": 1,
        "max_bin": numbers.bins,
        "seed": seed,
        "deterministic": True,
        "force_col_wise": True,
        "feature_pre_filter": False,
        "num_threads": 1,
        "verbosity": -1,
    }


def xgboost_parameters(numbers: Boosting, seed: int) -> dict[str, Any]:
    """The same sizes in XGBoost's words, which counts a leaf in hessian: a quarter a row at p = 1/2."""
    return {
        "tree_method": "hist",
        "grow_policy": "lossguide",
        "learning_rate": numbers.learning_rate,
        "max_leaves": numbers.leaves,
        "max_depth": numbers.depth,
        "min_child_weight": numbers.rows_min / 4,
        "lambda": numbers.l2,
        "colsample_bytree": numbers.sample,
        "subsample": numbers.sample,
        "max_bin": numbers.bins,
        "seed": seed,
        "nthread": 1,
        "verbosity": 0,
    }
