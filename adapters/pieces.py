"""A walk-forward cut into pieces that any worker may take: a fold of a family, then a month of the stack.

A list of pieces is a stored object, so that a workflow carries its name and an index. Each piece is done
once, whoever does it: folds and log lie in the home that the workers share.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from adapters.predictions import PredictionLog
from adapters.training import Walk, apart, families_of, run_fold, run_stack, stack_months
from trading.config import canonical_json
from trading.models.families import LEARNERS
from trading.models.prediction_log import STACK
from trading.models.splits import Fold

PATHS = ("history", "log", "folds")


class Cut(NamedTuple):
    """The pieces of a walk."""

    content: bytes
    folds: int
    """The first so many may be done in any order; the stack's months come after them."""
    months: int


def dump_walk(walk: Walk, families: tuple[str, ...], first: int, last: int) -> bytes:
    """A walk over asof hours first..last as content."""
    told = {name: str(value) for name, value in walk._asdict().items()}
    return canonical_json({"walk": told, "families": families, "first": first, "last": last})


class Pieces:
    """Cuts walks and does pieces of them."""

    def cut(self, content: bytes) -> Cut:
        told = json.loads(content)
        walk, families = _walk(told["walk"]), tuple(told["families"])
        folds = list(families_of(walk, families, told["first"], told["last"]))
        months = stack_months(folds, told["last"], walk)
        pieces = [[name, *fold] for name, fold in folds] + [[STACK, *fold] for fold in months]
        learners = [name for name in LEARNERS if name in families]
        content = canonical_json({"walk": told["walk"], "learners": learners, "pieces": pieces})
        return Cut(content, len(folds), len(months))

    def do(self, content: bytes, index: int) -> tuple[str, int, bool]:
        """Do one piece; returns its model, its month, and whether anything was left to train."""
        told = json.loads(content)
        walk, (name, *numbers) = _walk(told["walk"]), told["pieces"][index]
        fold = Fold(*numbers)
        if PredictionLog(walk.log).described(name, fold.months[0]) is not None:
            return name, fold.months[0], False
        if name == STACK:
            done = apart(walk, run_stack, STACK, tuple(told["learners"]), fold)
        else:
            done = apart(walk, run_fold, name, fold)
        return done.model_id, done.month, done.trained


def _walk(told: Mapping[str, Any]) -> Walk:
    history, log, folds = (Path(told[name]) for name in PATHS)
    return Walk(history, log, folds, told["preset"], told["data_hash"])
