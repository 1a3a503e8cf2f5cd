"""How unlike the training rows a row is: distance to the nearest of them over their mean distance.

Distances are Euclidean over robustly scaled features (median and interquartile range of the training rows,
clipped at 5, unknown values at the median). Beyond the 99th percentile of training rows that are not in the
reference, entries are blocked; nothing else is. For the monitors, the artefact keeps the deciles of a long
training too.
"""

import numpy as np
from numpy.typing import NDArray

from trading.clock import DAY_H
from trading.models.artefact import GRAPH, Artefact
from trading.models.drift import PART, TAUGHT_D_MIN, Deciles
from trading.models.presets import Walk
from trading.models.rows import Features, Rows
from trading.models.sequences import CLIP, Scaler
from trading.models.tree_graph import FEATURES, model_of
from trading.models.trees import Beat

LIMIT_PERCENTILE = 99.0
PROBES_MAX = 2_000
"""Training rows outside the reference that the limit is taken from."""
OUTPUT = "dissimilarity"


def fit(train: Rows, trained_through: int, walk: Walk, seed: int, beat: Beat) -> Artefact:
    """Draw the reference and measure the limit; `train` must be purged and not empty."""
    beat(OUTPUT)
    scaler = Scaler.of(train.features)
    drawn = np.random.default_rng(seed).permutation(train.asof.size)
    count = min(walk.reference_rows, train.asof.size // 2)
    reference = scale(train.features[np.sort(drawn[:count])], scaler)
    probes = scale(train.features[np.sort(drawn[count : count + PROBES_MAX])], scaler)
    among = np.sqrt(squares(probes, reference))
    unit = np.float32(among.mean())
    limit = float(np.percentile(among.min(axis=1) / unit, LIMIT_PERCENTILE))
    meta = {
        "seed": seed,
        "rows": int(train.asof.size),
        "epochs": None,
        "trained_through": trained_through,
        "limit": limit,
    }
    parts = {GRAPH: _graph(scaler, reference, unit)}
    if train.asof[-1] - train.asof[0] >= TAUGHT_D_MIN * DAY_H:
        parts[PART] = Deciles.of(train.features, train.asof).dump()
    return Artefact(OUTPUT, meta, parts)


def scale(features: Features, scaler: Scaler) -> Features:
    scaled = np.clip((features - scaler.centre) / scaler.width, np.float32(-CLIP), np.float32(CLIP))
    return np.asarray(np.nan_to_num(scaled), dtype=np.float32)


def squares(rows: Features, reference: Features) -> NDArray[np.float32]:
    """Squared distances, (rows, reference)."""
    own = (rows * rows).sum(axis=1, keepdims=True)
    between = own + (reference * reference).sum(axis=1) - 2.0 * rows @ reference.T
    return np.asarray(np.maximum(between, 0.0), dtype=np.float32)


def _graph(scaler: Scaler, reference: Features, unit: np.float32) -> bytes:
    """`features` to `dissimilarity` (rows, 1)."""
    from onnx import helper

    constants: dict[str, NDArray[np.float32] | NDArray[np.int64]] = {
        "centre": scaler.centre,
        "width": scaler.width,
        "low": np.array(-CLIP, np.float32),
        "high": np.array(CLIP, np.float32),
        "zero": np.array(0.0, np.float32),
        "axis": np.array([1], np.int64),
        "reference": np.ascontiguousarray(reference.T * np.float32(-2.0)),
        "lengths": (reference * reference).sum(axis=1),
        "unit": np.array(unit, np.float32),
    }
    make = helper.make_node
    nodes = [
        make("IsNaN", [FEATURES], ["unknown"]),
        make("Sub", [FEATURES, "centre"], ["centred"]),
        make("Div", ["centred", "width"], ["wide"]),
        make("Clip", ["wide", "low", "high"], ["clipped"]),
        make("Where", ["unknown", "zero", "clipped"], ["scaled"]),
        make("MatMul", ["scaled", "reference"], ["crossed"]),
        make("Add", ["crossed", "lengths"], ["partial"]),
        make("ReduceMin", ["partial", "axis"], ["nearest"], keepdims=1),
        make("Mul", ["scaled", "scaled"], ["squared"]),
        make("ReduceSum", ["squared", "axis"], ["own"], keepdims=1),
        make("Add", ["nearest", "own"], ["square"]),
        make("Max", ["square", "zero"], ["positive"]),
        make("Sqrt", ["positive"], ["distance"]),
        make("Div", ["distance", "unit"], [OUTPUT]),
    ]
    return model_of(nodes, len(scaler.centre), {OUTPUT: 1}, constants)
