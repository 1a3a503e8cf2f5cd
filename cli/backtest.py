"""`ballast backtest`: a predictor or benchmark over years of real hours, with a report."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from cli.home import HomeOption, home_dir
from trading.errors import UsageError

if TYPE_CHECKING:
    from cli.running import Finished, Request

FIGURES = ("cagr", "sharpe", "max_drawdown", "max_monthly_drawdown", "exposure", "turnover", "trades")
PIPED_WIDTH = 150

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of a table.")]


def backtest(
    start: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="First day, UTC.")],
    to: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day, UTC, included.")],
    predictor: Annotated[
        str,
        typer.Option(
            help="ensemble, one learner (lightgbm, xgboost, forest, lstm, transformer), or a benchmark: "
            "cash, btc, basket, trend-a, trend-b, trend-vote."
        ),
    ] = "trend-vote",
    fees: Annotated[str, typer.Option(help="Fee preset: mission or kraken-2026-07.")] = "mission",
    venue: Annotated[str, typer.Option(help="Data venue in the bar store.")] = "binance",
    review_after: Annotated[
        int, typer.Option(help="Hours after which a halt is reviewed and lifted; 0: it stays.", min=0)
    ] = 0,
    preset: Annotated[
        str, typer.Option(help="Walk-forward whose predictions are traded on: full, quick or smoke.")
    ] = "full",
    flows: Annotated[
        Path | None, typer.Option(help="Deposits and withdrawals: a CSV of asof,amount.", exists=True)
    ] = None,
    missed: Annotated[
        Path | None, typer.Option(help="Hours in which we were down: one asof a line.", exists=True)
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="Import this folder first, if it is not in the store yet.")
    ] = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Run the hour over history: the same decision, risk and fills as live.

    Each hour is reconciled, marked, guarded, decided and filled on the next
    bar, with fees, slippage, partial fills and every risk rule. All benchmarks
    run beside it, raw and under the same rules. The ensemble and its learners
    trade on what `ballast walkforward` wrote down. The run's folder holds a
    self-contained page and the decisions, fills and hourly account as parquet.

    Example: ballast backtest --from 2021-06-01 --to 2024-12-31 --predictor trend-a
    """
    from cli.running import Request

    folder = home_dir(home)
    if data is not None:
        import_first(data, venue, folder, quiet=as_json)
    request = Request(start.date(), to.date(), predictor, fees, venue, review_after, preset, flows, missed)
    show(run(request, folder), as_json=as_json)


def import_first(data: Path, venue: str, home: Path, *, quiet: bool) -> None:
    """Bring a folder of bars in before the run; a file that is in the store already is left alone."""
    from adapters.importing.run import import_path

    with Console(stderr=True, quiet=quiet).status(f"importing {data}"):
        now_s = int(datetime.now(UTC).timestamp())
        results = import_path(data, venue, home, now_s, lambda *_: None)
    if all(result.status == "refused" for result in results):
        raise UsageError(f"nothing in {data} could be imported as bars of {venue}")


def run(request: "Request", home: Path) -> "Finished":
    """Execute a request with a progress bar on stderr."""
    from cli.running import execute

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading bars", total=None)

        def progress(what: str, done: int, total: int) -> None:
            bar.update(task, description=what, completed=done, total=total)

        return execute(request, home, progress)


def show(finished: "Finished", *, as_json: bool) -> None:
    """The summary of a finished run: one JSON object, or a table against every benchmark."""
    details = finished.details
    if as_json:
        typer.echo(json.dumps({**details, "report": str(finished.folder / "report.html")}, indent=2))
        return
    console = Console()
    console = console if console.is_terminal else Console(width=PIPED_WIDTH)
    title = f"{details['predictor']}, {request_span(finished)}, fees {details['fees']}"
    table = Table("", *FIGURES, title=title + (" (PROXY data)" if details["proxy"] else ""))
    table.add_row(details["predictor"], *figures(details["metrics"]), style="bold")
    for name, metrics in details["benchmarks"].items():
        if name != details["predictor"]:
            table.add_row(name, *figures(metrics))
    console.print(table)
    typer.echo("raw: the same rule without Ballast's risk limits")
    typer.echo(f"targets: {details['verdict']}")
    typer.echo(f"digest:  {details['digest']}")
    typer.echo(f"report:  {finished.folder / 'report.html'}")


def request_span(finished: "Finished") -> str:
    first, last = (date.fromisoformat(finished.details[key][:10]) for key in ("from", "to"))
    return f"{first} to {last}"


def figures(metrics: dict[str, float]) -> list[str]:
    """A record's figures as text, in the order of `FIGURES`."""
    shares = {"cagr", "max_drawdown", "max_monthly_drawdown", "exposure"}
    return [
        f"{metrics[name]:.2%}" if name in shares else f"{metrics[name]:,.2f}".removesuffix(".00")
        for name in FIGURES
    ]
