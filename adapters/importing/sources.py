"""Which files an import consists of, and what each one claims to be; archives are inspected first."""

import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO, NamedTuple

from adapters.importing import kraken_ohlcvt, kraken_trades, parquet
from adapters.importing.names import pair
from adapters.importing.rows import Parsed
from trading.errors import DataError, UsageError

SUFFIXES = (".csv", ".parquet")
OHLCVT_NAME = re.compile(r"(?P<pair>[^_]+)_(?P<minutes>\d+)")
HOUR_MIN = 60

MEMBERS_MAX = 20_000
"""Kraken's whole archive has about 10,000."""
MEMBER_BYTES_MAX = 16 << 30
ARCHIVE_BYTES_MAX = 256 << 30
RATIO_MAX = 200
"""Text of prices shrinks to about a fifth."""


class Layout(NamedTuple):
    """What a file name says about its content."""

    instrument: str
    kind: str
    """ohlcvt, trades or parquet."""
    interval_min: int


class Skipped(DataError):
    """A file of a known layout that has nothing for us."""


def files(path: Path) -> list[Path]:
    """The files to import: `path` itself or all below it but hidden ones; a `UsageError` if there is none."""
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise UsageError(f"{path} does not exist; name a folder, a file or a zip archive")
    found = [
        file
        for file in sorted(path.rglob("*"))
        if file.suffix.lower() in (*SUFFIXES, ".zip")
        and file.is_file()
        and not any(part.startswith(".") for part in file.relative_to(path).parts)
    ]
    if not found:
        raise UsageError(f"{path} holds no .csv, .parquet or .zip file")
    return found


def layout(name: str) -> Layout:
    """What a file's name promises; `Skipped` for intervals above an hour, otherwise a `DataError`."""
    file = PurePosixPath(name)
    kind = file.suffix.lower()
    if kind == ".parquet":
        return Layout(pair(file.stem), "parquet", HOUR_MIN)
    if kind != ".csv":
        raise DataError("not .csv, .parquet or .zip")
    named = OHLCVT_NAME.fullmatch(file.stem)
    if not named:
        return Layout(pair(file.stem), "trades", 0)
    minutes = int(named["minutes"])
    if minutes == 0 or HOUR_MIN % minutes:
        raise Skipped(f"bars of {minutes} minutes cannot be rebuilt into hours; use 1, 5, 15, 30 or 60")
    return Layout(pair(named["pair"]), "ohlcvt", minutes)


def members(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """The tables inside an archive; a `DataError` if it is not what an exchange would publish.

    Nothing is ever unpacked under a member's own name, and the declared sizes are binding: zipfile stops
    there.
    """
    infos = [info for info in archive.infolist() if not info.is_dir()]
    if len(infos) > MEMBERS_MAX:
        raise DataError(f"{len(infos)} members, more than {MEMBERS_MAX}")
    if sum(info.file_size for info in infos) > ARCHIVE_BYTES_MAX:
        raise DataError(f"expands to more than {ARCHIVE_BYTES_MAX >> 30} GiB")
    for info in infos:
        inside = PurePosixPath(info.filename)
        if inside.is_absolute() or ".." in inside.parts or "\\" in info.filename:
            raise DataError(f"member {info.filename!r} points outside the archive")
        if info.file_size > MEMBER_BYTES_MAX or info.file_size > RATIO_MAX * max(info.compress_size, 1):
            raise DataError(f"member {info.filename} expands {info.compress_size} to {info.file_size} bytes")
        if info.flag_bits & 1:
            raise DataError(f"member {info.filename} is encrypted")
    tables = [info for info in infos if PurePosixPath(info.filename).suffix.lower() in SUFFIXES]
    if not tables:
        raise DataError("no .csv or .parquet member")
    return [info for info in tables if not info.filename.startswith("__MACOSX/")]


@contextmanager
def whole() -> Iterator[None]:
    """Damage of an archive, found on opening or in the middle of a member, is a `DataError`."""
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise DataError(f"not a whole zip archive ({error})") from error


def read(stream: BinaryIO, said: Layout, now_s: int) -> Parsed:
    """The hours of an open file of that layout."""
    if said.kind == "parquet":
        return parquet.read(stream, now_s)
    if said.kind == "trades":
        return kraken_trades.read(stream, now_s)
    return kraken_ohlcvt.read(stream, said.interval_min * 60, now_s)
