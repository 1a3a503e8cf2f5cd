"""From a finished walk-forward to a release: the models of its last month, and what must be known of them."""

import hashlib
import platform
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

import trading
from adapters.folds import FolderFoldStore
from adapters.predictions import ABOUT, DONE, PredictionLog
from adapters.training import libraries
from trading.clock import DAY_H
from trading.errors import DataError
from trading.models.families import FAMILIES
from trading.models.history import History
from trading.models.prediction_log import STACK
from trading.models.release import Facts, Release
from trading.models.splits import Fold, month_of

MONTHS_MAX = 3
"""The longest that any family goes on without a new fold."""


def release_of(log: PredictionLog, folds: FolderFoldStore, history: History) -> Release:
    """The models that predict the walk's last hour, as the walk-forward trained them.

    A walk that is not finished, or a family without a model for that month, is a `DataError`.
    """
    about, done = log.noted(ABOUT), log.noted(DONE)
    if about is None or done is None:
        raise DataError("the walk-forward is not finished; run `ballast walkforward` to its end")
    described = {name: _newest(log, name, int(about["last"])) for name in (*FAMILIES, STACK)}
    members = {name: _kept(folds, name, told) for name, told in described.items()}
    fold = Fold(**described[STACK]["fold"])
    facts = Facts(
        preset=about["preset"],
        preset_digest=about["preset_digest"],
        venue=about["venue"],
        proxy=about["proxy"],
        data_digest=about["data_digest"],
        log_digest=done["digest"],
        feature_set=about["feature_set"],
        code=f"{version('ballast-trading')} {sources()}",
        environment={"python": platform.python_version(), "machine": platform.machine(), **libraries()},
        days=days_taught(history, Fold(**described["xgboost"]["fold"])),
        first=fold.test_first,
    )
    return Release(facts, members)


def _newest(log: PredictionLog, name: str, last: int) -> dict[str, Any]:
    """What the log says of the model of the month of `last`: that of the youngest fold begun by then."""
    for month in range(month_of(last), month_of(last) - MONTHS_MAX, -1):
        told = log.described(name, month)
        if told is not None:
            return told
    raise DataError(f"the walk-forward has no {name} for its last month; give it more history")


def _kept(folds: FolderFoldStore, name: str, told: Mapping[str, Any]) -> bytes:
    """The dump of a described model."""
    content = folds.load(told["key"]) if told["artefact_hash"] else None
    if content is None or hashlib.sha256(content).hexdigest() != told["artefact_hash"]:
        raise DataError(f"the {name} of the walk's last month is missing or damaged; run the walk again")
    return content


def days_taught(history: History, fold: Fold) -> dict[str, int]:
    """Days of bars up to the fold, of each instrument that taught in it."""
    span = history.slice(fold.fit_first, fold.test_first)
    taught = np.flatnonzero(np.any(history.sample[span], axis=0)).tolist()
    days = (fold.test_first - history.known) // DAY_H
    return {history.instruments[a]: int(days[a]) for a in taught}


def sources() -> str:
    """A digest of the source of everything that features, models and decisions are made of."""
    digest, root = hashlib.sha256(), Path(trading.__path__[0])
    for path in sorted(root.rglob("*.py")):
        digest.update(f"{path.relative_to(root)}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
