"""The regime classifier out of sample: what it said of the next day, beside persistence and rolling rates.

A fold's own thresholds say what a day was, its own table says what persistence would have said: both are from
its training window. Where the classifier lost on its later rows, the table has answered in its place.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from trading.clock import DAY_H
from trading.evaluation.days import Estimate, Hours, mean
from trading.market import Floats
from trading.models import regime
from trading.models.history import History
from trading.models.prediction_log import REGIME_COLUMNS
from trading.models.regime import CLASSES, Classes, Thresholds
from trading.models.splits import Fold

RATE_H = 365 * DAY_H
P_MIN = 1e-6


class Told(NamedTuple):
    """Hours whose next day is over; all (hours,) or (hours, classes), sorted by asof."""

    asof: Hours
    truth: Classes
    said: Floats
    persistence: Floats
    classifier: NDArray[np.bool_]
    """Whether the classifier answered; else its table did."""


class Row(NamedTuple):
    """Losses over some of the hours; a gain above zero is the classifier's."""

    group: str
    hours: int
    answered: float
    """Share of the hours that the classifier answered itself."""
    loss: float
    """Mean log loss of what was said."""
    persistence: float
    rates: float
    """Of the shares of the classes among the hours settled before, over a year."""
    gain: Estimate | None
    """Mean loss of persistence less that of what was said."""


def told(
    said: pl.DataFrame, history: History, folds: Iterable[tuple[Fold, Mapping[str, Any] | None]]
) -> Told | None:
    """Every settled hour of the folds; None where no fold says what a day is."""
    parts = [_fold(said, history, fold, meta) for fold, meta in folds if meta and "thresholds" in meta]
    return Told(*(np.concatenate(column) for column in zip(*parts, strict=True))) if parts else None


def _fold(said: pl.DataFrame, history: History, fold: Fold, meta: Mapping[str, Any]) -> Told:
    thresholds = Thresholds(**meta["thresholds"])
    span = history.slice(fold.test_first - DAY_H, fold.test_end)
    asof = history.first + np.arange(span.start, span.stop)
    eligible, features = history.eligible[span], np.asarray(history.features[span])
    ahead = regime.ahead(history, slice(span.start, min(span.stop + DAY_H, history.hours)))
    ahead = regime.Days(*(part[: len(asof)] for part in ahead))
    truth = regime.classify(ahead, regime.index_sigma(history.sigma_24[span], eligible), thresholds)
    seen = regime.inputs(features, eligible, history.names, int(meta["btc"]), thresholds)
    now = seen[:, -len(CLASSES) :].argmax(axis=1)
    chances = np.full((len(asof), len(CLASSES)), np.nan)
    inside = said.filter(pl.col("asof").is_between(fold.test_first, fold.test_end - 1))
    chances[inside["asof"].to_numpy() - asof[0]] = inside.select(REGIME_COLUMNS).to_numpy()
    settled = ~np.isnan(ahead.total) & ~np.isnan(chances).any(axis=1)
    answered = np.full(int(settled.sum()), meta["source"] == "classifier")
    table = np.asarray(meta["table"], dtype=np.float64)
    return Told(asof[settled], truth[settled], chances[settled], table[now[settled]], answered)


def rows(of: Told) -> list[Row]:
    """All hours, then year by year."""
    year = (of.asof // DAY_H).astype("datetime64[D]").astype("datetime64[Y]").astype(str)
    losses = [_loss(table, of.truth) for table in (of.said, of.persistence, _rates(of))]
    groups = [
        ("all", np.ones(len(year), dtype=bool)),
        *((str(name), year == name) for name in np.unique(year)),
    ]
    found = []
    for name, inside in groups:
        own, table, rates = (loss[inside] for loss in losses)
        gain = mean(table - own, of.asof[inside])
        found.append(
            Row(
                group=name,
                hours=int(inside.sum()),
                answered=float(of.classifier[inside].mean()),
                loss=float(own.mean()),
                persistence=float(table.mean()),
                rates=float(rates.mean()),
                gain=gain,
            )
        )
    return found


def _loss(chances: Floats, truth: Classes) -> Floats:
    given = chances[np.arange(len(truth)), truth]
    return np.asarray(-np.log(np.maximum(given, P_MIN)), dtype=np.float64)


def _rates(of: Told) -> Floats:
    """Shares of the classes over the year that was settled before each hour, one imagined hour each."""
    hit = np.eye(len(CLASSES))[of.truth]
    sums = np.concatenate((np.zeros((1, len(CLASSES))), np.cumsum(hit, axis=0)))
    end = np.searchsorted(of.asof, of.asof - DAY_H)
    begin = np.searchsorted(of.asof, of.asof - DAY_H - RATE_H)
    counts = sums[end] - sums[begin] + 1.0
    return np.asarray(counts / counts.sum(axis=1, keepdims=True), dtype=np.float64)
