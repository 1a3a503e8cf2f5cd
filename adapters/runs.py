"""Finished runs in folders: written beside, moved into place whole, so that an interrupted run leaves
nothing behind.
"""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from adapters.files import locked


def save(
    root: Path, name: str, frames: Mapping[str, pl.DataFrame], details: Mapping[str, Any], page: str
) -> Path:
    """Write a run's folder `root/name`; the same run again replaces it.

    Whatever ends the writing early, Ctrl-C included, leaves the folder as it was and nothing beside it.
    """
    target, draft, old = root / name, root / f".{name}.draft", root / f".{name}.old"
    with locked(root):
        shutil.rmtree(draft, ignore_errors=True)
        try:
            draft.mkdir()
            for part, frame in frames.items():
                frame.write_parquet(draft / f"{part}.parquet")
            (draft / "report.html").write_text(page, "utf-8")
            text = json.dumps(details, indent=2, sort_keys=True, allow_nan=False)
            (draft / "run.json").write_text(text, "utf-8")
            if target.exists():
                target.rename(old)
            draft.rename(target)
        finally:
            if old.exists() and not target.exists():
                old.rename(target)
            shutil.rmtree(draft, ignore_errors=True)
            shutil.rmtree(old, ignore_errors=True)
    return target


class Trials:
    """Every configuration whose out-of-sample result was looked at, once each, append-only."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def log(self, *trials: Mapping[str, Any]) -> int:
        """Note every trial that is not known yet; returns how many there are."""
        lines = [json.dumps(trial, sort_keys=True) for trial in trials]
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with locked(self._path.parent), self._path.open("a+", encoding="utf-8") as file:
            file.seek(0)
            known = set(file.read().splitlines())
            new = [line for line in dict.fromkeys(lines) if line not in known]
            file.writelines(line + "\n" for line in new)
        return len(known) + len(new)
