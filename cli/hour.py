"""`ballast hour`: any hour again, stage by stage, from what was stored."""

import json
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli import narration, reconstruct
from cli.home import HomeOption
from cli.stored import TrackOption, find
from trading.errors import UsageError

app = typer.Typer(
    no_args_is_help=True, help="List the hours of a track, show one stage by stage, or compute it again."
)

app.command("reconstruct")(reconstruct.reconstruct)
app.command("bundle")(reconstruct.bundle)

PIPED_WIDTH = 150
ASOF_FORMATS = ("%Y-%m-%dT%H:%MZ", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%HZ", "%Y-%m-%dT%H")

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


@app.command("list")
def list_(
    last: Annotated[int, typer.Option(min=1, help="How many, the newest.")] = 24,
    track: TrackOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """List the newest hours and how they ended."""
    from adapters.storage.engine import reading
    from adapters.storage.story import outcomes, story

    stored = find(home, track)
    with reading(stored.engine) as session:
        stories = [story(session, stored.key, row.asof) for row in outcomes(session, stored.key, last)]
    if as_json:
        typer.echo(json.dumps({"track": stored.key.track, "hours": [narration.as_json(s) for s in stories]}))
        return
    if not stories:
        raise UsageError(f"track {stored.key.track} has no finished hour yet")
    table = Table(title=stored.key.track)
    for column in ("asof", "outcome", "equity", "exposure", "drawdown"):
        table.add_column(column, justify="left" if column in ("asof", "outcome") else "right")
    table.add_column("orders", justify="right")
    table.add_column("fills", justify="right")
    table.add_column("why")
    for of in stories:
        mark = of.account
        figures = (
            (f"{mark.equity:,.2f}", f"{mark.exposure:.2%}", f"{mark.risk_drawdown:.2%}")
            if mark
            else ("", "", "")
        )
        why = of.reason or ("" if of.verdicts else narration.reasons(of.why_not))
        outcome = Text(of.outcome, style=narration.OUTCOME_STYLES.get(of.outcome, narration.WARN))
        counts = (str(len(of.orders)), str(len(of.fills)))
        table.add_row(f"{of.asof:%Y-%m-%dT%H:%MZ}", outcome, *figures, *counts, why)
    wide().print(table)


@app.command()
def show(
    asof: Annotated[str, typer.Argument(help="As 2024-07-05T00:00Z.", show_default=False)],
    track: TrackOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Show one hour: data, features, prediction, decision, risk, orders, fills, equity.

    Instruments that were not traded are listed with what kept them out.
    """
    from adapters.storage.engine import reading
    from adapters.storage.story import story

    stored = find(home, track)
    with reading(stored.engine) as session:
        of = story(session, stored.key, parsed(asof))
    if as_json:
        typer.echo(json.dumps(narration.as_json(of), indent=2))
        return
    console = wide()
    for said in narration.narrate(of, everything=True):
        console.print(said, soft_wrap=True)


def parsed(asof: str) -> datetime:
    """A time on the hour, UTC; else a `UsageError`."""
    for form in ASOF_FORMATS:
        try:
            found = datetime.strptime(asof, form).replace(tzinfo=UTC)
        except ValueError:
            continue
        if not found.minute:
            return found
    raise UsageError(f"{asof!r} is no hour; write it as 2024-07-05T00:00Z")


def wide() -> Console:
    console = Console()
    return console if console.is_terminal else Console(width=PIPED_WIDTH)
