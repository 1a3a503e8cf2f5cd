"""Cross-validated answers of the tree families over a walk's history; a split that was answered is kept."""

import hashlib
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from adapters.folds import FolderFoldStore
from adapters.histories import opened
from adapters.training import Walk, libraries
from trading.clock import DAY_H
from trading.config import canonical_digest
from trading.features.library import LOOKBACK
from trading.market import Floats
from trading.models import forest, trees
from trading.models.artefact import Artefact
from trading.models.blend import OUTPUTS, calibrate, mean
from trading.models.combinatorial import Apart, Span, Split, paths, spans, splits
from trading.models.families import VERSION
from trading.models.history import History
from trading.models.labels import HORIZONS_H
from trading.models.presets import Preset, preset
from trading.models.protocol import Predictions, nothing
from trading.models.raw import Raw
from trading.models.rows import Features, Rows
from trading.models.runtime import Runtime

STRIDE_H = 12
"""Hours between two teaching rows of a coin; labels of a day overlap all the same."""
EMBARGO_H = LOOKBACK
SEED = 20_190_601
Said = dict[str, Floats]
Progress = Callable[[int, int], None]


class Crossing(NamedTuple):
    """What is cut into groups, and how far apart they are kept."""

    history: History
    preset: Preset
    groups: list[Span]
    apart: Apart


def crossing(walk: Walk, embargo_h: int = EMBARGO_H) -> Crossing | None:
    """The groups of a walk's history; None where a group is shorter than what is kept away from it."""
    history, numbers = opened(walk.history), preset(walk.preset)
    apart = Apart(max(HORIZONS_H), numbers.walk.gap_h, embargo_h)
    groups = spans(history.first, history.last + 1)
    if min(group.end - group.first for group in groups) <= sum(apart):
        return None
    return Crossing(history, numbers, groups, apart)


def crossed(walk: Walk, of: Crossing, progress: Progress) -> Iterator[Predictions]:
    """What the trees say along every path, one after the other."""
    store, every, same = FolderFoldStore(walk.folds), splits(), _identity(walk, of)
    answered = []
    for done, split in enumerate(every):
        progress(done, len(every))
        key = canonical_digest({**same, "cross-validation": split._asdict()})
        answered.append(_answered(store, key, of, split))
    for number, path in enumerate(paths()):
        yield _joined(of, [answered[s][g] for g, s in enumerate(path)], f"path-{number + 1}")


def _identity(walk: Walk, of: Crossing) -> dict[str, Any]:
    """Everything that decides an answer but the split."""
    return {
        "groups": of.groups,
        "apart": of.apart._asdict(),
        "version": VERSION,
        "libraries": libraries(),
        "preset": of.preset.digest,
        "stride_h": STRIDE_H,
        "data": walk.data_hash,
    }


def _answered(store: FolderFoldStore, key: str, of: Crossing, split: Split) -> dict[int, Said]:
    """By tested group: `OUTPUTS` of its rows, kept in float32."""
    content = store.load(key)
    if content is None:
        made = answers(of, split)
        buffer = BytesIO()
        named = {f"{g} {name}": column.astype(np.float32) for g in made for name, column in made[g].items()}
        np.savez(buffer, **named)  # type: ignore[arg-type]
        content = buffer.getvalue()
        store.save(key, content)
    kept = np.load(BytesIO(content), allow_pickle=False)
    return {g: {name: kept[f"{g} {name}"].astype(np.float64) for name in OUTPUTS} for g in split.tested}


def answers(of: Crossing, split: Split) -> dict[int, Said]:
    """Fit the families on the split's teaching groups, calibrate them, and ask about the tested ones."""
    tested = [of.groups[g] for g in split.tested]
    later = of.groups[split.calibrated]
    rows = taught(of)
    fit = rows.take(of.apart.teaches(rows.asof, [*tested, later]))
    inside = (rows.asof >= later.first) & (rows.asof < later.end)
    held_back = rows.take(inside & of.apart.teaches(rows.asof, tested))
    voices = [Runtime(one) for one in _fitted(fit, of.preset)]

    def heard(features: Features) -> Raw:
        return mean([voice.predict(features) for voice in voices])

    blend = calibrate(heard(held_back.features), held_back)
    made = {}
    for g in split.tested:
        t, a = asked(of, g)
        said = heard(np.asarray(of.history.features[t, a]))
        made[g] = blend.predict(said, of.history.sigma_24[t, a])
    return made


def taught(of: Crossing) -> Rows:
    """Every row that may teach any split."""
    history, walk = of.history, of.preset.walk
    return history.rows(history.first, history.last + 1, STRIDE_H, walk.history_d_min * DAY_H)


def asked(of: Crossing, group: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Hour and instrument of every row that a group is asked about, in rows of the history."""
    span = of.history.slice(*of.groups[group])
    t, a = np.nonzero(of.history.predicted[span])
    return t + span.start, a


def _fitted(rows: Rows, numbers: Preset) -> list[Artefact]:
    now, through = rows.asof, int(rows.asof[-1])
    return [
        trees.fit_xgboost(rows, through, numbers.boosting, SEED, _unheard, now),
        trees.fit_lightgbm(rows, through, numbers.boosting, SEED, _unheard, now),
        forest.fit(rows, through, numbers.forest, SEED, _unheard, now),
    ]


def _unheard(what: str) -> None:
    """A split reports when it is done."""


def _joined(of: Crossing, parts: list[Said], name: str) -> Predictions:
    history, digest = of.history, hashlib.sha256()
    made = nothing(history.first, history.hours, len(history.instruments))
    for g, part in enumerate(parts):
        t, a = asked(of, g)
        for output, column in part.items():
            getattr(made, output)[t, a] = column
            digest.update(column.tobytes())
    return made._replace(release=f"{name}-{digest.hexdigest()[:16]}")
