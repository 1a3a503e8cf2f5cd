"""`ballast monitors`: whether what was promoted still does what it did, and what follows if not."""

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cli.home import HomeOption
from cli.stored import Stored, TrackOption, find

if TYPE_CHECKING:
    from adapters.monitors import Load, Look, Monitors
    from adapters.track_record import Read
    from trading.models.release import Release

app = typer.Typer(
    no_args_is_help=True, help="Watch calibration, drift, costs and the gap to the backtest; act on alerts."
)

STYLES = {"alert": "bold red", "watch": "yellow", "quiet": "green", "unknown": "dim"}
PortfolioOption = Annotated[str | None, typer.Option(help="If there are several.", show_default=False)]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of a table.")]


@app.command()
def show(
    track: TrackOption = None,
    portfolio: PortfolioOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Look, and do nothing about it.

    One alert asks for half the size; two, or expected returns that brought none for 30 days, for no entries
    until a person reviews. What has seen too little says unknown.

    Example: ballast monitors show --json
    """
    from adapters.monitors import look

    seat = _seat(home, track, portfolio)
    with Console(stderr=True).status("the same hours in a backtest"):
        found = look(seat.engine, seat.key, *_material(seat))
    _tell(found, as_json=as_json)


@app.command()
def act(
    track: TrackOption = None,
    portfolio: PortfolioOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Look, enter what was found into the audit log, and do what follows, as happens every night."""
    seat = _seat(home, track, portfolio)
    with Console(stderr=True).status("the same hours in a backtest"):
        done = _monitors(seat).watch(seat.key)
    _tell(done, as_json=as_json)


@app.command()
def restore(
    operator: Annotated[str, typer.Option(help="Your name; it goes on record.")],
    reason: Annotated[str, typer.Option(help="Why it is right again; it goes on record.")],
    track: TrackOption = None,
    portfolio: PortfolioOption = None,
    home: HomeOption = None,
) -> None:
    """Let entries be of their full size again. A halt is lifted by `ballast halt`, not here.

    It lasts if what halved them is over: while an alert stands, the next look halves them again.
    """
    seat = _seat(home, track, portfolio)
    begin = _monitors(seat).restore(seat.key, operator, reason)
    typer.echo(f"entries of {seat.key.portfolio} are of their full size from {begin} on")


def _seat(home: Path | None, track: str | None, portfolio: str | None) -> Stored:
    from trading.compiled import use_cache

    seat = find(home, track)
    use_cache(seat.house.home / "cache" / "compiled")
    return replace(seat, key=seat.key._replace(portfolio=portfolio)) if portfolio else seat


def _material(seat: Stored) -> "tuple[Path, Read, Load]":
    from adapters.model_registry import ModelRegistry
    from adapters.objects import ObjectStore
    from cli.models import shelf

    place = seat.house.track(seat.key.track)

    def load(digest: str) -> "Release":
        return ModelRegistry(seat.house.home / "models", shelf()).named(digest)

    return place, ObjectStore(place / "objects").read, load


def _monitors(seat: Stored) -> "Monitors":
    from adapters.clock import SystemClock
    from adapters.monitors import Monitors

    return Monitors(seat.engine, *_material(seat), SystemClock())


def _tell(of: "Look", *, as_json: bool) -> None:
    if as_json:
        told = {"asof": of.asof.isoformat(), "action": of.action, "taken": list(of.taken)}
        typer.echo(json.dumps(told | {"monitors": [one._asdict() for one in of.found]}))
        return
    table = Table("monitor", "level", "value", "")
    for one in of.found:
        value = "" if one.value is None else f"{one.value:.4g}"
        level = f"[{STYLES[one.level]}]{one.level}[/]"
        table.add_row(escape(one.name), level, value, escape(one.note))
    console = Console()
    console.print(table)
    console.print(f"as of {of.asof:%Y-%m-%d %H:%M}Z: {of.action}")
    for what in of.taken:
        console.print(f"done: {escape(what)}")
