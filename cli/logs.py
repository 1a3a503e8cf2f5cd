"""The audit logs of a home: where they are, and how a command names the ones that it means."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trading.errors import UsageError

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from adapters.audit.anchors import Anchor

ANCHOR = "BALLAST_AUDIT_ANCHOR"

DatabaseOption = Annotated[
    str | None,
    typer.Option(
        "--database",
        envvar="BALLAST_DATABASE",
        help="URL of the database; without one, every database in the home folder.",
        show_default=False,
    ),
]
AnchorOption = Annotated[
    str | None,
    typer.Option(
        "--anchor",
        envvar=ANCHOR,
        help="Where checkpoints are kept outside: a folder, or gs://BUCKET/PREFIX.",
        show_default="the folder audit/anchor of the home folder, which is not outside",
    ),
]
TrackOption = Annotated[str | None, typer.Option(help="The track, if there are several.", show_default=False)]


def anchor_of(home: Path, place: str | None) -> "Anchor":
    """Where checkpoints are kept outside: as named, else in the home."""
    from adapters.audit.anchors import opened

    return opened(place or str(home / "audit" / "anchor"))


def logs_of(home: Path, database: str | None, track: str | None) -> Iterator[tuple["Engine", str]]:
    """Every log meant, with the database it is in; a `UsageError` when there is none."""
    found = False
    for engine, name in every(home, database):
        if track in (None, name):
            found = True
            yield engine, name
    if not found:
        raise UsageError(
            f"there is no audit log{f' of {track}' if track else ''} here yet; name a --database"
        )


def every(home: Path, database: str | None = None) -> Iterator[tuple["Engine", str]]:
    """Every log that there is, with the database it is in."""
    from adapters.audit.log import tracks
    from adapters.storage.engine import reading

    for engine in engines_of(home, database):
        with reading(engine) as session:
            names = tracks(session)
        for name in names:
            yield engine, name


def engines_of(home: Path, database: str | None) -> Iterator["Engine"]:
    """The databases meant: the one named, or every one of the home."""
    from adapters.storage.engine import connect, sqlite_url

    if database:
        yield connect(database)
        return
    for file in sorted(home.glob("*/ballast.db")):
        yield connect(sqlite_url(file))
