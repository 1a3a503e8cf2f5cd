"""The prediction log: what every model said out of sample, written once, from models that knew nothing later.

A row is one model's answer about one instrument, or the market, at one asof. Stack, calibrators, drift
baselines and reports read these rows and no other predictions. A month of a model is written whole or not at
all and never changes; `digest` leaves out only when it was written.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from trading.config import canonical_json
from trading.errors import InvariantError
from trading.models.families import DISSIMILARITY, LEARNERS, REGIME, Asked
from trading.models.labels import HORIZONS_H
from trading.models.protocol import Predictions, nothing
from trading.models.regime import CLASSES

MARKET = ""
"""Instrument of a row about the market as a whole."""
STACK = "stack"
WRITTEN_AT = "written_at"
IDENTITY: dict[str, Any] = {
    "asof": pl.Int64,
    "instrument": pl.String,
    "model_id": pl.String,
    "artefact_hash": pl.String,
    "data_hash": pl.String,
    "trained_through": pl.Int64,
}
"""Columns of every row; hours since the epoch."""
LEARNER_COLUMNS = tuple(f"{what}{h}" for what in ("logit", "z") for h in HORIZONS_H)
REGIME_COLUMNS = tuple(f"p_{name}" for name in CLASSES)
STACK_COLUMNS = (
    *(f"p{h}" for h in HORIZONS_H),
    *(f"e{h}" for h in HORIZONS_H),
    *("e_hold", "p_crash", "p_high_vol", "di", "veto"),
)


def columns_of(model_id: str) -> tuple[str, ...]:
    """What a model says, by column of the log."""
    if model_id in LEARNERS:
        return LEARNER_COLUMNS
    fixed = {REGIME: REGIME_COLUMNS, DISSIMILARITY: ("di", "limit")}
    return fixed.get(model_id, STACK_COLUMNS)


def frame_of(
    asked: Asked,
    instruments: tuple[str, ...],
    model_id: str,
    artefact_hash: str,
    data_hash: str,
    trained_through: int,
) -> pl.DataFrame:
    """Rows of the log; learners keep float32, which is all that the runtime gives."""
    names = np.array([*instruments, MARKET])[asked.column]
    width = pl.Float32 if model_id in LEARNERS else pl.Float64
    said = {name: pl.Series(asked.outputs[name], dtype=width) for name in columns_of(model_id)}
    same = {
        "model_id": pl.repeat(model_id, len(names), dtype=pl.String, eager=True),
        "artefact_hash": pl.repeat(artefact_hash, len(names), dtype=pl.String, eager=True),
        "data_hash": pl.repeat(data_hash, len(names), dtype=pl.String, eager=True),
        "trained_through": pl.repeat(trained_through, len(names), dtype=pl.Int64, eager=True),
    }
    return pl.DataFrame({"asof": asked.asof, "instrument": pl.Series(names, dtype=pl.String), **same, **said})


def outputs_of(said: Mapping[str, pl.DataFrame]) -> bytes:
    """What every model said of one hour, as canonical JSON: `{model: {artefact, trained_through, said:
    {instrument: {output: number or null}}}}`; the market as a whole is the instrument without a name.
    """
    return canonical_json({name: _output(name, frame) for name, frame in said.items()})


def _output(name: str, frame: pl.DataFrame) -> dict[str, Any]:
    columns = columns_of(name)
    rows = frame.select("instrument", *(pl.col(c).cast(pl.Float64).fill_nan(None) for c in columns))
    one = frame.select("artefact_hash", "trained_through").row(0) if frame.height else ("", 0)
    by_name = {row[0]: dict(zip(columns, row[1:], strict=True)) for row in rows.iter_rows()}
    return {"artefact": one[0], "trained_through": one[1], "said": by_name}


def checked(frame: pl.DataFrame, model_id: str, gap_h: int) -> pl.DataFrame:
    """The rows, or an `InvariantError`: sorted, once each, of one model, and from before the gap."""
    expected = [*IDENTITY, *columns_of(model_id)]
    if frame.columns != expected:
        raise InvariantError(f"the log of {model_id} has columns {frame.columns}, not {expected}")
    early = frame.filter(pl.col("trained_through") + gap_h > pl.col("asof"))
    if early.height:
        raise InvariantError(f"{model_id} predicts hours it may know the outcome of: {early.row(0)[:2]}")
    keys = frame.select("asof", "instrument")
    if not keys.equals(keys.unique(maintain_order=True).sort("asof", "instrument")):
        raise InvariantError(f"the log of {model_id} is not sorted, or says something twice")
    return frame


def predictions_of(frame: pl.DataFrame, instruments: tuple[str, ...], first: int, last: int) -> Predictions:
    """What a stack said, for asof hours first..last and the instruments of a grid; NaN where it was silent.

    The release is named by its artefacts.
    """
    made = nothing(first, last - first + 1, len(instruments))
    order = {name: i for i, name in enumerate(instruments)}
    inside = frame.filter(pl.col("asof").is_between(first, last) & pl.col("instrument").is_in(list(order)))
    t = inside["asof"].to_numpy() - first
    a = inside["instrument"].replace_strict(order, return_dtype=pl.Int64).to_numpy()
    for name in ("p1", "p4", "p24", "e1", "e4", "e24", "e_hold", "veto"):
        getattr(made, name)[t, a] = inside[name].to_numpy()
    for name in ("p_crash", "p_high_vol", "trained_through"):
        getattr(made, name)[t] = inside[name].to_numpy()
    names = "".join(inside["artefact_hash"].unique(maintain_order=True))
    model = inside["model_id"][0] if inside.height else "nothing"
    return made._replace(release=f"{model}-{hashlib.sha256(names.encode()).hexdigest()[:16]}")


def digest(frame: pl.DataFrame) -> str:
    """SHA-256 over every column but the time of writing."""
    found = hashlib.sha256()
    for series in frame.drop(WRITTEN_AT, strict=False):
        found.update(series.name.encode())
        if series.dtype == pl.String:
            found.update("\n".join(series.fill_null("").to_list()).encode())
        else:
            found.update(np.ascontiguousarray(series.to_numpy()).tobytes())
    return found.hexdigest()
