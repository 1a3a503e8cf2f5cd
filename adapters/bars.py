"""The bar store: hourly bars as parquet, `<root>/<venue>/<BASE-QUOTE>/<year>.parquet`.

1. A stored bar never changes: the first value of an hour stays, a different one comes back as a conflict.
2. Bars are keyed by asof, the bar's close; a file holds the bars that closed in its UTC year, sorted and
   unique.
3. A file is replaced as a whole (`adapters.files.replacing`), so a reader sees all of a write or nothing of
   it.
"""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import polars as pl

from adapters.files import locked, replacing
from trading.clock import HOUR_S
from trading.errors import DataError
from trading.grid import CARRY_H, dense
from trading.market import Grid
from trading.quality import SCHEMA

VALUES = ("open", "high", "low", "close", "volume", "trades")


class WriteReport(NamedTuple):
    """What a write did."""

    added: int
    identical: int
    conflicts: pl.DataFrame
    """The offered bars that differ from a stored one, in the columns of the offered frame."""


class BarStore:
    """Hourly bars of every venue under one folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def venues(self) -> list[str]:
        return sorted(folder.name for folder in self.root.glob("*") if folder.is_dir())

    def instruments(self, venue: str) -> list[str]:
        files = self.root.glob(f"{venue}/*/[0-9]*.parquet")
        return sorted({file.parent.name.replace("-", "/") for file in files})

    def write(self, venue: str, instrument: str, frame: pl.DataFrame) -> WriteReport:
        """Add the bars that are new; columns of `frame` beyond the schema come back with the conflicts."""
        folder = self._folder(venue, instrument)
        years = frame.sort("asof").group_by(pl.col("asof").dt.year(), maintain_order=True)
        with locked(folder):
            reports = [_merge(folder / f"{year}.parquet", part) for (year,), part in years]
        conflicts = [report.conflicts for report in reports]
        return WriteReport(
            added=sum(report.added for report in reports),
            identical=sum(report.identical for report in reports),
            conflicts=pl.concat(conflicts) if conflicts else frame.clear(),
        )

    def read(
        self, venue: str, instrument: str, first: int | None = None, last: int | None = None
    ) -> pl.DataFrame:
        """The bars of asof hours first..last, inclusive, in the bar schema; empty where there are none."""
        folder = self._folder(venue, instrument)
        frames = [
            _load(file) for file in sorted(folder.glob("[0-9]*.parquet")) if _overlaps(file, first, last)
        ]
        bars = pl.concat(frames) if frames else pl.DataFrame(schema=SCHEMA)
        low = pl.lit(True) if first is None else pl.col("asof") >= _time(first)
        high = pl.lit(True) if last is None else pl.col("asof") <= _time(last)
        return bars.filter(low & high)

    def grid(self, venue: str, first: int, last: int, instruments: Iterable[str] | None = None) -> Grid:
        """The grid of asof hours first..last, inclusive; an unknown venue or instrument is a `DataError`."""
        stored = self.instruments(venue)
        wanted = stored if instruments is None else sorted(set(instruments))
        missing = sorted(set(wanted) - set(stored))
        if missing or not wanted:
            what = ", ".join(missing) or "bars"
            raise DataError(
                f"no {what} of venue {venue} in {self.root}; bring them in with `ballast data import`"
            )
        bars = {name: self.read(venue, name, first - CARRY_H, last) for name in wanted}
        return dense(venue, bars, first, last)

    def digest(self, venue: str, instruments: Sequence[str], first: int, last: int) -> str:
        """SHA-256 over the bars that a grid of these hours is made from: the data hash of a run."""
        digest = hashlib.sha256()
        for instrument in sorted(instruments):
            bars = self.read(venue, instrument, first - CARRY_H, last)
            digest.update(f"{venue} {instrument} {bars.height}\n".encode())
            digest.update(bars["asof"].dt.epoch("s").to_numpy().astype("<i8").tobytes())
            for column in VALUES[:-1]:
                digest.update(bars[column].to_numpy().astype("<f8").tobytes())
        return digest.hexdigest()

    def _folder(self, venue: str, instrument: str) -> Path:
        return self.root / venue / instrument.replace("/", "-")


def _merge(file: Path, offered: pl.DataFrame) -> WriteReport:
    if not file.exists():
        _save(file, offered)
        return WriteReport(offered.height, 0, offered.clear())
    stored = _load(file)
    both = offered.join(stored, on="asof", how="left", suffix="_stored", maintain_order="left")
    known = both["open_stored"].is_not_null()
    # A source that does not count trades says null there; that contradicts nobody.
    same = pl.all_horizontal(pl.col(v).eq_missing(pl.col(f"{v}_stored")) for v in VALUES[:-1])
    counted = pl.col("trades").eq(pl.col("trades_stored")).fill_null(True)
    differs = known & ~both.select(same & counted).to_series()
    fresh = offered.filter(~known)
    if fresh.height:
        _save(file, pl.concat([stored, fresh.select(stored.columns)]).sort("asof"))
    conflicts = offered.filter(differs)
    return WriteReport(fresh.height, offered.height - fresh.height - conflicts.height, conflicts)


def _save(file: Path, bars: pl.DataFrame) -> None:
    with replacing(file) as draft:
        bars.select(pl.col(name).cast(kind) for name, kind in SCHEMA.items()).write_parquet(
            draft, compression="zstd"
        )


def _load(file: Path) -> pl.DataFrame:
    try:
        bars = pl.read_parquet(file)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DataError(f"{file} is damaged ({error}); move it away and import its source again") from error
    if bars.schema != SCHEMA:
        raise DataError(f"{file} does not hold bars; move it away and import its source again")
    return bars


def _overlaps(file: Path, first: int | None, last: int | None) -> bool:
    year = int(file.stem)
    return (first is None or _time(first).year <= year) and (last is None or year <= _time(last).year)


def _time(hour: int) -> datetime:
    return datetime.fromtimestamp(hour * HOUR_S, UTC)
