"""Features and labels of a market, computed once and kept as memory-mapped arrays in a cache folder.

A history lies under the digest of its bars, universe and feature set. Processes that train share its pages.
"""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import numpy as np

from adapters.files import locked, replacing
from trading.clock import DAY_H
from trading.features.compute import blocks
from trading.features.library import LOOKBACK, digest
from trading.market import Flags, Grid
from trading.models.history import History, masks
from trading.models.labels import HORIZONS_H, labels
from trading.models.stacking import HOLD_H
from trading.universe import Universe

BLOCK_H = 30 * DAY_H
HEAD = "history.json"
ARRAYS = ("features", "sigma_24", "returns", "scaled", "held", "eligible", "sample", "predicted", "known")
KEPT = 3
"""Histories in a cache; the least recently used ones go."""
VERSION = 1

Progress = Callable[[int, int], None]


def kept(
    root: Path, grid: Grid, data_digest: str, universe: Universe, unusable: Flags, progress: Progress
) -> tuple[Path, str]:
    """Where the history of these bars lies, made if it is missing, and its digest: the walk's data hash."""
    sample, predicted = masks(grid, universe, unusable)
    identity = hashlib.sha256(repr((VERSION, data_digest, digest(), HORIZONS_H, HOLD_H)).encode())
    for mask in (universe.eligible, sample, predicted):
        identity.update(np.packbits(mask).tobytes())
    folder = root / identity.hexdigest()[:16]
    with locked(root):
        if not (folder / HEAD).exists():
            draft = root / f".{uuid4().hex}.draft"
            try:
                _write(draft, grid, universe.eligible, sample, predicted, progress)
                draft.rename(folder)
            finally:
                shutil.rmtree(draft, ignore_errors=True)
        (folder / HEAD).touch()
        for old in sorted(root.glob(f"*/{HEAD}"), key=lambda head: head.stat().st_mtime)[:-KEPT]:
            shutil.rmtree(old.parent, ignore_errors=True)
    return folder, identity.hexdigest()


def opened(folder: Path) -> History:
    """The history in a folder; its arrays are read from disk as they are used."""
    (folder / HEAD).touch()
    head = json.loads((folder / HEAD).read_text("utf-8"))
    arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in ARRAYS}
    return History(
        first=head["first"], instruments=tuple(head["instruments"]), names=tuple(head["names"]), **arrays
    )


def _write(
    folder: Path, grid: Grid, eligible: Flags, sample: Flags, predicted: Flags, progress: Progress
) -> None:
    folder.mkdir(parents=True)
    start = min(LOOKBACK - 1, grid.hours - 1)
    hours, names = grid.hours - start, tuple[str, ...]()
    sigma = np.full(grid.close.shape, np.nan)
    features = None
    for panel in blocks(grid, eligible, BLOCK_H, start):
        names = panel.names + panel.market_names
        if features is None:
            shape = (hours, len(grid.instruments), len(names))
            features = np.lib.format.open_memmap(folder / "features.npy", "w+", np.float32, shape)
        rows = slice(panel.first - start, panel.first - start + panel.values.shape[1])
        features[rows, :, : len(panel.names)] = np.moveaxis(panel.values, 0, 2)
        features[rows, :, len(panel.names) :] = panel.market.T[:, None, :]
        sigma[panel.first : panel.first + panel.values.shape[1]] = panel.column("sigma_24")
        progress(rows.stop, hours)
    assert features is not None
    features.flush()
    *labelled, hold = labels(grid, (*HORIZONS_H, HOLD_H), sigma)
    arrays = {
        "sigma_24": sigma,
        "returns": np.stack([label.returns for label in labelled], axis=2),
        "scaled": np.stack([label.scaled for label in labelled], axis=2),
        "held": hold.returns,
        "eligible": eligible,
        "sample": sample,
        "predicted": predicted & ~np.isnan(sigma),
    }
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", np.ascontiguousarray(array[start:]))
    np.save(folder / "known.npy", np.argmax(grid.valid, axis=0) + grid.first)
    head = {"first": grid.first + start, "instruments": list(grid.instruments), "names": list(names)}
    with replacing(folder / HEAD) as draft:
        draft.write_text(json.dumps(head), "utf-8")
