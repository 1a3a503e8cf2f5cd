"""`ballast deploy`: what a release is made of, and what changes when it takes the place of another."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from trading.errors import BallastError, UsageError

if TYPE_CHECKING:
    from adapters.storage.fitting import Step

app = typer.Typer(no_args_is_help=True, help="Releases: what one is made of, what it will change.")

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
ImageOption = Annotated[str, typer.Option(help="The image, by digest.")]
SHORT = 12
NONE = "nothing"
WORKFLOWS, SCHEMA = "workflow commands", "the database schema"
Actions = dict[str, list[str]]
"""Of Terraform: addresses by what happens to them."""


class Change(NamedTuple):
    """One kind of thing that differs."""

    what: str
    before: str
    after: str
    details: tuple[str, ...] = ()
    against: tuple[str, ...] = ()
    """Why somebody must look first."""


@app.command()
def facts(image: ImageOption = "") -> None:
    """Print what this release is made of, for `ballast deploy plan --running` later.

    Example: docker run IMAGE deploy facts --image IMAGE > running.json
    """
    typer.echo(json.dumps(facts_of(image), indent=1))


@app.command()
def plan(
    running: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="`ballast deploy facts` of the release that runs."),
    ] = None,
    image: ImageOption = "",
    database: Annotated[
        str | None,
        typer.Option(envvar="BALLAST_DATABASE", help="Ask this database where its schema stands."),
    ] = None,
    terraform: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="`terraform show -json PLAN` of the infrastructure."),
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Fail if somebody must look first.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Print what this release will change: image, schema, workflows, structure, values, infrastructure.

    Changes nothing. What the release before could not live with, and what
    would be destroyed, is marked: somebody looks at it before it goes out.

    Example: ballast deploy plan --running running.json --database postgresql://…
    """
    before = json.loads(running.read_text()) if running else {}
    actions = actions_of(json.loads(terraform.read_text())) if terraform else None
    changes = list(changes_of(before, facts_of(image), schema_of(before, database), actions))
    against = [reason for change in changes for reason in change.against]
    if as_json:
        typer.echo(
            json.dumps({"changes": [change._asdict() for change in changes], "look_first": against}, indent=1)
        )
    else:
        typer.echo("\n".join(told(changes)))
    if check and against:
        raise BallastError(f"somebody must look first: {against[0]}")


def facts_of(image: str) -> dict[str, Any]:
    """The release that this code is."""
    from importlib.metadata import version

    from adapters.storage.migrate import head
    from cli.structure import recorded
    from config import trading

    return {
        "image": image,
        "version": version("ballast-trading"),
        "schema": head(),
        "configuration": trading.load().digest(),
        "structure": recorded(),
    }


def schema_of(before: dict[str, Any], database: str | None) -> "tuple[str | None, list[Step]]":
    """Where the schema stands, and what is to run on it; the database's own word counts more."""
    from adapters.storage.fitting import pending

    since = before.get("schema")
    if database is not None:
        from adapters.storage.engine import connect
        from adapters.storage.migrate import revision

        since = revision(connect(database))
    return since, pending(since)


def changes_of(
    before: dict[str, Any],
    after: dict[str, Any],
    schema: "tuple[str | None, list[Step]]",
    actions: Actions | None,
) -> Iterator[Change]:
    """Everything that differs, one kind after the other."""
    from cli.structure import changes, fingerprint

    for name in ("image", "version"):
        if before.get(name) != after[name] and after[name]:
            yield Change(name, before.get(name) or NONE, after[name])
    since, steps = schema
    if steps:
        lines = tuple(f"{step.revision} {step.title}" for step in steps)
        # Over an empty database there is no release before.
        against = tuple(f"{step.revision}: {reason}" for step in steps for reason in step.against if since)
        yield Change("schema", since or NONE, after["schema"], lines, against)
    for subject, now in after["structure"].items():
        was = before.get("structure", {}).get(subject, {})
        if was != now and subject != SCHEMA:
            marks = (fingerprint(was)[:SHORT] if was else NONE, fingerprint(now)[:SHORT])
            yield Change(subject, *marks, tuple(changes(was, now)) if was else (f"{len(now)} facts",))
    if before.get("configuration") != after["configuration"]:
        was = before.get("configuration", NONE)
        yield Change("configuration", was[:SHORT], after["configuration"][:SHORT])
    if actions and any(addresses for what, addresses in actions.items() if what != "no-op"):
        yield infrastructure(actions)


def actions_of(document: dict[str, Any]) -> Actions:
    """Addresses by what Terraform would do to them, from a plan as JSON."""
    if "resource_changes" not in document:
        raise UsageError("this is no plan of Terraform; make it with: terraform show -json PLAN")
    found: Actions = {}
    for change in document["resource_changes"]:
        actions = change["change"]["actions"]
        what = "replace" if len(actions) > 1 else actions[0]
        found.setdefault(what, []).append(change["address"])
    return found


def infrastructure(actions: Actions) -> Change:
    done = {
        what: sorted(addresses)
        for what, addresses in sorted(actions.items())
        if what not in ("no-op", "read")
    }
    lines = tuple(f"{what} {address}" for what, addresses in done.items() for address in addresses)
    lost = tuple(
        f"would {what} {address}" for what in ("delete", "replace") for address in done.get(what, [])
    )
    counts = ", ".join(f"{len(addresses)} to {what}" for what, addresses in done.items())
    return Change("infrastructure", "as it is", counts, lines, lost)


def told(changes: list[Change]) -> Iterator[str]:
    """The plan as text."""
    if not changes:
        yield "nothing changes"
        return
    for change in changes:
        yield f"{change.what}: {change.before} -> {change.after}"
        yield from (f"    {line}" for line in change.details)
        if change.what == WORKFLOWS:
            yield "    workers drain; stored histories of the release before are replayed by the tests first"
        if change.what == "schema" and not change.against:
            yield "    fits the release before, so taking the release back needs no other schema"
        yield from (f"    LOOK FIRST: {reason}" for reason in change.against)
