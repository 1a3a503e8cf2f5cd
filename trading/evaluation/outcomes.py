"""What each model said and what came of it, row by row of the prediction log."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from trading.clock import DAY_H
from trading.evaluation.days import Hours
from trading.evaluation.skill import Said
from trading.market import Floats
from trading.models.calibration import logistic
from trading.models.evidence import evidence, places
from trading.models.history import History
from trading.models.labels import HORIZONS_H
from trading.models.prediction_log import STACK

EVEN = "equal weights"
"""The learners' mean log odds and mean z: what a stack without any fitting would say."""
RATE_H = 365 * DAY_H
"""Hours over which the rate of rises is taken."""


class Voice(NamedTuple):
    """One model; (rows, horizons)."""

    p: Floats
    e: Floats


class Heard(NamedTuple):
    """Rows in which every learner, the regime classifier and the stack have spoken, sorted by asof."""

    asof: Hours
    column: NDArray[np.int16]
    regime: NDArray[np.int64]
    """The class that the classifier found likeliest, known at asof."""
    returns: Floats
    """(rows, horizons), NaN where not settled."""
    unit: Floats
    """(rows, horizons): sigma_24 sqrt(h / 24)."""
    base: Floats
    """(rows, horizons): the rolling rate of rises."""
    voices: dict[str, Voice]

    def said(self, name: str, h: int) -> tuple[Said, NDArray[np.bool_]]:
        """One model at one horizon, and which rows are settled."""
        settled, voice = ~np.isnan(self.returns[:, h]), self.voices[name]
        returns, unit, base = (table[:, h] for table in (self.returns, self.unit, self.base))
        said = Said(self.asof, voice.p[:, h], voice.e[:, h], returns, unit, base)
        return said.take(settled), settled


def heard(
    said: Mapping[str, pl.DataFrame], learners: tuple[str, ...], history: History, first: int, stop: int
) -> Heard:
    """What the log says of asof hours first..stop-1; `said` holds the rows of each model."""
    rows = evidence(said, learners, history, first, stop)
    p, e = (_table(said[STACK], history, first, stop, what) for what in ("p", "e"))
    at = rows.asof - first
    spoken = ~np.asarray(np.isnan(p[at, rows.column]).any(axis=1))
    rows, at = rows.take(spoken), at[spoken]
    unit = rows.sigma_24[:, None] * np.sqrt(np.array(HORIZONS_H) / DAY_H)
    voices = {
        name: Voice(logistic(rows.logits[:, k]), rows.z[:, k] * unit) for k, name in enumerate(learners)
    }
    voices[EVEN] = Voice(logistic(rows.logits.mean(axis=1)), rows.z.mean(axis=1) * unit)
    voices[STACK] = Voice(p[at, rows.column], e[at, rows.column])
    return Heard(
        asof=rows.asof,
        column=rows.column,
        regime=rows.regimes.argmax(axis=1).astype(np.int64),
        returns=rows.returns,
        unit=unit,
        base=rolling_rate(history, rows.asof),
        voices=voices,
    )


def _table(frame: pl.DataFrame, history: History, first: int, stop: int, what: str) -> Floats:
    """p or e of the stack as (hours, instruments, horizons), NaN where it was silent."""
    table = np.full((stop - first, len(history.instruments), len(HORIZONS_H)), np.nan)
    inside = frame.filter(pl.col("asof").is_between(first, stop - 1))
    t, a = places(inside, history.instruments, first)
    for h, horizon_h in enumerate(HORIZONS_H):
        table[t, a, h] = inside[f"{what}{horizon_h}"].to_numpy()
    return table


def rolling_rate(history: History, asof: Hours) -> Floats:
    """The share of rises among all rows settled before each asof, over a year, (rows, horizons).

    One rise and one fall are imagined, so that it is 1/2 before anything is known.
    """
    rates = np.empty((len(asof), len(HORIZONS_H)))
    asked = np.asarray(history.predicted)
    for h, horizon_h in enumerate(HORIZONS_H):
        returns = np.where(asked, np.asarray(history.returns[:, :, h]), np.nan)
        rises, rows = (
            np.concatenate(([0], np.cumsum(flags.sum(axis=1))))
            for flags in (returns > 0.0, ~np.isnan(returns))
        )
        end = np.maximum(asof - history.first - horizon_h, 0)
        begin = np.maximum(end - RATE_H, 0)
        rates[:, h] = (rises[end] - rises[begin] + 1.0) / (rows[end] - rows[begin] + 2.0)
    return rates
