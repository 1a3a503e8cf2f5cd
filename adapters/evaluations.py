"""The dossier of a walk on disk, and what an evaluation reads: the log, its history, its models.

`<home>/evaluations/<walk>/`: a page and a JSON file for each suite, and `index.html`, the cover.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from adapters.files import replacing
from adapters.histories import opened
from adapters.predictions import ABOUT, DONE, PredictionLog, finished
from adapters.training import Walk, families_of, stack_months, walk_of
from trading.errors import DataError
from trading.evaluation.pages import cover
from trading.evaluation.roster import Roster, roster
from trading.models.families import FAMILIES, REGIME
from trading.models.history import History
from trading.models.prediction_log import STACK
from trading.models.splits import Fold


class Walked(NamedTuple):
    """A finished walk as its evaluation sees it."""

    log: PredictionLog
    about: Mapping[str, Any]
    digest: str
    """Of the log, as a release names it."""
    walk: Walk
    history: History

    @property
    def roster(self) -> Roster:
        """Every fold that the walk should have."""
        folds = list(families_of(self.walk, tuple(FAMILIES), self.about["first"], self.about["last"]))
        months = stack_months(folds, self.about["last"], self.walk)
        expected = [*folds, *((STACK, fold) for fold in months)]
        return roster(self.about, (*FAMILIES, STACK), expected, self.log.described)

    @property
    def regime_folds(self) -> list[tuple[Fold, dict[str, Any] | None]]:
        """Every fold of the regime classifier that the stack has heard, as the log describes it."""
        folds = families_of(self.walk, (REGIME,), self.about["stack_first"], self.about["last"])
        return [(fold, self.log.described(name, fold.months[0])) for name, fold in folds]

    @property
    def told(self) -> dict[str, Any]:
        """What every page says of the walk."""
        known = {key: self.about[key] for key in ("venue", "proxy", "preset", "data_digest")}
        return {"walk": self.log.folder.name, "log_digest": self.digest, **known}


def walked(home: Path, venue: str, preset: str) -> Walked:
    """The newest finished walk of a venue and preset; a log that changed since is a `DataError`."""
    log = next(finished(home / "predictions", venue, preset), None)
    if log is None:
        raise DataError(
            f"no finished walk of {venue} at preset {preset}; "
            f"run `ballast walkforward --venue {venue} --preset {preset}` first"
        )
    about, done = log.noted(ABOUT) or {}, log.noted(DONE) or {}
    if log.digest(sorted((*about["families"], STACK))) != done["digest"]:
        raise DataError("the prediction log is not what its walk wrote; run `ballast walkforward` again")
    walk = walk_of(home, log, about)
    return Walked(log, about, done["digest"], walk, opened(walk.history))


class Dossier:
    """The pages of one walk."""

    def __init__(self, home: Path, of: Walked) -> None:
        self.folder = home / "evaluations" / of.log.folder.name
        self._of = of

    def write(self, suite: str, result: Mapping[str, Any], page: str) -> str:
        """Put a suite's page and figures in place, and the cover anew; returns the page's SHA-256."""
        text = json.dumps(result, indent=2, sort_keys=True, allow_nan=False)
        for name, content in ((f"{suite}.html", page), (f"{suite}.json", text)):
            self._put(name, content)
        results = {path.stem: json.loads(path.read_text("utf-8")) for path in self.folder.glob("*.json")}
        self._put("index.html", cover.page(self._of.roster, self._of.told, results))
        return hashlib.sha256(page.encode()).hexdigest()

    def _put(self, name: str, content: str) -> None:
        with replacing(self.folder / name) as draft:
            draft.write_text(content, "utf-8")
