"""`ballast schedules`: what the engine starts by itself in paper and live, and when."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from cli.home import HomeOption
from cli.hour import wide
from cli.stored import TrackOption, find
from trading.errors import UsageError, VenueUnavailable

if TYPE_CHECKING:
    from pathlib import Path

    from temporalio.client import Client

app = typer.Typer(no_args_is_help=True, help="What the engine starts by itself in paper and live, and when.")

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
ENGINE_S = 30.0
MINUTE = timedelta(minutes=1)
REAL = ("paper", "live")

T = TypeVar("T")


@app.command("list")
def list_(track: TrackOption = None, as_json: JsonOption = False, home: HomeOption = None) -> None:
    """List every schedule: its times in UTC, what it does when late or still at work, and how it stands."""
    from temporal.schedules import TABLE, Standing, standings

    rows: dict[str, Standing] = {}
    name = find(home, track).key.track
    try:
        rows = {row.name: row for row in _asked(home, track, standings)}
    except VenueUnavailable as error:
        if not as_json:
            Console(stderr=True).print(f"[yellow]{error}[/yellow]")
    told = [
        {
            "name": planned.name,
            "cron": planned.cron,
            "what": planned.what,
            "overlap": planned.overlap.name.lower(),
            "catch_up_minutes": planned.catch_up // MINUTE,
            **_standing(rows.get(planned.name)),
        }
        for planned in TABLE
    ]
    if as_json:
        typer.echo(json.dumps({"track": name, "schedules": told}))
        return
    table = Table(title=name)
    for column in ("name", "cron", "overlap", "catch-up", "next", "state", "what"):
        table.add_column(column)
    for row in told:
        cells = (
            row["name"],
            row["cron"],
            row["overlap"],
            f"{row['catch_up_minutes']} min",
            row["next"] or "",
            row["state"],
            row["what"],
        )
        table.add_row(*map(str, cells))
    wide().print(table)


@app.command()
def apply(track: TrackOption = None, as_json: JsonOption = False, home: HomeOption = None) -> None:
    """Create every schedule of the track, or bring it to what this version says; may be repeated."""
    from temporal.schedules import apply as applied
    from temporal.schedules import schedules_of

    async def all_of(client: "Client", name: str) -> list[str]:
        for timed in schedules_of(name):
            await applied(client, timed)
        return [timed.id for timed in schedules_of(name)]

    ids = _asked(home, track, all_of)
    typer.echo(json.dumps({"applied": ids}) if as_json else "applied: " + ", ".join(ids))


@app.command()
def run(
    name: Annotated[str, typer.Argument(help="hourly, universe, fees, training or audit-export.")],
    at: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%MZ"],
            help="As if it were then, UTC.",
            show_default="now, by this computer",
        ),
    ] = None,
    track: TrackOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Start now what a schedule starts. An hour happens once, however often it is started.

    Example: ballast schedules run hourly --at 2026-01-01T12:00
    """
    from temporal.schedules import run_now

    when = at.replace(tzinfo=UTC) if at else datetime.now(UTC)
    id = _asked(home, track, lambda client, named: run_now(client, named, name, when))
    typer.echo(json.dumps({"workflow": id}) if as_json else f"started {id}")


def _standing(row: "object") -> dict[str, str | None]:
    from temporal.schedules import Standing

    if not isinstance(row, Standing):
        return {"state": "unknown", "next": None}
    state = "paused" if row.paused else "stands" if row.exists else "missing"
    return {"state": state, "next": f"{row.next_at:%Y-%m-%dT%H:%MZ}" if row.next_at else None}


def _asked(home: "Path | None", track: str | None, question: "Callable[[Client, str], Awaitable[T]]") -> T:
    """Ask the engine that runs in the home about a track of real time."""
    from temporalio.service import RPCError

    from temporal.client import Server, connect

    stored = find(home, track)
    last = stored.house.last()
    if stored.mode not in REAL:
        raise UsageError(f"{stored.key.track} is a replay: its driver starts hours, no schedule does")
    if last is None or stored.house.up() is None:
        raise VenueUnavailable("no engine runs in this home; `ballast up` starts it")
    server = Server(last.addresses["temporal"], last.namespace)

    async def asked() -> T:
        return await question(await connect(server), stored.key.track)

    try:
        return asyncio.run(asyncio.wait_for(asked(), ENGINE_S))
    except (RPCError, TimeoutError) as error:
        raise VenueUnavailable("the engine does not answer; `ballast status` shows what runs") from error
