"""One hour asked of a release, by the functions that wrote the prediction log: the same bits, in any process.

A window of `LOOKBACK` hours and those that the nets and the regime classifier look back further is enough.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import polars as pl

from trading.clock import DAY_H
from trading.codes import EXPIRED
from trading.errors import DataError
from trading.features.compute import compute
from trading.features.library import LOOKBACK
from trading.market import Flags, Floats, Grid
from trading.models.artefact import Artefact
from trading.models.evidence import evidence, stacked
from trading.models.families import FAMILIES, Asked
from trading.models.history import History, masks
from trading.models.labels import HORIZONS_H
from trading.models.prediction_log import STACK, frame_of, predictions_of
from trading.models.protocol import Predictions
from trading.models.release import Release, expires
from trading.models.runtime import Runtime
from trading.models.splits import Fold
from trading.models.stacking import Stack
from trading.universe import Universe


class Answer(NamedTuple):
    """What a release says of one hour."""

    said: Mapping[str, pl.DataFrame]
    """Rows for the prediction log, by model; the meta-learner's are those of `STACK`."""
    predictions: Predictions
    """Of the meta-learner, for the one hour: what the decision reads."""


class Serving:
    """A release whose models are loaded."""

    def __init__(self, release: Release) -> None:
        self.artefacts = release.artefacts()
        self.data_hash = release.facts.data_digest
        self._stack = Stack.parse(self.artefacts[STACK])
        self._expires = expires(self.artefacts)
        self._runtimes = {name: Runtime(self.artefacts[name]) for name in FAMILIES if name in self.artefacts}

    @property
    def hours(self) -> int:
        """Hours of features, the newest that of asof, that a prediction needs."""
        steps = (int(artefact.meta.get("steps", 0)) for artefact in self.artefacts.values())
        return max(DAY_H + 1, *steps)

    def predict(self, history: History, asof: int) -> Answer:
        """What every model and the meta-learner say at asof; the history ends there and spans `hours` hours.

        Once a model has expired every row carries the veto `EXPIRED`: exits go on, nobody gets in.
        """
        hour = Fold(asof, asof, asof, asof + 1, 0)
        said = {name: self._ask(name, history, hour) for name in self._runtimes}
        rows = evidence(said, self._stack.learners, history, asof, asof + 1)
        outputs = stacked(self._stack, rows, said, history)
        if asof >= self._expires:
            outputs["veto"] = outputs["veto"] + float(EXPIRED)
        said[STACK] = self._frame(Asked(rows.asof, rows.column, outputs), STACK, history)
        return Answer(said, predictions_of(said[STACK], history.instruments, asof, asof))

    def _ask(self, name: str, history: History, hour: Fold) -> pl.DataFrame:
        return self._frame(FAMILIES[name].ask(history, hour, self._runtimes[name]), name, history)

    def _frame(self, asked: Asked, name: str, history: History) -> pl.DataFrame:
        artefact: Artefact = self.artefacts[name]
        return frame_of(
            asked, history.instruments, name, artefact.digest, self.data_hash, artefact.trained_through
        )


def recent(grid: Grid, universe: Universe, unusable: Flags, hours: int) -> History:
    """The last `hours` hours of a window as the models see them; labels, which nobody knows yet, are NaN.

    A window that does not reach `LOOKBACK` hours back from the first of them is a `DataError`.
    """
    first = grid.hours - hours
    if first < LOOKBACK - 1:
        raise DataError(f"a prediction needs a window of {LOOKBACK + hours - 1} hours, not {grid.hours}")
    panel = compute(grid, universe.eligible[: grid.hours], first)
    sample, predicted = masks(grid, universe, unusable)
    count = len(grid.instruments)
    market = np.broadcast_to(panel.market.T[:, None, :], (hours, count, len(panel.market_names)))
    features = np.concatenate((np.moveaxis(panel.values, 0, 2), market), axis=2).astype(np.float32)
    sigma = panel.column("sigma_24")

    def unknown(*shape: int) -> Floats:
        return np.full((hours, count, *shape), np.nan)

    return History(
        first=grid.first + first,
        instruments=grid.instruments,
        names=panel.names + panel.market_names,
        features=features,
        sigma_24=sigma,
        returns=unknown(len(HORIZONS_H)),
        scaled=unknown(len(HORIZONS_H)),
        held=unknown(),
        eligible=universe.eligible[: grid.hours][first:],
        sample=sample[first:],
        predicted=predicted[first:] & ~np.isnan(sigma),
        known=np.argmax(grid.valid, axis=0) + grid.first,
    )
