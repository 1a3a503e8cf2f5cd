"""`ballast report`: a month of a track for third parties, made once, kept by its digest, in the audit log."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from cli.home import HomeOption
from cli.stored import Stored, TrackOption, find
from trading.errors import UsageError

if TYPE_CHECKING:
    from adapters.transparency import Report

app = typer.Typer(no_args_is_help=True, help="Reports for third parties, tied to the audit log.")

TRIALS = "trials.jsonl"


@app.command("month")
def month_(
    month: Annotated[str, typer.Argument(help="Such as 2026-10.", show_default=False)],
    track: TrackOption = None,
    portfolio: Annotated[str | None, typer.Option(help="If there are several.", show_default=False)] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the figures as one JSON object instead of a line.")
    ] = False,
    home: HomeOption = None,
) -> None:
    """Make the transparency report of a month that is over: one HTML file and one of JSON.

    Every number says whether it is replay, paper or real money, or a backtest's. The report names the signed
    checkpoint that attests what it rests on; its own digest is an entry of the audit log. Made again it must
    be the same, byte for byte: another one is refused.

    Example: ballast report month 2026-10
    """
    from dataclasses import replace

    from trading.evaluation.month import bounds

    try:
        first, end = bounds(month)
    except ValueError as error:
        raise UsageError(f"{month!r} is no month; write it as 2026-10") from error
    seat = find(home, track)
    if portfolio:
        seat = replace(seat, key=seat.key._replace(portfolio=portfolio))
    made = _made(seat, first, end)
    if as_json:
        typer.echo(made.figures.read_text("utf-8"))
    else:
        typer.echo(f"{made.html}\n{made.figures}\nentry {made.entry} of the audit log, SHA-256 {made.sha256}")


def _made(seat: Stored, first: datetime, end: datetime) -> "Report":
    from adapters.objects import ObjectStore
    from adapters.track_record import lived
    from adapters.transparency import month_of, written
    from trading.compiled import use_cache

    use_cache(seat.house.home / "cache" / "compiled")
    place = seat.house.track(seat.key.track)
    objects, trials = ObjectStore(place / "objects"), seat.house.home / TRIALS
    logged = len(trials.read_text("utf-8").splitlines()) if trials.exists() else 0
    columns = (SpinnerColumn(), TextColumn("the same hours in a backtest"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)
        of = lived(seat.engine, seat.key, place, objects.read, end)

        def progress(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        month = month_of(seat.engine, of, first, end, max(logged, 1), progress)
        return written(seat.engine, objects, seat.house.home / "reports", month)
