"""Import files into the bar store: keep the raw file, read it, write its hours, note it in the manifest.

1. A file that is refused leaves no bar behind and does not stop the others.
2. Every step may be repeated: raw objects and bars are written once, and the manifest only saves work. An
   import that was killed is finished by running it again.
3. What was not used lies in `<home>/quarantine/<venue>/`, with line, reason and text.
"""

import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO, NamedTuple, cast

import polars as pl

from adapters.bars import BarStore
from adapters.files import locked, replacing
from adapters.importing import sources
from adapters.importing.manifest import Manifest
from adapters.importing.rows import Parsed, rejected
from adapters.objects import ObjectStore
from trading.clock import HOUR_S
from trading.errors import DataError

SAVE_EVERY_S = 2.0
SHOWN = 3
KEPT = 100_000
"""Lines of one file that are written to quarantine; the raw file has the rest."""

Progress = Callable[[int, int, str], None]
"""Called with files done, files in all, and the name of the one at hand."""


class Imported(NamedTuple):
    """What became of one file, or one member of an archive."""

    file: str
    status: str
    """imported, known (done before), skipped (nothing for us) or refused."""
    instrument: str = ""
    hours: int = 0
    added: int = 0
    finished: int = 0
    """Stored bars that had been cut inside their hour and are whole now."""
    quarantined: int = 0
    notes: tuple[str, ...] = ()


class _Item(NamedTuple):
    """A table to read: a raw object, or a member of one."""

    name: str
    object: str
    member: zipfile.ZipInfo | None

    @property
    def source(self) -> str:
        """The content and the name it came under, which says what pair it is."""
        return f"{self.object}/{self.member.filename if self.member else PurePosixPath(self.name).name}"


def import_path(path: Path, venue: str, home: Path, now_s: int, progress: Progress) -> list[Imported]:
    """Import a folder, a file or a zip archive; `now_s` is the present, later bars are not closed yet.

    Raises only for what concerns all files (`UsageError`: nothing there); the fate of each file is in the
    result.
    """
    files = sources.files(path)
    with locked(home / "bars" / venue):
        run = _Import(venue, home, now_s)
        saved_s = time.monotonic()
        try:
            items = list(run.items(files, path, progress))
            for number, item in enumerate(items):
                progress(number, len(items), item.name)
                run.take(item)
                if time.monotonic() - saved_s > SAVE_EVERY_S:
                    run.manifest.save()
                    saved_s = time.monotonic()
        finally:
            run.manifest.save()
    progress(len(items), len(items), "")
    return run.done


class _Import:
    def __init__(self, venue: str, home: Path, now_s: int) -> None:
        self.objects = ObjectStore(home / "objects")
        self.store = BarStore(home / "bars")
        self.manifest = Manifest(self.store, venue)
        self.quarantine = home / "quarantine" / venue
        self.venue, self.now_s = venue, now_s
        self.done: list[Imported] = []

    def items(self, files: list[Path], path: Path, progress: Progress) -> Iterator[_Item]:
        """Everything to read, the raw files stored; archives that are refused go to `done`."""
        for file in files:
            name = str(file.relative_to(path)) if path.is_dir() else file.name
            progress(0, 0, name)
            try:
                key = self.objects.put(file)
                if file.suffix.lower() != ".zip":
                    yield _Item(name, key, None)
                    continue
                with sources.whole(), zipfile.ZipFile(self.objects.path(key)) as archive:
                    inside = sources.members(archive)
            except (DataError, OSError) as error:
                self.done.append(Imported(name, "refused", notes=(str(error),)))
                continue
            yield from (_Item(f"{name}/{info.filename}", key, info) for info in inside)

    def take(self, item: _Item) -> None:
        """Import one table, or note in `done` why not."""
        if self.manifest.knows(item.source):
            self.done.append(Imported(item.name, "known"))
            return
        try:
            said = sources.layout(item.name)
            with sources.whole(), self._opened(item) as stream:
                parsed = sources.read(stream, said, self.now_s)
            self.done.append(self._write(item, said.instrument, parsed))
        except sources.Skipped as error:
            self.done.append(Imported(item.name, "skipped", notes=(str(error),)))
        except (DataError, OSError) as error:
            self.done.append(Imported(item.name, "refused", notes=(str(error),)))

    @contextmanager
    def _opened(self, item: _Item) -> Iterator[BinaryIO]:
        with self.objects.path(item.object).open("rb") as file:
            if item.member is None:
                yield file
                return
            with zipfile.ZipFile(file) as archive, archive.open(item.member) as member:
                yield cast(BinaryIO, member)

    def _write(self, item: _Item, instrument: str, parsed: Parsed) -> Imported:
        report = self.store.write(self.venue, instrument, parsed.bars, self.manifest.ends(instrument))
        conflicts = report.conflicts.with_columns(reason=pl.lit("differs from the stored bar"))
        faults = pl.concat([parsed.rejected, rejected(conflicts)]).sort("line")
        reasons = dict(sorted(faults["reason"].value_counts().iter_rows()))
        asof_hours = parsed.bars["asof"].dt.epoch("s") // HOUR_S
        self.manifest.record(
            item.source,
            {
                "file": item.name,
                "object": item.object,
                "instrument": instrument,
                "first_hour": asof_hours[0],
                "last_hour": asof_hours[-1],
                "hours": parsed.bars.height,
                "added": report.added,
                "finished": report.finished,
                "quarantined": reasons,
                "quarantine": self._keep(item, faults),
            },
        )
        return Imported(
            file=item.name,
            status="imported",
            instrument=instrument,
            hours=parsed.bars.height,
            added=report.added,
            finished=report.finished,
            quarantined=faults.height,
            notes=tuple(f"line {line}: {reason}" for line, reason, _ in faults.head(SHOWN).iter_rows()),
        )

    def _keep(self, item: _Item, faults: pl.DataFrame) -> str | None:
        """Write what was not used to quarantine; returns the file's name there."""
        if faults.is_empty():
            return None
        name = f"{item.source.replace('/', '-')}.csv"
        with replacing(self.quarantine / name) as draft:
            faults.head(KEPT).write_csv(draft)
        return name
