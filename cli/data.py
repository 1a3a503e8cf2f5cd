"""`ballast data`: bring bars in, look at what is there, or make a market up."""

import json
import os
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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
from rich.table import Table

from cli.home import HomeOption, home_dir
from trading.clock import DAY_H, TradingHour
from trading.errors import DataError, UsageError

if TYPE_CHECKING:
    from adapters.importing.run import Imported

app = typer.Typer(no_args_is_help=True, help="Import market data, see what is there, or generate a market.")

PROGRESS = (
    SpinnerColumn(),
    TextColumn("{task.description}"),
    BarColumn(),
    MofNCompleteColumn(),
    TimeElapsedColumn(),
)

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of a table.")]

PIPED_WIDTH = 150
YEAR_H = 8_766
GENERATED_END = datetime(2025, 1, 1, tzinfo=UTC)
"""The asof of a generated market's last bar."""


class Venue(StrEnum):
    """Where imported bars can come from."""

    kraken = "kraken"
    binance = "binance"
    coinbase = "coinbase"


@app.command("import")
def import_(
    path: Annotated[Path, typer.Argument(help="A folder, a file or a zip archive.", show_default=False)],
    venue: Annotated[Venue, typer.Option(help="The exchange that the bars come from.", show_default=False)],
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Read market data into the bar store; what is there already is left alone.

    Three layouts are known by the file's name: Kraken's OHLCVT download
    (XBTUSD_60.csv, intervals 1, 5, 15, 30 and 60), Kraken's time and sales
    (XBTUSD.csv), and hourly parquet (BTCUSDT.parquet). Folders and zip
    archives may mix them. Raw files are kept unchanged; unusable rows go to
    quarantine with their line; a file that cannot be read is refused, the
    others still come in, and the exit status is then 1.
    """
    from adapters.importing.run import import_path

    with Progress(*PROGRESS, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading", total=None)

        def show(done: int, total: int, name: str) -> None:
            bar.update(task, completed=done, total=total or None, description=name)

        results = import_path(path, venue.value, home_dir(home), int(datetime.now(UTC).timestamp()), show)
    if as_json:
        typer.echo(json.dumps({"venue": venue.value, "files": [result._asdict() for result in results]}))
    else:
        _print_import(results, venue.value)
    if any(result.status == "refused" for result in results) or all(r.status == "skipped" for r in results):
        raise typer.Exit(1)


def _print_import(results: list["Imported"], venue: str) -> None:
    console = _console()
    table = Table("file", "instrument", "status", "hours", "new", "quarantined", title=f"import from {venue}")
    for result in results:
        if result.status != "known":
            counts = (f"{count:,}" for count in (result.hours, result.added, result.quarantined))
            table.add_row(result.file, result.instrument, result.status, *counts)
    if table.row_count:
        console.print(table)
    for result in results:
        for note in result.notes:
            console.print(f"{result.file}: {note}", markup=False, highlight=False, soft_wrap=True)
    known = sum(result.status == "known" for result in results)
    added = sum(result.added for result in results)
    refused = sum(result.status == "refused" for result in results)
    if known == len(results):
        console.print(f"nothing to do: all {known} files were imported before")
    else:
        console.print(
            f"{len(results)} files: {known} imported before, {refused} refused; {added:,} new hours"
        )


def _console() -> Console:
    """Wide enough for the tables where nobody set a width."""
    console = Console()
    return console if console.is_terminal or "COLUMNS" in os.environ else Console(width=PIPED_WIDTH)


@app.command()
def status(
    venue: Annotated[str | None, typer.Option(help="Only this venue.", show_default="all")] = None,
    gaps: Annotated[bool, typer.Option("--gaps", help="List every gap.")] = False,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Show coverage, gaps, age and cross-venue deviation of every instrument in the store.

    Times are asof, the close of a bar. "behind" is the distance to the newest
    bar in the store. The deviation compares closes with the venue that shares
    most hours.
    """
    from adapters.bars import BarStore
    from adapters.status import survey

    store = BarStore(home_dir(home) / "bars")
    venues = store.venues()
    if venue is not None and venue not in venues:
        raise UsageError(f"no bars of venue {venue}; there are {', '.join(venues) or 'none at all'}")
    with Console(stderr=True).status("reading bars"):
        lines = survey(store, [venue] if venue else venues, datetime.now(UTC))
    if not lines:
        raise DataError("the bar store is empty; fill it by `ballast data import` or `ballast data generate`")
    if as_json:
        typer.echo(json.dumps({"instruments": lines}))
    else:
        _print_status(lines, gaps)


def _print_status(lines: list[dict[str, Any]], with_gaps: bool) -> None:
    columns = ("venue", "instrument", "first", "last", "hours", "present", "gaps", "longest", "behind")
    table = Table(
        *columns,
        "against",
        "median bp",
        "p99 bp",
        title="bars by instrument (UTC days; --json has the hours)",
    )
    for line in lines:
        table.add_row(
            line["venue"],
            line["instrument"],
            line["first"][:10],
            line["last"][:10],
            f"{line['hours']:,}",
            f"{line['present']:.2%}",
            f"{len(line['gaps']):,}",
            f"{line['longest_gap_h']} h",
            f"{line['behind_newest_h']:,} h",
            *_nearest(line["deviations"]),
        )
    console = _console()
    console.print(table)
    console.print("* the quotes differ: the price of tether is part of the deviation")
    console.print(f"the newest bar of all is {min(line['age_h'] for line in lines):,.0f} hours old")
    for line in lines if with_gaps else ():
        for gap in line["gaps"]:
            console.print(f"{line['venue']} {line['instrument']}: {gap['hours']} h from {gap['first']}")


def _nearest(deviations: list[dict[str, Any]]) -> tuple[str, str, str]:
    """The cells for the venue that shares most hours."""
    if not deviations:
        return "", "", ""
    other = max(deviations, key=lambda other: int(other["hours"]))
    mark = "" if other["same_quote"] else " *"
    return (
        f"{other['venue']} {other['instrument']}{mark}",
        f"{other['median_bp']:.1f}",
        f"{other['p99_bp']:.1f}",
    )


@app.command()
def generate(
    seed: Annotated[int, typer.Option(min=0, help="Another seed makes another market.")] = 7,
    years: Annotated[int, typer.Option(min=1, max=12, help="How many years, up to the end of 2024.")] = 4,
    instruments: Annotated[
        int, typer.Option(min=1, max=20, help="How many instruments, BTC/USD first.")
    ] = 12,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Make a market up and store its bars as venue `generated`; the same options give the same bytes."""
    market = make_market(home_dir(home), seed, years, instruments)
    if as_json:
        typer.echo(json.dumps(market))
    else:
        Console().print(
            f"{market['venue']}: {instruments} instruments, {market['first']} to {market['last']}, "
            f"{market['added']:,} new hours"
        )


def make_market(home: Path, seed: int, years: int, instruments: int) -> dict[str, Any]:
    """Store the generated market of these options, or find it there; one home holds one such market.

    Returns venue, seed, first and last (asof), and added, the number of new bars.
    """
    from adapters.bars import BarStore
    from adapters.files import locked, replacing
    from simulator.generator import VENUE, generate

    last = TradingHour.at(GENERATED_END).number
    first = last - years * YEAR_H // DAY_H * DAY_H + 1
    store = BarStore(home / "bars")
    folder = store.root / VENUE
    options = json.dumps({"seed": seed, "years": years, "instruments": instruments})
    with locked(folder):
        # Written before the first bar: two markets would otherwise fill each other's gaps.
        note = folder / "market.json"
        if not note.exists():
            with replacing(note) as draft:
                draft.write_text(options)
        elif note.read_text() != options:
            raise UsageError(
                f"this home holds the market {note.read_text()}; remove {folder} or choose another --home"
            )
        bars = generate(seed, last - first + 1, instruments, first)
        added = sum(store.write(VENUE, name, frame).added for name, frame in bars.items())
    span = {"first": str(TradingHour(first)), "last": str(TradingHour(last))}
    return {"venue": VENUE, "seed": seed, "added": added} | span
