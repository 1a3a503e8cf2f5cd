"""`ballast governance`: whether every structural change was accounted for, and how to do so."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from trading.errors import UsageError

app = typer.Typer(
    no_args_is_help=True, help="Check that every structural change was accounted for, or account for one."
)

INDEX = Path("docs/governance/ARCHITECT_DECISIONS.md")


@app.command()
def check(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of lines.")] = False,
) -> None:
    """Say which structural change nobody has accounted for; exit status 1 if there is one.

    Structure is the import graph with its contracts, what workflows ask of the engine, the database schema,
    the risk limits, and the list of models. Each has a fingerprint, which an ADR or an entry of
    docs/governance/LOG.md must contain.
    """
    from cli import structure

    root = _checkout()
    now = structure.current(root)
    found = structure.unaccounted(now, structure.recorded(root), structure.written(root))
    marks = {subject: structure.fingerprint(facts) for subject, facts in now.items()}
    if as_json:
        typer.echo(json.dumps({"fingerprints": marks, "unaccounted": [one._asdict() for one in found]}))
    else:
        missing = {one.subject: one for one in found}
        for subject, mark in marks.items():
            typer.echo(str(missing[subject]) if subject in missing else f"{subject}: {mark}, accounted for")
    if found:
        raise typer.Exit(1)


@app.command()
def record(
    why: Annotated[str, typer.Option(help="Why the structure changed: one sentence or a few.")],
) -> None:
    """Enter what changed, why, and the new fingerprints into the log of governance.

    Commit docs/governance/LOG.md and config/structure.json together with the change. A change that has an ADR
    needs no entry, if the ADR contains the fingerprint that `ballast governance check` prints; record it all
    the same, so that the next change is told apart from this one, and the audit logs name the new one.
    """
    from adapters.files import replacing
    from cli import structure

    root = _checkout()
    now, before = structure.current(root), structure.recorded(root)
    lines = [
        f"- {subject} `{structure.fingerprint(facts)}`: {structure.summary(told)}"
        for subject, facts in now.items()
        if (told := structure.changes(before.get(subject, {}), facts))
    ]
    if not lines:
        raise UsageError("nothing changed since it was last recorded")
    with (root / structure.LOG).open("a") as log:
        log.write("\n".join(["", f"## {datetime.now(UTC):%Y-%m-%d}", why.strip(), "", *lines, ""]))
    with replacing(root / structure.RECORD) as draft:
        draft.write_text(json.dumps(now, indent=1, sort_keys=True) + "\n")
    typer.echo("\n".join(lines))


@app.command()
def index() -> None:
    """Write docs/governance/ARCHITECT_DECISIONS.md anew from the ADRs."""
    from cli.decisions import page

    root = _checkout()
    (root / INDEX).write_text(page(root))
    typer.echo(str(INDEX))


def _checkout() -> Path:
    from cli.structure import ROOT

    if not (ROOT / "pyproject.toml").exists():
        raise UsageError("governance is about the sources: run it in a checkout")
    return ROOT
