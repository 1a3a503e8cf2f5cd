"""`ballast backup` and `ballast restore`: a home in another place, and back again."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)

from cli.home import HomeOption, home_dir
from cli.logs import AnchorOption, anchor_of
from trading.errors import UsageError

if TYPE_CHECKING:
    from adapters.backup import Progress as Told

COLUMNS = (
    SpinnerColumn(),
    TextColumn("{task.description}"),
    BarColumn(),
    MofNCompleteColumn(),
    TimeElapsedColumn(),
)
MIB = 1 << 20


def backup(
    folder: Annotated[Path, typer.Argument(help="Where backups are kept: another disk.", show_default=False)],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of a line.")] = False,
    home: HomeOption = None,
) -> None:
    """Back up databases, objects, models, exchange and keys, while everything runs.

    Contents are kept once, so the next backup costs what changed. Logs and caches are left out. The folder
    holds the keys of the home too: guard it like the home. A database named by URL is backed up where it is.
    """
    from adapters.backup import BackupStore

    with _progress("backing up") as show:
        made = BackupStore(folder).take(home_dir(home), datetime.now(UTC), show)
    if as_json:
        typer.echo(json.dumps({"name": made.name, "files": len(made.files), "size_bytes": made.size_bytes}))
    else:
        typer.echo(f"{made.name}: {len(made.files)} files, {made.size_bytes / MIB:,.1f} MiB, in {folder}")


def restore(
    folder: Annotated[Path, typer.Argument(help="Where backups are kept.", show_default=False)],
    name: Annotated[str | None, typer.Option(help="Which backup.", show_default="the newest")] = None,
    anchor: AnchorOption = None,
    home: HomeOption = None,
) -> None:
    """Make a home anew from a backup, every file proved; `ballast up` then goes on from there.

    The home must not exist, or be empty. Nothing stands there before everything does. The audit log says in
    an entry that a backup was restored. What happened at the venue since is found by the next comparison.
    """
    from adapters.audit.restored import declare
    from adapters.backup import BackupStore
    from adapters.storage.engine import connect, sqlite_url

    place = home_dir(home)
    if any(place.iterdir()):
        raise UsageError(f"{place} is not empty; move it away first, it may hold what no backup does")
    store = BackupStore(folder)
    names = store.names()
    if not names:
        raise UsageError(f"there is no backup in {folder}")
    chosen = store.read(name or names[-1])
    draft = place.with_name(f".{place.name}.restoring")
    shutil.rmtree(draft, ignore_errors=True)  # of a restore that was interrupted
    with _progress("restoring") as show:
        store.restore(chosen, draft, place, show)
    for file in sorted(draft.glob("*/ballast.db")):
        engine = connect(sqlite_url(file))
        declare(engine, anchor_of(draft, anchor), chosen.name, datetime.now(UTC))
        engine.dispose()
    place.rmdir()
    draft.rename(place)
    typer.echo(f"{place} is as it was at {chosen.name}: {len(chosen.files)} files")


@contextmanager
def _progress(what: str) -> Iterator["Told"]:
    with Progress(*COLUMNS, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)

        def show(done: int, total: int, name: str) -> None:
            bar.update(task, completed=done, total=total, description=f"{what} {name}")

        yield show
