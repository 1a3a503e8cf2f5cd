"""`ballast hour reconstruct` and `bundle`: an hour computed again, held against its record."""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from cli import narration
from cli.home import HomeOption, home_dir
from cli.stored import Stored, TrackOption, find
from trading.clock import TradingHour
from trading.errors import BallastError, UsageError

if TYPE_CHECKING:
    from adapters.reconstruction.source import Home, Source
    from adapters.reconstruction.stages import Compared

DIGEST_SHOWN = 16

PortfolioOption = Annotated[
    str | None, typer.Option(help="Of this portfolio.", show_default="the one that ran last")
]


class Differs(BallastError):
    """What was computed again is not what was recorded."""


def reconstruct(
    asof: Annotated[
        str | None,
        typer.Argument(help="As 2024-07-05T00:00Z; with --all the last hour.", show_default="the last"),
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Every hour from the track's opening state on, one after another.")
    ] = False,
    bundle_file: Annotated[
        Path | None,
        typer.Option("--bundle", help="From this file alone.", exists=True, dir_okay=False, metavar="FILE"),
    ] = None,
    track: TrackOption = None,
    portfolio: PortfolioOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
    home: HomeOption = None,
) -> None:
    """Compute an hour again from raw replies and compare every stage with what was recorded.

    Reads stored replies, the release, the configuration, the guard's word in
    the audit log and the state before; rows and files that an hour derived are
    read to be compared, and for nothing else. Ends with status 1 at the first
    hour that differs, and names the field. What was made with other versions
    is said.

    Example: ballast hour reconstruct 2024-07-05T00:00Z
    """
    from trading.compiled import use_cache

    use_cache(home_dir(home) / "cache" / "compiled")
    if bundle_file is not None:
        from adapters.reconstruction.bundle import read_bundle

        source, hour = read_bundle(bundle_file)
        first = hour
    else:
        stored = _found(home, track, portfolio)
        hour = _hour(asof) if asof else _last(stored)
        source = _source(stored, None if every else hour)
        first = source.inputs.first if every else hour
    rows = _compared(source, first, hour, shown=every and not as_json)
    if as_json:
        typer.echo(json.dumps(rows.as_json(), indent=2))
    else:
        rows.show()
    if rows.differing:
        at, compared = rows.differing[0]
        raise Differs(f"{at}: {compared.stage} differs: {compared.where}")


def bundle(
    asof: Annotated[str, typer.Argument(help="As 2024-07-05T00:00Z.", show_default=False)],
    output: Annotated[Path, typer.Option("--output", "-o", help="Write this file.", dir_okay=False)],
    track: TrackOption = None,
    portfolio: PortfolioOption = None,
    home: HomeOption = None,
) -> None:
    """Write one file from which an hour can be reconstructed on another machine without a network.

    Example: ballast hour bundle 2024-07-05T00:00Z -o hour.zip
    """
    from adapters.reconstruction.bundle import write_bundle

    stored, hour = _found(home, track, portfolio), _hour(asof)
    size = write_bundle(_source(stored, hour), _home(stored), hour, output)
    typer.echo(f"{output}: {hour} of {stored.key.track}, {size / 1e6:.1f} MB")
    typer.echo(f"reconstruct it with `ballast hour reconstruct --bundle {output.name}`")


class Rows:
    """What was compared, hour by hour."""

    def __init__(self) -> None:
        self.hours: list[tuple[TradingHour, Sequence[Compared]]] = []
        self.environment: Sequence[str] | None = []
        self.took_s = 0.0

    @property
    def differing(self) -> list[tuple[TradingHour, "Compared"]]:
        """What another environment does not explain."""
        return [(hour, row) for hour, rows in self.hours for row in rows if not (row.same or row.near)]

    def as_json(self) -> dict[str, Any]:
        hours = [{"asof": str(hour), "stages": [row._asdict() for row in rows]} for hour, rows in self.hours]
        told = {"hours": len(hours), "differences": len(self.differing), "took_s": round(self.took_s, 1)}
        return told | {"environment": self.environment, "compared": hours}

    def show(self) -> None:
        console = Console()
        if self.environment is None:
            console.print("what it was made with was not recorded", style=narration.FAINT)
        for sentence in self.environment or ():
            console.print(sentence, style=narration.WARN)
        worst = self.differing[0][0] if self.differing else self.hours[-1][0]
        table = Table("stage", "recorded", "again", "same", "where", title=str(worst))
        for row in dict(self.hours)[worst]:
            same = "[green]yes[/]" if row.same else "[yellow]near[/]" if row.near else "[bold red]NO[/]"
            table.add_row(row.stage, row.recorded[:DIGEST_SHOWN], row.again[:DIGEST_SHOWN], same, row.where)
        console.print(table)
        count = len(self.differing)
        console.print(f"{len(self.hours)} hours, {count} differences, {self.took_s:.1f} s", highlight=False)


def _compared(source: "Source", first: TradingHour, last: TradingHour, *, shown: bool) -> Rows:
    """Rebuild and compare; stops at the first hour that differs."""
    from adapters.environment import differences, environment
    from adapters.reconstruction.stages import compare
    from trading.live.machines import PLAIN

    rows, began_s = Rows(), time.perf_counter()
    made = source.made_with(last)
    rows.environment = None if made is None else differences(made, environment())
    with _progress(shown=shown, hours=last.number - first.number + 1) as advance:
        for again in source.rebuilder(PLAIN).through(last):
            if again.hour >= first:
                rows.hours.append((again.hour, compare(source.recorded(again.hour), again.stages)))
                advance()
                if rows.differing:
                    break
    rows.took_s = time.perf_counter() - began_s
    if not rows.hours:
        raise UsageError(f"nobody worked {last}; `ballast hour list` names the hours there are")
    return rows


@contextmanager
def _progress(*, shown: bool, hours: int) -> Iterator[Any]:
    columns = (TextColumn("reconstructing"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not shown) as bar:
        task = bar.add_task("", total=hours)
        yield lambda: bar.advance(task)


def _found(home: Path | None, track: str | None, portfolio: str | None) -> Stored:
    stored = find(home, track)
    return replace(stored, key=stored.key._replace(portfolio=portfolio)) if portfolio else stored


def _home(stored: Stored) -> "Home":
    from adapters.reconstruction.source import Home

    return Home(stored.engine, stored.house.track(stored.key.track), stored.house.home / "models")


def _source(stored: Stored, hour: TradingHour | None) -> "Source":
    """From the track's opening, or from the state two hours before: an hour's first fills may rest on the
    decision of the hour before.
    """
    from adapters.reconstruction.source import of_home

    return of_home(_home(stored), stored.key, hour.previous if hour else None)


def _hour(asof: str) -> TradingHour:
    from cli.hour import parsed

    return TradingHour.at(parsed(asof))


def _last(stored: Stored) -> TradingHour:
    from sqlalchemy import func, select

    from adapters.storage.engine import reading
    from adapters.storage.states import StateRow

    mine = (StateRow.track == stored.key.track, StateRow.portfolio == stored.key.portfolio)
    with reading(stored.engine) as session:
        at: datetime | None = session.scalar(select(func.max(StateRow.asof)).where(*mine))
    if at is None:
        raise UsageError(f"track {stored.key.track} has no hour yet")
    return TradingHour.at(at)
