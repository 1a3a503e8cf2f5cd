"""The bar store: hourly bars as parquet, `<root>/<venue>/<BASE-QUOTE>/<year>.parquet`.

1. The first value of an hour stays, a different one comes back as a conflict. The one exception is a bar that
   was stored unfinished, from a file that was cut inside that hour: there the finished bar takes its place.
2. Bars are keyed by asof, the bar's close; a file holds the bars that closed in its UTC year, sorted and
   unique.
3. A file is replaced as a whole (`adapters.files.replacing`), so a reader sees all of a write or nothing of
   it.
"""

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import polars as pl

from adapters.files import locked, replacing
from trading.clock import HOUR_S
from trading.errors import DataError
from trading.grid import CARRY_H, PRICES, dense
from trading.market import Grid
from trading.quality import SCHEMA

VOLUME_STEP = 1e-8
"""Volumes come with eight decimals."""


class WriteReport(NamedTuple):
    """What a write did."""

    added: int
    identical: int
    finished: int
    """Bars that took the place of an unfinished one."""
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

    def write(
        self, venue: str, instrument: str, frame: pl.DataFrame, unfinished: Collection[int] = ()
    ) -> WriteReport:
        """Add the bars that are new; columns of `frame` beyond the schema come back with the conflicts.

        `unfinished` names the asof hours whose stored bar ended its file: it gives way to a bar that
        continues it, with the same open, a range around the stored one's, and more volume.
        """
        folder = self._folder(venue, instrument)
        with locked(folder):
            reports = [
                _merge(folder / f"{year}.parquet", part, unfinished)
                for year, part in _years(frame.sort("asof"))
            ]
        conflicts = [report.conflicts for report in reports]
        return WriteReport(
            added=sum(report.added for report in reports),
            identical=sum(report.identical for report in reports),
            finished=sum(report.finished for report in reports),
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

    def window(self, venue: str, first: int, last: int, instruments: Iterable[str] | None = None) -> "Window":
        """The bars that a grid of asof hours first..last needs; an unknown instrument is a `DataError`."""
        stored = self.instruments(venue)
        wanted = stored if instruments is None else sorted(set(instruments))
        missing = sorted(set(wanted) - set(stored))
        if missing or not wanted:
            what = ", ".join(missing) or "bars"
            raise DataError(
                f"no {what} of venue {venue} in {self.root}; bring them in with `ballast data import`"
            )
        return Window(self, venue, wanted, first, last)

    def grid(self, venue: str, first: int, last: int, instruments: Iterable[str] | None = None) -> Grid:
        """The grid of asof hours first..last, inclusive; an unknown venue or instrument is a `DataError`."""
        return dense(venue, self.window(venue, first, last, instruments), first, last)

    def digested_grid(
        self, venue: str, first: int, last: int, instruments: Iterable[str] | None = None
    ) -> tuple[Grid, str]:
        """The grid, and the SHA-256 over the bars it is made from: the data hash of a run."""
        window = self.window(venue, first, last, instruments)
        return dense(venue, window, first, last), window.digest()

    def _folder(self, venue: str, instrument: str) -> Path:
        return self.root / venue / instrument.replace("/", "-")


class Window(Mapping[str, pl.DataFrame]):
    """The bars of instruments over a span, read when asked for: one frame in memory at a time."""

    def __init__(self, store: BarStore, venue: str, names: Sequence[str], first: int, last: int) -> None:
        self._store, self._venue, self._names = store, venue, names
        self._first, self._last = first - CARRY_H, last
        self._digests: dict[str, bytes] = {}

    def __getitem__(self, name: str) -> pl.DataFrame:
        bars = self._store.read(self._venue, name, self._first, self._last)
        digest = hashlib.sha256(f"{self._venue} {name} {bars.height}\n".encode())
        digest.update(bars["asof"].dt.epoch("s").to_numpy().astype("<i8").tobytes())
        for column in (*PRICES, "volume"):
            digest.update(bars[column].to_numpy().astype("<f8").tobytes())
        self._digests[name] = digest.digest()
        return bars

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def digest(self) -> str:
        """SHA-256 over the bars of every instrument, each of which must have been read."""
        return hashlib.sha256(b"".join(self._digests[name] for name in self._names)).hexdigest()


def _years(frame: pl.DataFrame) -> Iterator[tuple[int, pl.DataFrame]]:
    """Sorted bars by the UTC year they closed in; most often, as each hour does, they lie in one."""
    years = frame["asof"].dt.year()
    if frame.height and years[0] == years[-1]:
        yield int(years[0]), frame
        return
    for (year,), part in frame.group_by(years, maintain_order=True):
        yield int(year), part


def _merge(file: Path, offered: pl.DataFrame, unfinished: Collection[int]) -> WriteReport:
    """Lay `offered`, sorted and of one year, beside what is stored, or behind it as each hour does."""
    if not file.exists():
        _save(file, offered)
        return WriteReport(offered.height, 0, 0, offered.clear())
    stored = _load(file)
    if stored.is_empty() or offered["asof"][0] > stored["asof"][-1]:
        _save(file, pl.concat([stored, offered.select(stored.columns)]))
        return WriteReport(offered.height, 0, 0, offered.clear())
    both = offered.join(stored, on="asof", how="left", suffix="_stored", maintain_order="left")
    known = both["open_stored"].is_not_null()
    may_continue = both["asof"].dt.epoch("s").is_in([hour * HOUR_S for hour in unfinished])
    same = known & both.select(_same()).to_series()
    continues = known & ~same & may_continue & both.select(_continues()).to_series()
    kept = stored.join(offered.filter(continues), on="asof", how="anti", maintain_order="left")
    fresh = offered.filter(~known | continues).select(stored.columns)
    if fresh.height:
        _save(file, pl.concat([kept, fresh]).sort("asof"))
    finished = int(continues.sum())
    conflicts = offered.filter(known & ~same & ~continues)
    return WriteReport(fresh.height - finished, int(same.sum()), finished, conflicts)


def _same() -> pl.Expr:
    prices = pl.all_horizontal(pl.col(name) == pl.col(f"{name}_stored") for name in PRICES)
    # Sums of the same trades in another order differ in the last bits, and some sources do not count trades.
    apart = (pl.col("volume") - pl.col("volume_stored")).abs()
    volume = apart <= VOLUME_STEP * (1 + pl.col("volume_stored"))
    trades = pl.col("trades").eq(pl.col("trades_stored")).fill_null(True)
    return prices & volume & trades


def _continues() -> pl.Expr:
    around = (pl.col("high") >= pl.col("high_stored")) & (pl.col("low") <= pl.col("low_stored"))
    return (pl.col("open") == pl.col("open_stored")) & around & (pl.col("volume") > pl.col("volume_stored"))


def _save(file: Path, bars: pl.DataFrame) -> None:
    with replacing(file) as draft:
        bars.select(pl.col(name).cast(kind) for name, kind in SCHEMA.items()).write_parquet(
            draft, compression="zstd"
        )


def _load(file: Path) -> pl.DataFrame:
    try:
        # Read whole: given a path, polars opens it more than once, and a writer may replace it in between.
        bars = pl.read_parquet(BytesIO(file.read_bytes()))
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
