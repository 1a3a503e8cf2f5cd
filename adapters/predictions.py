"""The prediction log on disk: `<root>/<walk>/<model>/<year>-<month>.parquet`, each file written once.

A walk is everything that decides what is said: data, features, preset, cadence. A file is complete or absent,
so a walk-forward that was killed goes on where it was.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import polars as pl

from adapters.files import replacing
from trading.errors import DataError, InvariantError
from trading.models.prediction_log import IDENTITY, WRITTEN_AT, checked, columns_of, digest
from trading.models.splits import month_of

ABOUT = "walk.json"
DONE = "done.json"


class PredictionLog:
    """The log of one walk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def has(self, model_id: str, month: int) -> bool:
        return self._file(model_id, month).exists()

    def append(self, model_id: str, month: int, frame: pl.DataFrame, gap_h: int) -> None:
        """Write a model's month, once; other rows for a month that stands are an `InvariantError`."""
        checked(frame, model_id, gap_h)
        if any(month_of(asof) != month for asof in (frame["asof"].head(1).extend(frame["asof"].tail(1)))):
            raise InvariantError(f"rows of {model_id} do not belong to month {self._name(month)}")
        path = self._file(model_id, month)
        if path.exists():
            if digest(pl.read_parquet(path)) != digest(frame):
                raise InvariantError(f"the log says otherwise already: {path}; a month is written once")
            return
        written = pl.lit(datetime.now(UTC).replace(microsecond=0)).alias(WRITTEN_AT)
        with replacing(path) as draft:
            frame.with_columns(written).write_parquet(draft, compression="zstd")

    def describe(self, model_id: str, month: int, meta: Mapping[str, Any]) -> None:
        """Note what the model of the fold that begins with `month` is; the last thing written of a fold."""
        self.note(f"{model_id}/{self._name(month)}.json", meta)

    def described(self, model_id: str, month: int) -> dict[str, Any] | None:
        return self.noted(f"{model_id}/{self._name(month)}.json")

    def models(self) -> list[str]:
        return sorted(path.name for path in self.folder.glob("*") if path.is_dir())

    def months(self, model_id: str) -> list[int]:
        names = sorted(path.stem for path in (self.folder / model_id).glob("[0-9]*.parquet"))
        return [int(name[:4]) * 12 + int(name[5:]) - 1 for name in names]

    def read(self, model_id: str, first: int, last: int) -> pl.DataFrame:
        """A model's rows of asof hours first..last, by asof and instrument; none for a missing month."""
        months = [m for m in self.months(model_id) if month_of(first) <= m <= month_of(last)]
        frames = [pl.read_parquet(self._file(model_id, month)).drop(WRITTEN_AT) for month in months]
        if not frames:
            schema = {**IDENTITY, **dict.fromkeys(columns_of(model_id), pl.Float64)}
            return pl.DataFrame(schema=schema)
        return pl.concat(frames).filter(pl.col("asof").is_between(first, last))

    def digest(self, models: Iterable[str] | None = None) -> str:
        """SHA-256 over every month of every model, whenever it was written."""
        found = sha256()
        for model_id in models or self.models():
            for month in self.months(model_id):
                found.update(
                    f"{model_id} {month} {digest(pl.read_parquet(self._file(model_id, month)))}\n".encode()
                )
        return found.hexdigest()

    def note(self, name: str, content: Mapping[str, Any]) -> None:
        """Write what a reader wants to know of the walk, `ABOUT` before and `DONE` after it."""
        with replacing(self.folder / name) as draft:
            draft.write_text(json.dumps(content, indent=2, sort_keys=True), "utf-8")

    def noted(self, name: str) -> dict[str, Any] | None:
        path = self.folder / name
        return dict(json.loads(path.read_text("utf-8"))) if path.exists() else None

    def _file(self, model_id: str, month: int) -> Path:
        return self.folder / model_id / f"{self._name(month)}.parquet"

    @staticmethod
    def _name(month: int) -> str:
        return f"{month // 12:04d}-{month % 12 + 1:02d}"


def finished(root: Path, venue: str, preset: str) -> Iterator[PredictionLog]:
    """The finished walks of a venue and preset, the newest first."""
    logs = [PredictionLog(path.parent) for path in root.glob(f"*/{DONE}")]
    logs.sort(key=lambda log: (log.folder / DONE).stat().st_mtime, reverse=True)
    for log in logs:
        about = log.noted(ABOUT) or {}
        if (about.get("venue"), about.get("preset")) == (venue, preset):
            yield log


def latest(root: Path, venue: str, preset: str, first: int, last: int) -> PredictionLog:
    """The newest finished walk of a venue and preset that covers hours first..last; else a `DataError`."""
    for log in finished(root, venue, preset):
        about = log.noted(ABOUT) or {}
        if about.get("stack_first", last) <= first and last <= about.get("last", 0):
            return log
    raise DataError(
        f"no finished walk of {venue} at preset {preset} covers these days; "
        f"run `ballast walkforward --venue {venue} --preset {preset}` first"
    )
