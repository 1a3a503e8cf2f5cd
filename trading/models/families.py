"""The families of models: how each is trained for a fold and asked about the fold's months.

`FAMILIES` names them once. A learner gives `Raw` for every instrument, the regime classifier and the
dissimilarity guard give numbers of their own; all of them are rows of the prediction log.
"""

import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from trading.clock import DAY_H
from trading.errors import UsageError
from trading.market import Floats
from trading.models import dissimilarity, forest, regime, trees
from trading.models.artefact import Artefact
from trading.models.history import History
from trading.models.labels import HORIZONS_H
from trading.models.presets import Preset, Walk
from trading.models.rows import Rows
from trading.models.sequences import Sequences
from trading.models.splits import Fold
from trading.models.trees import Beat

if TYPE_CHECKING:
    # Loading it costs memory that whoever asks for names only need not pay.
    from trading.models.runtime import Runtime

LEARNERS = ("xgboost", "lightgbm", "forest", "lstm", "transformer")
REGIME, DISSIMILARITY = "regime", "dissimilarity"
VERSION = 2
"""Raised when the code learns something else from the same rows: kept folds of an older one are not used."""

Learn = Callable[[History, Fold, Preset, int, Beat], Artefact | None]


class Asked(NamedTuple):
    """A model's answers about a fold's months, sorted by asof and column."""

    asof: NDArray[np.int64]
    column: NDArray[np.int16]
    """Of the instrument; -1 for the market as a whole."""
    outputs: dict[str, Floats]
    """(rows,) by name."""


class Family(NamedTuple):
    """One kind of model."""

    net: bool
    """Trained every `net_months` instead of every month."""
    learn: Learn
    """None when there is too little to learn from."""
    ask: "Callable[[History, Fold, Runtime], Asked]"


def taught(history: History, fold: Fold, walk: Walk) -> Rows | None:
    """The rows that may teach a fold, or None when they are too few."""
    rows = history.rows(fold.fit_first, fold.test_first, walk.stride_h, walk.history_d_min * DAY_H)
    rows = rows.take(fold.whole.fits(rows.asof, rows.asof + max(HORIZONS_H)))
    return rows if rows.asof.size >= walk.rows_min else None


def seed_of(preset: Preset, fold: Fold) -> int:
    """The fold's seed, from the numbers of the preset and the month."""
    text = f"{preset.digest} {fold.test_first}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1


def _boosted(fit: Callable[..., Artefact]) -> Learn:
    def learn(history: History, fold: Fold, preset: Preset, seed: int, beat: Beat) -> Artefact | None:
        rows = taught(history, fold, preset.walk)
        return None if rows is None else fit(rows, fold.trained_through, preset.boosting, seed, beat)

    return learn


def _forest(history: History, fold: Fold, preset: Preset, seed: int, beat: Beat) -> Artefact | None:
    rows = taught(history, fold, preset.walk)
    return None if rows is None else forest.fit(rows, fold.trained_through, preset.forest, seed, beat)


def _regime(history: History, fold: Fold, preset: Preset, seed: int, beat: Beat) -> Artefact | None:
    return regime.fit(history, fold, preset.boosting, seed, beat)


def _dissimilarity(history: History, fold: Fold, preset: Preset, seed: int, beat: Beat) -> Artefact | None:
    rows = taught(history, fold, preset.walk)
    return None if rows is None else dissimilarity.fit(rows, fold.trained_through, preset.walk, seed, beat)


def _net(name: str) -> Learn:
    def learn(history: History, fold: Fold, preset: Preset, seed: int, beat: Beat) -> Artefact | None:
        # torch takes seconds to import: only who trains a net pays for it.
        from trading.models import lstm, transformer

        fit = {"lstm": lstm.fit, "transformer": transformer.fit}[name]
        sequences = sequences_of(history, fold, preset)
        try:
            train, tail = sequences.purged_tail(preset.nets.tail, fold.gap_h)
        except UsageError:
            return None
        if int(train.teaches.sum()) < preset.walk.rows_min:
            return None
        return fit(train, tail, fold.trained_through, preset.nets, seed, beat)

    return learn


def sequences_of(history: History, fold: Fold, preset: Preset) -> Sequences:
    """A fold's hours for a net; hours that may not teach have no label."""
    span = history.slice(fold.fit_first - preset.nets.steps + 1, fold.test_first)
    asof = history.first + np.arange(span.start, span.stop)
    teaches = fold.whole.fits(asof, asof + max(HORIZONS_H))[:, None] & history.sample[span]
    teaches &= history.known + preset.walk.history_d_min * DAY_H <= fold.test_first
    scaled = np.where(teaches[:, :, None], history.scaled[span], np.nan).astype(np.float32)
    return Sequences(int(asof[0]), history.names, np.asarray(history.features[span]), scaled)


def _wanted(history: History, fold: Fold, back_h: int = 0) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Hour and instrument of every row to predict, in rows of the history; at least `back_h` hours in."""
    span = history.slice(fold.test_first, fold.test_end)
    t, a = np.nonzero(history.predicted[span])
    t += span.start
    return t[t >= back_h], a[t >= back_h]


def _asked(history: History, t: NDArray[np.int64], a: NDArray[np.int64], outputs: dict[str, Floats]) -> Asked:
    return Asked(history.first + t.astype(np.int64), a.astype(np.int16), outputs)


def _named(raw: Any) -> dict[str, Floats]:
    """`Raw` as columns of the log."""
    columns = {f"logit{h}": raw.logits[:, i] for i, h in enumerate(HORIZONS_H)}
    return columns | {f"z{h}": raw.z[:, i] for i, h in enumerate(HORIZONS_H)}


def _ask_trees(history: History, fold: Fold, runtime: "Runtime") -> Asked:
    t, a = _wanted(history, fold)
    return _asked(history, t, a, _named(runtime.predict(np.asarray(history.features[t, a]))))


def _ask_net(history: History, fold: Fold, runtime: "Runtime") -> Asked:
    steps = int(runtime.artefact.meta["steps"])
    t, a = _wanted(history, fold, steps - 1)
    begin = max(int(t.min(initial=steps - 1)) - steps + 1, 0)
    panel = np.asarray(history.features[begin : history.slice(fold.test_first, fold.test_end).stop])
    return _asked(history, t, a, _named(runtime.predict_sequences(panel, t - begin, a)))


def _ask_dissimilarity(history: History, fold: Fold, runtime: "Runtime") -> Asked:
    t, a = _wanted(history, fold)
    found = runtime.dissimilarity(np.asarray(history.features[t, a]))
    limit = np.full(len(t), runtime.artefact.meta["limit"])
    return _asked(history, t, a, {"di": found, "limit": limit})


def _ask_regime(history: History, fold: Fold, runtime: "Runtime") -> Asked:
    span = history.slice(fold.test_first, fold.test_end)
    asked = regime.predict_inputs(history, runtime.artefact, fold.test_first, fold.test_end)
    chances = runtime.probabilities(asked)
    named = {f"p_{name}": chances[:, i] for i, name in enumerate(regime.CLASSES)}
    hours = np.arange(span.start, span.stop)
    return _asked(history, hours, np.full(len(hours), -1), named)


FAMILIES = {
    "xgboost": Family(False, _boosted(trees.fit_xgboost), _ask_trees),
    "lightgbm": Family(False, _boosted(trees.fit_lightgbm), _ask_trees),
    "forest": Family(False, _forest, _ask_trees),
    "lstm": Family(True, _net("lstm"), _ask_net),
    "transformer": Family(True, _net("transformer"), _ask_net),
    REGIME: Family(False, _regime, _ask_regime),
    DISSIMILARITY: Family(False, _dissimilarity, _ask_dissimilarity),
}
