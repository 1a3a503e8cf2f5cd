"""One fold's LightGBM: a classifier and a Huber regressor for each horizon, calibrated on later rows.

Presets are fixed, never tuned. One thread, column-wise histograms and a seed make the same rows give the same
model text, byte for byte. LightGBM is imported where it is used: reading this module costs nothing.
"""

import hashlib
import json
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from trading.clock import DAY_H
from trading.market import Floats
from trading.models.calibration import P_MAX, P_MIN, Platt, platt, shrunk_slope
from trading.models.labels import HORIZONS_H
from trading.models.rows import Features, Rows
from trading.models.weights import row_weights

if TYPE_CHECKING:
    import lightgbm

VERSION = 2
"""Raised when the code learns something else from the same rows: kept folds of an older one are not used."""
CLASSIFIER: dict[str, Any] = {"objective": "binary"}
REGRESSOR: dict[str, Any] = {"objective": "huber", "alpha": 1.0, "boost_from_average": False}
"""Huber in sigmas; no start at the mean, which would be the drift of the training months."""
DAY = HORIZONS_H.index(DAY_H)
HOLD_H = 72
"""The planned hold: the cost gate compares what it may return, since costs are paid once a hold."""
HOLD_SLOPE_MAX = 2.5
EXPIRY_H = 45 * DAY_H
"""A model this long after the end of its training says nothing any more."""


class Preset(NamedTuple):
    """The few numbers of a boosted model."""

    rounds: int = 120
    learning_rate: float = 0.03
    leaves: int = 15
    depth: int = 4
    rows_min: int = 1_000
    """Smallest leaf."""
    l2: float = 10.0
    sample: float = 0.6
    """Share of rows and of columns a tree sees."""
    bins: int = 63
    seed: int = 1


class Head(NamedTuple):
    """The model of one horizon."""

    classifier: str
    """LightGBM's model text."""
    regressor: str
    calibration: Platt
    centre: float
    """Mean raw score on the fitting rows, the drift that is taken out."""
    slope: float
    """What is left of an expected return after shrinking."""


class Boosted(NamedTuple):
    """A trained fold."""

    trained_through: int
    heads: tuple[Head, ...]
    """In the order of `HORIZONS_H`."""
    hold_slope: float
    """Of the return over `HOLD_H` on the raw 24 h expectation: what a whole hold may expect of it."""

    def dump(self) -> bytes:
        return json.dumps(self, sort_keys=True).encode()

    @classmethod
    def parse(cls, content: bytes) -> "Boosted":
        trained_through, heads, hold_slope = json.loads(content)
        parsed = tuple(Head(c, r, Platt(*p), m, s) for c, r, p, m, s in heads)
        return cls(trained_through, parsed, hold_slope)

    def predict(self, asof: int, features: Features, sigma_24: Floats) -> tuple[list[Floats], list[Floats]]:
        """P(up) and E[r] of each horizon for (rows, columns) of features, the first made at `asof` or later.

        A further expectation, the last, is that of the whole planned hold.

        NaN throughout once the model has expired.
        """
        if asof >= self.trained_through + EXPIRY_H:
            unknown = np.full(sigma_24.shape, np.nan)
            return [unknown] * len(self.heads), [unknown] * (len(self.heads) + 1)
        chances, expected = [], []
        for horizon_h, head in zip(HORIZONS_H, self.heads, strict=True):
            chances.append(head.calibration.apply(_raw(head.classifier, features)))
            score = (_raw(head.regressor, features) - head.centre) * head.slope
            expected.append(score * sigma_24 * np.sqrt(horizon_h / DAY_H))
        day = self.heads[DAY]
        raw = (_raw(day.regressor, features) - day.centre) * sigma_24
        return chances, [*expected, raw * self.hold_slope]


def fit(train: Rows, calibrate: Rows, trained_through: int, preset: Preset) -> Boosted:
    """Fit each horizon on `train`, calibrate it on `calibrate`; both must be purged and not empty."""
    import lightgbm

    data = lightgbm.Dataset(train.features, params=_parameters(preset), free_raw_data=False).construct()
    heads = tuple(_head(data, h, train, calibrate, trained_through, preset) for h in range(len(HORIZONS_H)))
    return Boosted(trained_through, heads, _hold_slope(heads[DAY], calibrate, trained_through))


def _hold_slope(day: Head, calibrate: Rows, trained_through: int) -> float:
    """The shrunk slope of the return over `HOLD_H`, at most `HOLD_SLOPE_MAX` times that of the day."""
    known = ~np.isnan(calibrate.held)
    if not known.any():
        return 0.0
    rows = calibrate.take(known)
    expected = (_raw(day.regressor, rows.features) - day.centre) * rows.sigma_24
    weights = row_weights(rows.asof, HOLD_H, trained_through)
    slope = shrunk_slope(expected, rows.held, weights, rows.asof, HOLD_H + DAY_H, HOLD_SLOPE_MAX)
    return min(slope, HOLD_SLOPE_MAX * day.slope)


def fold_key(
    train: Rows, calibrate: Rows, trained_through: int, names: tuple[str, ...], preset: Preset
) -> str:
    """Digest of everything that decides a fold's model."""
    import lightgbm

    learning = [VERSION, lightgbm.__version__, _parameters(preset), preset.rounds, CLASSIFIER, REGRESSOR]
    decides = [learning, trained_through, names, HORIZONS_H]
    digest = hashlib.sha256(json.dumps(decides).encode())
    train.update(digest)
    calibrate.update(digest)
    return digest.hexdigest()


def _head(
    data: "lightgbm.Dataset", h: int, train: Rows, calibrate: Rows, trained_through: int, preset: Preset
) -> Head:
    horizon_h = HORIZONS_H[h]
    weights = row_weights(train.asof, horizon_h, trained_through)
    # LightGBM's L2 is in units of weight: a mean of one keeps the preset's meaning.
    weights = weights / weights.mean()
    up = (train.returns[:, h] > 0).astype(np.float64)
    classifier = _train(data, up, weights, preset, CLASSIFIER)
    regressor = _train(data, train.scaled[:, h], weights, preset, REGRESSOR)
    later = row_weights(calibrate.asof, horizon_h, trained_through)
    rose = (calibrate.returns[:, h] > 0).astype(np.float64)
    base_rate = float(np.clip(np.average(up, weights=weights), P_MIN, P_MAX))
    calibration = platt(_raw(classifier, calibrate.features), rose, later, base_rate)
    centre = float(np.average(_raw(regressor, train.features), weights=weights))
    score = _raw(regressor, calibrate.features) - centre
    expected = score * calibrate.sigma_24 * np.sqrt(horizon_h / DAY_H)
    slope = shrunk_slope(expected, calibrate.returns[:, h], later, calibrate.asof, horizon_h + DAY_H)
    return Head(classifier, regressor, calibration, centre, slope)


def _train(
    data: "lightgbm.Dataset", target: Floats, weights: Floats, preset: Preset, objective: dict[str, Any]
) -> str:
    import lightgbm

    data.set_label(target).set_weight(weights)
    return lightgbm.train(_parameters(preset) | objective, data, preset.rounds).model_to_string()


def _raw(model: str, features: Features) -> Floats:
    """Raw scores: log odds of a classifier, sigmas of a regressor."""
    import lightgbm

    booster = lightgbm.Booster(model_str=model)
    return np.asarray(booster.predict(features, raw_score=True, num_threads=1), dtype=np.float64)


def _parameters(preset: Preset) -> dict[str, Any]:
    return {
        "learning_rate": preset.learning_rate,
        "num_leaves": preset.leaves,
        "max_depth": preset.depth,
        "min_data_in_leaf": preset.rows_min,
        "lambda_l2": preset.l2,
        "feature_fraction": preset.sample,
        "bagging_fraction": preset.sample,
        "bagging_freq": 1,
        "max_bin": preset.bins,
        "seed": preset.seed,
        "deterministic": True,
        "force_col_wise": True,
        "feature_pre_filter": False,
        "num_threads": 1,
        "verbosity": -1,
    }
