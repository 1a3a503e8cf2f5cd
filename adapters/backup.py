"""A whole home in another place, while everything runs: what it takes to go on after losing the disk.

A store of backups holds each content once, by its SHA-256, and a manifest a backup; so a second backup costs
what changed. The order makes one backup of moving parts usable:

1. The engine's database first: what it believes was done is then in our database, which comes later. The
   other way round it would go on from things that our database never saw.
2. Then our databases, each a snapshot of one moment, by SQLite's own backup.
3. Then all other files but objects, bars before the replies that told them: they sort so. They are written
   before a row refers to them, so everything that the rows name is there; one that grows meanwhile is newer.
4. Then objects, looked for only now: a log names none that was written after its line.
"""

import hashlib
import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from adapters.files import replacing
from adapters.objects import ObjectStore
from trading.config import canonical_json
from trading.errors import DataError, UsageError

FORMAT = "ballast-backup/1"
LEFT_OUT = {"cache", "logs"}
"""Folders of a home that may be deleted at any time."""
PASSING = ("-wal", "-shm", "-journal", ".lock", ".part", ".tmp")
SQLITE = b"SQLite format 3\0"
ENGINE = "temporal.db"
OBJECTS = "objects"
"""Folders of what is named by its content."""
TRIES = 3
OWNER_ONLY = 0o700

Progress = Callable[[int, int, str], None]
"""Files done, files in all, and the one that is next."""


class Kept(NamedTuple):
    """One file of a home."""

    path: str
    sha256: str
    """Empty for a link."""
    size_bytes: int
    mode: int
    link: str = ""
    """What a link inside the home points to, from the home."""


class Backup(NamedTuple):
    """One moment of a home."""

    name: str
    files: tuple[Kept, ...]

    @property
    def size_bytes(self) -> int:
        return sum(file.size_bytes for file in self.files)


class BackupStore:
    """The folder that holds backups: `objects/` by SHA-256, and `<name>.json` for each."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._objects = ObjectStore(root / "objects")

    def take(self, home: Path, now: datetime, progress: Progress) -> Backup:
        """Back up a home, which may be in use. Nothing stands under its name before all of it does."""
        if self.root.resolve().is_relative_to(home.resolve()):
            raise UsageError(f"{self.root} lies in the home that it is to outlive; choose another disk")
        kept: list[Kept] = []
        for objects in (False, True):
            turn = [path for path in _files(home) if (OBJECTS in path.relative_to(home).parts) is objects]
            paths = sorted(turn, key=_first_things_first)
            for done, path in enumerate(paths):
                progress(done, len(paths), path.name)
                kept.append(self._keep(home, path))
        backup = Backup(f"{now.astimezone(UTC):%Y%m%dT%H%M%S.%fZ}", tuple(kept))
        manifest = {"format": FORMAT, "name": backup.name, "files": [list(file) for file in backup.files]}
        with replacing(self.root / f"{backup.name}.json") as draft:
            draft.write_bytes(canonical_json(manifest))
        return backup

    def names(self) -> list[str]:
        """The backups here, oldest first."""
        return sorted(file.stem for file in self.root.glob("*.json"))

    def read(self, name: str) -> Backup:
        """A backup by its name; a `UsageError` if there is none."""
        file = self.root / f"{name}.json"
        if not file.exists():
            raise UsageError(f"there is no backup {name} in {self.root}; it has {self.names() or 'none'}")
        try:
            told = json.loads(file.read_bytes())
            return Backup(told["name"], tuple(Kept(*one) for one in told["files"]))
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(f"{file} is no manifest of a backup") from error

    def restore(self, backup: Backup, into: Path, home: Path, progress: Progress) -> None:
        """Write every file of a backup, each proved by its SHA-256, into a folder that will become `home`."""
        for done, file in enumerate(backup.files):
            progress(done, len(backup.files), file.path)
            place = into / file.path
            if file.link:
                place.parent.mkdir(parents=True, exist_ok=True)
                place.symlink_to(home / file.link)
                continue
            with replacing(place) as draft:
                shutil.copyfile(self._objects.path(file.sha256), draft)
                with draft.open("rb") as copy:
                    found = hashlib.file_digest(copy, "sha256").hexdigest()
                if found != file.sha256:
                    raise DataError(f"{file.path} is damaged in {self.root}; use another backup")
                draft.chmod(file.mode)

    def _keep(self, home: Path, path: Path) -> Kept:
        """Store a file as it is at one moment."""
        name = path.relative_to(home).as_posix()
        if path.is_symlink():
            return Kept(name, "", 0, 0, path.readlink().relative_to(home).as_posix())
        mode = path.stat().st_mode & 0o777
        with TemporaryDirectory(dir=self._prepared()) as folder:
            source = path if not _is_sqlite(path) else _snapshot(path, Path(folder) / "snapshot.db")
            for left in reversed(range(TRIES)):
                try:
                    digest = self._objects.put(source)
                    break
                except DataError:
                    if not left:
                        raise
                    # It grows while it is read: keep it as it was at one moment.
                    source = Path(shutil.copyfile(path, Path(folder) / "copy"))
            size = self._objects.path(digest).stat().st_size
        return Kept(name, digest, size, mode)

    def _prepared(self) -> Path:
        """The folder, shut to others: it holds keys too."""
        self.root.mkdir(parents=True, exist_ok=True)
        self.root.chmod(OWNER_ONLY)
        return self.root


def _files(home: Path) -> Iterator[Path]:
    """Every file that a home cannot do without."""
    for path in home.rglob("*"):
        inside = path.relative_to(home)
        passing = path.name.endswith(PASSING) or path.name.startswith(".")
        if inside.parts[0] in LEFT_OUT or passing:
            continue
        inward = path.is_symlink() and path.readlink().is_relative_to(home)
        if inward or (path.is_file() and not path.is_symlink()):
            yield path


def _first_things_first(path: Path) -> tuple[int, str]:
    if path.name == ENGINE:
        return 0, str(path)
    return (1 if path.suffix == ".db" else 2), str(path)


def _is_sqlite(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(SQLITE)) == SQLITE


def _snapshot(path: Path, copy: Path) -> Path:
    """A database as of one moment, whoever writes to it; proved to be whole."""
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
        # One file that stands for itself: nothing of it is left in a log beside it.
        target.execute("PRAGMA journal_mode=DELETE")
        told = target.execute("PRAGMA quick_check").fetchone()
    if told != ("ok",):
        raise DataError(f"{path} is damaged ({told[0]}); keep it, and restore an older backup")
    return copy
