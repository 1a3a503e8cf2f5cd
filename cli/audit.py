"""`ballast audit`: prove the audit log, sign it, and hand a part of it to an auditor."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from cli.home import HomeOption, home_dir
from cli.logs import AnchorOption, DatabaseOption, TrackOption, anchor_of, engines_of, logs_of
from trading.errors import UsageError

if TYPE_CHECKING:
    from adapters.audit.verify import Proof

app = typer.Typer(
    no_args_is_help=True, help="Prove the audit log, sign it, and hand a part of it to an auditor."
)

DAY = ["%Y-%m-%d", "%Y-%m-%dT%H:%M"]


@app.command("verify")
def verify_(
    package: Annotated[
        Path | None, typer.Argument(help="An exported package instead of a database.", show_default=False)
    ] = None,
    public: Annotated[
        Path | None,
        typer.Option(help="File with the public keys to trust.", show_default="the home folder's own"),
    ] = None,
    database: DatabaseOption = None,
    anchor: AnchorOption = None,
    track: TrackOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a log.")] = False,
    home: HomeOption = None,
) -> None:
    """Prove every entry of the log, without any network.

    Finds an entry that was changed, dropped, added or moved, a log cut short, and a second log, and names the
    first bad entry; the exit status is then 1. Says up to which entry checkpoints attest the log, and up to
    which entry those kept outside agree.
    """
    with _spinner("proving"):
        proofs = list(_proofs(home_dir(home), package, public, database, anchor, track))
    for proof in proofs:
        typer.echo(json.dumps(_as_object(proof)) if as_json else _as_text(proof))
    if any(proof.fault for proof in proofs):
        raise typer.Exit(1)


@app.command()
def checkpoint(
    database: DatabaseOption = None,
    anchor: AnchorOption = None,
    track: TrackOption = None,
    home: HomeOption = None,
) -> None:
    """Sign the head of the log now and copy checkpoints outside, as happens by itself every hour."""
    from adapters.audit.checkpoints import seal
    from adapters.audit.keys import signing_key

    folder = home_dir(home)
    for engine, name in logs_of(folder, database, track):
        last = seal(engine, name, signing_key(folder / "audit"), anchor_of(folder, anchor), datetime.now(UTC))
        typer.echo(f"{name}: attested outside up to entry {last}")


@app.command()
def export(
    start: Annotated[datetime, typer.Option("--from", formats=DAY, help="From this UTC time on.")],
    end: Annotated[datetime, typer.Option("--to", formats=DAY, help="Up to this UTC time.")],
    out: Annotated[Path, typer.Option(help="Zip file; replaced when complete.")],
    database: DatabaseOption = None,
    anchor: AnchorOption = None,
    track: TrackOption = None,
    home: HomeOption = None,
) -> None:
    """Write a part of the log for an auditor: entries, checkpoints, a guide, and a verifier to run.

    The part is widened to the checkpoints around it, so that both its ends are attested.
    """
    from adapters.audit import package
    from adapters.storage.engine import reading

    if end < start:
        raise UsageError(f"--to {end:%Y-%m-%d} lies before --from {start:%Y-%m-%d}")
    folder = home_dir(home)
    logs = list(logs_of(folder, database, track))
    if len(logs) > 1:
        raise UsageError(f"name the track by --track: {', '.join(name for _, name in logs)}")
    engine, name = logs[0]
    with _spinner("exporting"), reading(engine) as session:
        part = package.part(session, name, start.replace(tzinfo=UTC), end.replace(tzinfo=UTC))
        package.write(session, part, anchor_of(folder, anchor).kept(name), out)
    typer.echo(f"{out}: entries {part.first} to {part.last} of {name}; its README.md says how to check them")


@app.command()
def histories(
    track: TrackOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of a line.")] = False,
    home: HomeOption = None,
) -> None:
    """Keep the engine's histories now, as every worker does each hour, and prove those that are kept.

    The engine must run (`ballast up`). Exit status 1 names an hour that ended without a history in the log,
    or a history that is not as it was written.
    """
    from adapters.objects import ObjectStore
    from cli.engine import connected
    from cli.stored import find
    from temporal.histories import keep, proved

    stored = find(home, track)
    objects = ObjectStore(stored.house.track(stored.key.track) / "objects")

    async def kept() -> int:
        return await keep(await connected(stored.house), stored.engine, objects, stored.key.track)

    with _spinner("keeping"):
        new = asyncio.run(kept())
        proof = proved(stored.engine, objects, stored.key.track)
    if as_json:
        typer.echo(json.dumps({"track": stored.key.track, "new": new, **proof._asdict()}))
    else:
        typer.echo(f"{stored.key.track}: {new} new, {proof.kept} kept, {proof.events} events")
        for problem in proof.problems:
            typer.echo(f"BAD {problem}")
    if proof.problems:
        raise typer.Exit(1)


@app.command()
def incident(
    report: Annotated[Path, typer.Argument(help="The report, as it is.", exists=True, dir_okay=False)],
    operator: Annotated[str, typer.Option(help="Your name; it goes on record.")],
    track: TrackOption = None,
    home: HomeOption = None,
) -> None:
    """Keep an incident report by its digest, and enter that into the log of the track that it is about."""
    from adapters.audit import Kind
    from adapters.audit.documents import enter
    from adapters.objects import ObjectStore
    from adapters.storage.engine import unit_of_work
    from cli.stored import find

    stored = find(home, track)
    objects = ObjectStore(stored.house.track(stored.key.track) / "objects")
    facts = {"at": datetime.now(UTC).isoformat(), "name": report.name, "operator": operator}
    with unit_of_work(stored.engine) as session:
        entry = enter(session, objects, stored.key.track, Kind.INCIDENT, report.read_bytes(), facts)
    typer.echo(f"{report.name} is entry {entry.seq} of {stored.key.track}")


@app.command()
def key(home: HomeOption = None) -> None:
    """Print the public key that signs now, to be kept where nobody here can change it."""
    from adapters.audit.keys import PUBLIC, signing_key

    folder = home_dir(home) / "audit"
    typer.echo(signing_key(folder).public)
    typer.echo(f"all public keys, oldest first: {folder / PUBLIC}", err=True)


@app.command("rotate-key")
def rotate_key(database: DatabaseOption = None, home: HomeOption = None) -> None:
    """Hand over to a new signing key in every log; the old key signs that, and is then removed.

    May be repeated after a crash. A worker that shares the folder signs with the new key from its next hour
    on; one with a copy of the old key refuses to sign, and says so by an alert.
    """
    from adapters.audit.rotation import rotate

    folder = home_dir(home)
    engines = list(engines_of(folder, database))
    typer.echo(rotate(engines, folder / "audit", datetime.now(UTC)).public)


def _proofs(
    home: Path,
    package: Path | None,
    public: Path | None,
    database: str | None,
    anchor: str | None,
    track: str | None,
) -> Iterator["Proof"]:
    from adapters.audit.keys import PUBLIC, read_public
    from adapters.audit.log import records
    from adapters.audit.package import check
    from adapters.audit.verify import verify
    from adapters.storage.engine import reading

    outside = anchor_of(home, anchor)
    if package:
        if not public:
            typer.echo("checked by the key inside the package: compare it with one from elsewhere", err=True)
        yield check(package, read_public(public) if public else (), outside)
        return
    trusted = read_public(public or home / "audit" / PUBLIC)
    for engine, name in logs_of(home, database, track):
        with reading(engine) as session:
            yield verify(name, records(session, name), trusted, outside.kept(name))


def _as_object(proof: "Proof") -> dict[str, object]:
    restores = [one._asdict() for one in proof.restores]
    return proof._asdict() | {"restores": restores, "fault": proof.fault._asdict() if proof.fault else None}


def _as_text(proof: "Proof") -> str:
    if proof.fault:
        return f"BAD {proof.track}: entry {proof.fault.seq}: {proof.fault.what}"
    attested = f"up to {proof.attested} at {proof.attested_at}" if proof.attested else "nowhere"
    outside = (
        f"also outside up to {proof.anchored}"
        if proof.anchored
        else "no checkpoint outside: a log cut short would look the same"
    )
    restores = "".join(
        f"; a backup was restored at entry {seq}"
        + (f", and what was attested from there to {lost} is lost" if lost else "")
        for seq, lost in proof.restores
    )
    return f"GOOD {proof.track}: {proof.entries} entries, attested {attested}, {outside}{restores}"


@contextmanager
def _spinner(what: str) -> Iterator[None]:
    columns = (SpinnerColumn(), TextColumn(what), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        bar.add_task(what, total=None)
        yield
