"""Which walk may be called full."""

from typing import Any

import pytest

from trading.evaluation.roster import roster
from trading.models.presets import preset
from trading.models.splits import month_of, stack_folds

FOLDS = list(stack_folds(480_000, 480_000 + 24 * 30 * 15, preset("full").walk))
ABOUT = {"preset": "full", "preset_digest": preset("full").digest}


def described(**changes: Any) -> Any:
    told = {"preset": "full", "artefact_hash": "a" * 64, "rows": 9, "epochs": 3, "seed": 4} | changes

    def of(model: str, month: int) -> dict[str, Any]:
        fold = next(fold for fold in FOLDS if month_of(fold.test_first) == month)
        return {"fold": fold._asdict(), **told}

    return of


def named(about: dict[str, Any] = ABOUT, families: tuple[str, ...] = ("forest",), **changes: Any) -> str:
    return roster(about, families, [("forest", fold) for fold in FOLDS], described(**changes)).title


def test_only_a_walk_with_every_fold_at_full_is_called_full():
    assert FOLDS
    assert named() == "Full walk-forward"


@pytest.mark.parametrize(
    ("about", "families", "changes"),
    [
        (ABOUT | {"preset": "smoke"}, ("forest",), {}),
        (ABOUT | {"preset_digest": "other"}, ("forest",), {}),
        (ABOUT, ("forest", "lstm"), {}),
        (ABOUT, ("forest",), {"preset": "quick"}),
        (ABOUT, ("forest",), {"artefact_hash": None}),
        (ABOUT, ("forest",), {"fold": {}}),
    ],
)
def test_one_reduced_or_missing_fold_takes_the_word_away(about: Any, families: Any, changes: Any):
    assert named(about, families, **changes).startswith("Not a full walk-forward")


def test_a_fold_that_nobody_described_is_listed_as_missing():
    of = roster(ABOUT, ("forest",), [("forest", FOLDS[0])], lambda model, month: None)
    assert of.members[0].fault == "is missing"
    assert "is missing" in of.title
