"""What the stack learns from and is asked about: rows of the prediction log and what came of them."""

from collections.abc import Mapping

import numpy as np
import polars as pl
from numpy.typing import NDArray

from trading.codes import DISSIMILAR
from trading.market import Floats
from trading.models.families import DISSIMILARITY, REGIME
from trading.models.history import History
from trading.models.labels import HORIZONS_H
from trading.models.prediction_log import REGIME_COLUMNS
from trading.models.regime import CRASH, HIGH_VOL
from trading.models.stacking import Evidence, Stack

SLOPE = "btc_slope_168h"


def evidence(
    said: Mapping[str, pl.DataFrame], learners: tuple[str, ...], history: History, first: int, stop: int
) -> Evidence:
    """Rows of asof hours first..stop-1 in which every learner and the regime classifier have spoken.

    `said` holds each model's rows of the log; outcomes are those of the history, NaN where not settled.
    """
    span = history.slice(first, stop)
    begin, hours = history.first + span.start, span.stop - span.start
    shape = (hours, len(history.instruments), len(learners), len(HORIZONS_H))
    logits, z = np.full(shape, np.nan), np.full(shape, np.nan)
    for k, learner in enumerate(learners):
        t, a = places(said[learner], history.instruments, begin)
        for h, horizon_h in enumerate(HORIZONS_H):
            logits[t, a, k, h] = said[learner][f"logit{horizon_h}"].to_numpy()
            z[t, a, k, h] = said[learner][f"z{horizon_h}"].to_numpy()
    regimes = np.full((hours, len(REGIME_COLUMNS)), np.nan)
    regimes[said[REGIME]["asof"].to_numpy() - begin] = said[REGIME].select(REGIME_COLUMNS).to_numpy()
    sigma = np.asarray(history.sigma_24[span])
    heard = ~np.asarray(np.isnan(regimes).any(axis=1))
    known = ~np.isnan(logits).any(axis=(2, 3)) & heard[:, None] & (sigma > 0.0)
    t, a = np.nonzero(known)
    slope = np.asarray(history.features[span, 0, history.names.index(SLOPE)], dtype=np.float64)
    return Evidence(
        asof=begin + t.astype(np.int64),
        column=a.astype(np.int16),
        logits=logits[t, a],
        z=z[t, a],
        regimes=regimes[t],
        sigma_24=sigma[t, a],
        slope=np.nan_to_num(slope)[t],
        returns=np.asarray(history.returns[span])[t, a],
        held=np.asarray(history.held[span])[t, a],
    )


def stacked(
    stack: Stack, rows: Evidence, said: Mapping[str, pl.DataFrame], history: History
) -> dict[str, Floats]:
    """What the meta-learner says of the rows: the columns of its part of the prediction log."""
    outputs = stack.predict(rows)
    outputs["p_crash"], outputs["p_high_vol"] = rows.regimes[:, CRASH], rows.regimes[:, HIGH_VOL]
    outputs["di"], far = unlike(said, history, rows)
    outputs["veto"] = outputs["veto"] + np.where(far, float(DISSIMILAR), 0.0)
    return outputs


def unlike(
    said: Mapping[str, pl.DataFrame], history: History, asked: Evidence
) -> tuple[Floats, NDArray[np.bool_]]:
    """The dissimilarity index of each row, and where it is beyond its limit or unknown."""
    frame = said[DISSIMILARITY]
    begin = int(asked.asof.min()) if asked.asof.size else history.first
    hours = history.last - begin + 1
    table = np.full((2, hours, len(history.instruments)), np.nan)
    inside = frame.filter(pl.col("asof") >= begin)
    t, a = places(inside, history.instruments, begin)
    table[:, t, a] = inside.select("di", "limit").to_numpy().T
    di, limit = table[:, asked.asof - begin, asked.column]
    return di, ~(di <= limit)


def places(
    frame: pl.DataFrame, instruments: tuple[str, ...], begin: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Row and column of each row of the log in an array that begins at asof `begin`."""
    order = {name: i for i, name in enumerate(instruments)}
    column = frame["instrument"].replace_strict(order, return_dtype=pl.Int64).to_numpy()
    return frame["asof"].to_numpy() - begin, column
