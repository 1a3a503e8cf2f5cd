"""scikit-learn's random forest: for each horizon one forest that learns the sign and the size together.

Labels of 24 h overlap and coins move together, so a tree's bag is drawn in days: whole days, all instruments
together, with replacement, as many as make the bag as large as the labels are unique. On 0/1 targets the
variance criterion is Gini's, so a joint leaf serves as classifier and regressor at half the cost. Unknown
features are filled with their median in training, and columns that had any get a flag beside them.
"""

import numpy as np
from numpy.typing import NDArray

from trading.clock import DAY_H
from trading.market import Floats
from trading.models.artefact import Artefact
from trading.models.labels import HORIZONS_H
from trading.models.presets import Forest
from trading.models.rows import Features, Rows
from trading.models.tree_graph import Filling, Tree, from_sklearn, learner_graph
from trading.models.trees import Beat, artefact, even_weights, targets

SIGN_UNIT = 2.0
"""Brings a 0/1 target to the spread of z, so that both have a say in a split."""


def fit(
    train: Rows,
    trained_through: int,
    numbers: Forest,
    seed: int,
    beat: Beat,
    now: int | NDArray[np.int64] | None = None,
) -> Artefact:
    """Three forests of `numbers.trees` trees; `train` and `now` as of `trees.fit_lightgbm`."""
    import sklearn  # type: ignore[import-untyped]

    filling = filling_of(train.features)
    filled = train._replace(features=fill(train.features, filling))
    weights, goals = even_weights(train, trained_through if now is None else now), targets(train)
    trees: list[Tree] = []
    for h, horizon_h in enumerate(HORIZONS_H):
        beat(f"forest {h + 1}/{len(HORIZONS_H)}")
        target = np.column_stack((goals[h] * SIGN_UNIT, goals[h + len(HORIZONS_H)]))
        rng = np.random.default_rng([seed, horizon_h])
        trees += _forest(filled, target, weights, numbers, rng, h)
    graph = learner_graph(trees, train.features.shape[1], filling, probabilities=True)
    return artefact("forest", sklearn.__version__, graph, train, trained_through, seed)


def filling_of(features: Features) -> Filling:
    """The median of every column, 0 for one without a value, and which columns have unknown values."""
    unknown = np.isnan(features)
    medians = np.zeros(features.shape[1], dtype=np.float32)
    some = ~unknown.all(axis=0)
    medians[some] = np.nanmedian(features[:, some], axis=0)
    return Filling(medians, np.flatnonzero(unknown.any(axis=0)))


def fill(features: Features, filling: Filling) -> Features:
    """Features without unknown values, flags of the flagged columns behind them."""
    unknown = np.isnan(features)
    flags = unknown[:, filling.flagged].astype(np.float32)
    return np.concatenate((np.where(unknown, filling.medians, features), flags), axis=1)


def _forest(
    train: Rows,
    target: Floats,
    weights: Floats,
    numbers: Forest,
    rng: np.random.Generator,
    h: int,
) -> list[Tree]:
    """One horizon's trees, grown one bag at a time by warm starts."""
    from sklearn.ensemble import RandomForestRegressor  # type: ignore[import-untyped]

    forest = RandomForestRegressor(
        n_estimators=0,
        max_depth=numbers.depth,
        min_samples_leaf=max(1, int(numbers.rows_min * numbers.bag)),
        max_features="sqrt",
        bootstrap=False,
        warm_start=True,
        n_jobs=1,
        random_state=int(rng.integers(2**31)),
    )
    for grown, bag in enumerate(day_bags(train.asof, numbers.bag, numbers.trees, rng), 1):
        forest.set_params(n_estimators=grown)
        forest.fit(train.features[bag], target[bag], weights[bag])
    scale = np.array([1.0 / SIGN_UNIT, 1.0]) / numbers.trees
    return [
        tree._replace(values=_spread(tree.values), first_target=h)
        for tree in (from_sklearn(one.tree_, 0, scale) for one in forest.estimators_)
    ]


def _spread(values: Floats) -> Floats:
    """(nodes, sign and size) in the columns h and h + 3 of the six heads, counted from h."""
    wide = np.zeros((len(values), len(HORIZONS_H) + 1))
    wide[:, 0], wide[:, -1] = values.T
    return wide


def day_bags(
    asof: NDArray[np.int64], share: float, bags: int, rng: np.random.Generator
) -> list[NDArray[np.int64]]:
    """Rows of days drawn with replacement, `share` of all days in each bag; (bags, rows)."""
    day = asof // DAY_H
    days, begin = np.unique(day, return_index=True)
    end = np.append(begin[1:], day.size)
    drawn = max(1, round(share * days.size))
    made = []
    for _ in range(bags):
        picks = np.sort(rng.integers(days.size, size=drawn))
        made.append(np.concatenate([np.arange(begin[d], end[d]) for d in picks]))
    return made
