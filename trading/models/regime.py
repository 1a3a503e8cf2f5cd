"""The regime classifier: what kind of day the market as a whole has next.

The index is the mean hourly log return of the eligible instruments. A day is, the first that applies:

    CRASH     its index falls by max(7 %, 2.5 sigma) somewhere on the way
    HIGH_VOL  its realised volatility reaches the 85th percentile of the training window
    TRENDING  |sum of returns| / sum of |returns| reaches the 67th percentile, and |sum| is at least 1 sigma
    RANGE     otherwise

sigma, the index's daily volatility, is INDEX_SHARE of the eligible instruments' mean sigma_24. Percentiles
are those of the training window. The class of the day that ended at asof is an input, and the table of what
follows it is what the classifier has to beat on later rows; where it does not, the table answers instead.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from trading.clock import DAY_H
from trading.market import Flags, Floats
from trading.models.artefact import GRAPH, Artefact
from trading.models.history import History
from trading.models.presets import Boosting
from trading.models.rows import Features
from trading.models.splits import Fold
from trading.models.tree_graph import FEATURES, SCORES, from_lightgbm, model_of, scores_node
from trading.models.trees import Beat, lightgbm_parameters
from trading.models.weights import row_weights

CLASSES = ("trending", "range", "high_vol", "crash")
TRENDING, RANGE, HIGH_VOL, CRASH = range(len(CLASSES))
INDEX_SHARE = 0.8
"""The square root of a mean correlation of 0.64: volatility of an even basket over that of its members."""
CRASH_MIN, CRASH_SIGMAS = 0.07, 2.5
HIGH_VOL_PERCENTILE, TRENDING_PERCENTILE = 85.0, 67.0
TREND_SIGMAS = 1.0
HOURS_MIN = 20 * DAY_H
"""Fewer hours than this to fit or to judge by teach nothing."""
LEAF_ROWS_MIN = 200
"""Smallest leaf: rows here are hours of one market, a twentieth of what the learners have."""
TEMPERATURES = np.exp2(np.arange(-4, 13) / 4.0)
"""Tried on the later rows; above 1 it makes the classifier more modest."""
OWN = ("ret_1h", "sigma_24")
"""Columns of the instruments that the index is made from."""
PROBABILITIES = "probabilities"

Classes = NDArray[np.int64]


class Thresholds(NamedTuple):
    """Percentiles of the training window's days."""

    realised: float
    efficiency: float


class Days(NamedTuple):
    """What the index did over the 24 hours that end at each row; (hours,), NaN for the first 23."""

    deepest: Floats
    """Lowest sum of returns on the way, at most 0."""
    realised: Floats
    """Square root of the sum of squares."""
    efficiency: Floats
    total: Floats


def mean_of(values: Floats, eligible: Flags) -> Floats:
    """Mean over the eligible instruments with a value, (hours,); added in column order, always."""
    total, count = np.zeros(len(values)), np.zeros(len(values))
    for a in range(values.shape[1]):
        known = eligible[:, a] & ~np.isnan(values[:, a])
        total += np.where(known, values[:, a], 0.0)
        count += known
    return np.where(count > 0, total / np.maximum(count, 1.0), np.nan)


def days(returns: Floats) -> Days:
    """The days that end at each row of an index's hourly returns (hours,); an unknown hour counts as flat."""
    flat = np.nan_to_num(returns)
    ended = len(flat) - DAY_H + 1
    total, squares, length = np.zeros(ended), np.zeros(ended), np.zeros(ended)
    deepest = np.zeros(ended)
    for hour in range(DAY_H):
        step = flat[hour : hour + ended]
        total, squares, length = total + step, squares + step * step, length + np.abs(step)
        deepest = np.minimum(deepest, total)
    unknown = np.full(DAY_H - 1, np.nan)
    efficiency = np.abs(total) / np.maximum(length, 1e-12)
    parts = (deepest, np.sqrt(squares), efficiency, total)
    return Days(*(np.concatenate((unknown, part)) for part in parts))


def classify(day: Days, sigma: Floats, thresholds: Thresholds) -> Classes:
    """The class of each day; `sigma` is what was known before it. RANGE where nothing is known."""
    with np.errstate(invalid="ignore"):
        crash = day.deepest <= -np.maximum(CRASH_MIN, CRASH_SIGMAS * np.nan_to_num(sigma))
        wild = day.realised >= thresholds.realised
        trend = (day.efficiency >= thresholds.efficiency) & (np.abs(day.total) >= TREND_SIGMAS * sigma)
    return np.select([crash, wild, trend], [CRASH, HIGH_VOL, TRENDING], RANGE).astype(np.int64)


def index_sigma(sigma_24: Floats, eligible: Flags) -> Floats:
    """Daily volatility of the index, (hours,)."""
    return INDEX_SHARE * mean_of(sigma_24, eligible)


def inputs(
    features: Features, eligible: Flags, names: tuple[str, ...], btc: int, thresholds: Thresholds
) -> Features:
    """(hours, columns): bitcoin's features, the index's day and its class, one column a class, last.

    `features` is (hours, instruments, columns); the first 24 rows see too little of the day before.
    """
    returns = mean_of(features[:, :, names.index(OWN[0])].astype(np.float64), eligible)
    sigma = index_sigma(features[:, :, names.index(OWN[1])].astype(np.float64), eligible)
    day = days(returns)
    before = np.concatenate((np.full(DAY_H, np.nan), sigma[:-DAY_H]))
    now = classify(day, before, thresholds)
    own = np.column_stack((*day, sigma, np.eye(len(CLASSES))[now]))
    return np.concatenate((features[:, btc], own.astype(np.float32)), axis=1)


class Lesson(NamedTuple):
    """Hours with the class of the day after them."""

    asof: NDArray[np.int64]
    inputs: Features
    truth: Classes


def fit(history: History, fold: Fold, numbers: Boosting, seed: int, beat: Beat) -> Artefact | None:
    """Train on the fitting hours of the fold, judge on its calibrating ones; None without enough."""
    import lightgbm

    beat("regime")
    lessons = lessons_of(history, fold)
    if lessons is None:
        return None
    train, later, thresholds, btc = lessons
    weights = row_weights(train.asof, DAY_H, fold.test_first)
    parameters = lightgbm_parameters(numbers, seed) | {
        "objective": "multiclass",
        "num_class": len(CLASSES),
        "num_leaves": numbers.regime_leaves,
        "min_data_in_leaf": min(numbers.rows_min, LEAF_ROWS_MIN),
    }
    weighed = weights / weights.mean()
    data = lightgbm.Dataset(train.inputs, label=train.truth, weight=weighed, params=parameters)
    booster = lightgbm.train(parameters, data, numbers.regime_rounds)
    scores = np.asarray(booster.predict(later.inputs, raw_score=True, num_threads=1))
    verdict = judge(scores, train, later)
    meta = {
        "library": lightgbm.__version__,
        "seed": seed,
        "rows": int(train.asof.size),
        "epochs": None,
        "trained_through": fold.trained_through,
        "thresholds": thresholds._asdict(),
        "btc": btc,
        **verdict,
    }
    graph = _graph(booster.model_to_string(), train.inputs.shape[1], verdict)
    return Artefact("regime", meta, {GRAPH: graph})


def lessons_of(history: History, fold: Fold) -> tuple[Lesson, Lesson, Thresholds, int] | None:
    """What the fold may fit and what it may judge by, the training window's thresholds, bitcoin's column."""
    span = history.slice(fold.fit_first - DAY_H, fold.test_first)
    asof = history.first + np.arange(span.start, span.stop)
    eligible, after = history.eligible[span], ahead(history, span)
    known = eligible.any(axis=1) & ~np.isnan(after.total)
    fits, judges = known & fold.fits(asof, asof + DAY_H), known & fold.calibrates(asof, asof + DAY_H)
    if min(fits.sum(), judges.sum()) < HOURS_MIN:
        return None
    thresholds = Thresholds(
        float(np.percentile(after.realised[fits], HIGH_VOL_PERCENTILE)),
        float(np.percentile(after.efficiency[fits], TRENDING_PERCENTILE)),
    )
    truth = classify(after, index_sigma(history.sigma_24[span], eligible), thresholds)
    btc = [name.split("/")[0] for name in history.instruments].index("BTC")
    seen = inputs(np.asarray(history.features[span]), eligible, history.names, btc, thresholds)
    train, later = (Lesson(asof[rows], seen[rows], truth[rows]) for rows in (fits, judges))
    return train, later, thresholds, btc


def ahead(history: History, span: slice) -> Days:
    """The days that follow each row of a span, NaN for the last 23."""
    after = days(mean_of(history.returns[span, :, 0], history.eligible[span]))
    # The day after asof is made of the 24 hourly returns that begin with the one of asof.
    return Days(*(np.concatenate((part[DAY_H - 1 :], np.full(DAY_H - 1, np.nan))) for part in after))


def judge(scores: Floats, train: Lesson, later: Lesson) -> dict[str, object]:
    """Log loss of the classifier, of climatology and of persistence on later rows, and who answers."""
    table = persistence(train)
    climate = np.bincount(train.truth, minlength=len(CLASSES)) + 1.0
    now = later.inputs[:, -len(CLASSES) :].argmax(axis=1)
    losses = [log_loss(softmax(scores / t), later.truth) for t in TEMPERATURES]
    best = int(np.argmin(losses))
    by_table = log_loss(table[now], later.truth)
    by_climate = log_loss(np.broadcast_to(climate / climate.sum(), scores.shape), later.truth)
    wins = losses[best] < min(by_table, by_climate)
    return {
        "source": "classifier" if wins else "persistence",
        "temperature": float(TEMPERATURES[best]),
        "loss_classifier": losses[best],
        "loss_persistence": by_table,
        "loss_climatology": by_climate,
        "table": table.tolist(),
    }


def persistence(train: Lesson) -> Floats:
    """(class now, class next) shares in training, with one imagined row each."""
    now = train.inputs[:, -len(CLASSES) :].argmax(axis=1)
    counts = np.ones((len(CLASSES), len(CLASSES)))
    np.add.at(counts, (now, train.truth), 1.0)
    return np.asarray(counts / counts.sum(axis=1, keepdims=True), dtype=np.float64)


def softmax(scores: Floats) -> Floats:
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True), dtype=np.float64)


def log_loss(probabilities: Floats, truth: Classes) -> float:
    told = probabilities[np.arange(len(truth)), truth]
    return float(-np.mean(np.log(np.maximum(told, 1e-12))))


def _graph(text: str, columns: int, verdict: dict[str, object]) -> bytes:
    """`features` to `probabilities`: by the trees, or by the table and the class now."""
    from onnx import helper

    if verdict["source"] == "classifier":
        trees = from_lightgbm(text, 0, len(CLASSES))
        nodes = [
            scores_node(trees, len(CLASSES), FEATURES),
            helper.make_node("Div", [SCORES, "temperature"], ["modest"]),
            helper.make_node("Softmax", ["modest"], [PROBABILITIES], axis=1),
        ]
        constants: dict[str, NDArray[Any]] = {"temperature": np.array(verdict["temperature"], np.float32)}
    else:
        at = np.arange(columns - len(CLASSES), columns)
        nodes = [
            helper.make_node("Gather", [FEATURES, "at"], ["now"], axis=1),
            helper.make_node("MatMul", ["now", "table"], [PROBABILITIES]),
        ]
        constants = {"at": at, "table": np.array(verdict["table"], np.float32)}
    return model_of(nodes, columns, {PROBABILITIES: len(CLASSES)}, constants)


def predict_inputs(history: History, artefact: Artefact, first: int, stop: int) -> Features:
    """What the classifier is asked about asof hours first..stop-1; `history` begins a day before them."""
    thresholds = Thresholds(**artefact.meta["thresholds"])
    span = history.slice(first - DAY_H, stop)
    features, eligible = np.asarray(history.features[span]), history.eligible[span]
    return inputs(features, eligible, history.names, int(artefact.meta["btc"]), thresholds)[DAY_H:]
