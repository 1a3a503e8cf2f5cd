"""A home with a finished walk whose learners were never trained: they know a share of what comes."""

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from platformdirs import user_cache_path
from typer.testing import CliRunner, Result

from adapters.histories import opened
from adapters.predictions import ABOUT, DONE, PredictionLog
from adapters.training import Walk, families_of, run_stack, stack_months, write
from cli.main import app
from cli.walkforward import prepare
from trading.models.families import DISSIMILARITY, FAMILIES, LEARNERS, REGIME, Asked
from trading.models.history import History
from trading.models.labels import HORIZONS_H
from trading.models.prediction_log import REGIME_COLUMNS, STACK, frame_of
from trading.models.splits import Fold

VENUE, PRESET = "generated", "smoke"
MADE = ("--venue", VENUE, "--preset", PRESET)
LAST = datetime(2024, 12, 30, tzinfo=UTC)
KNOWN = 0.15
"""How much of the day's move the learners know, in its own volatility; the rest of what they say is noise."""


def new_home(folder: Path) -> Path:
    """A home that shares the tests' compiled code, so that nothing is compiled again."""
    kept = user_cache_path("ballast-tests", appauthor=False)
    kept.mkdir(parents=True, exist_ok=True)
    (folder / "cache").mkdir(parents=True)
    (folder / "cache" / "compiled").symlink_to(kept)
    return folder


def ballast(home: Path, *arguments: object) -> Result:
    return CliRunner().invoke(app, [*map(str, arguments), "--home", str(home)])


def made_up(folder: Path, known: float = KNOWN) -> Path:
    """The home: a generated market of one year, a walk at smoke, a real stack over made-up learners."""
    home = new_home(folder)
    made = ballast(home, "data", "generate", "--years", 1, "--instruments", 4)
    assert made.exit_code == 0, made.output
    walk, about = prepare(home, None, LAST, PRESET, VENUE, lambda done, total: None)
    log, history = PredictionLog(walk.log), opened(walk.history)
    folds = list(families_of(walk, tuple(FAMILIES), about["first"], about["last"]))
    for seed, (name, fold) in enumerate(folds):
        _say(log, walk, history, name, fold, known, seed)
    months = stack_months(folds, about["last"], walk)
    for fold in months:
        run_stack(walk, STACK, LEARNERS, fold, lambda what: None)
    log.note(ABOUT, {**about, "families": list(FAMILIES), "stack_first": months[0].test_first})
    log.note(DONE, {"digest": log.digest(sorted((*FAMILIES, STACK)))})
    return home


def _say(
    log: PredictionLog, walk: Walk, history: History, name: str, fold: Fold, known: float, seed: int
) -> None:
    span, random = history.slice(fold.test_first, fold.test_end), np.random.default_rng(seed)
    t, a = np.nonzero(history.predicted[span])
    if name == REGIME:
        t = np.arange(span.stop - span.start)
        a = np.full(len(t), -1)
        chances = random.dirichlet(np.ones(len(REGIME_COLUMNS)), len(t)) * [1, 1, 1, 0.1]
        outputs = {column: chances[:, i] for i, column in enumerate(REGIME_COLUMNS)}
    elif name == DISSIMILARITY:
        outputs = {"di": np.full(len(t), 0.5), "limit": np.ones(len(t))}
    else:
        truth = np.nan_to_num(history.scaled[span][t, a])
        said = known * truth + random.normal(0, 0.1, truth.shape)
        outputs = {f"logit{h}": 1.7 * said[:, i] for i, h in enumerate(HORIZONS_H)}
        outputs |= {f"z{h}": said[:, i] for i, h in enumerate(HORIZONS_H)}
    asked = Asked(history.first + span.start + t.astype(np.int64), a.astype(np.int16), outputs)
    frame = frame_of(asked, history.instruments, name, name * 4, walk.data_hash, fold.trained_through)
    write(log, name, fold.months, frame, fold.gap_h)
    about = {"artefact_hash": name * 4, "preset": PRESET, "rows": 1, "epochs": None, "seed": seed}
    log.describe(
        name,
        fold.months[0],
        {**about, "trained_through": fold.trained_through, "fold": json.loads(json.dumps(fold._asdict()))},
    )
