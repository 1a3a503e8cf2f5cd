"""`ballast compare`: lay finished runs over one another."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from cli.home import HomeOption, home_dir
from trading.errors import UsageError

if TYPE_CHECKING:
    from trading.backtest.report.compare import Comparison
    from trading.backtest.report.run import Record

PIPED_WIDTH = 150


@dataclass(frozen=True, slots=True)
class Finished:
    """A run as it lies in its folder."""

    details: Mapping[str, Any]
    record: "Record"


def compare(
    runs: Annotated[list[str], typer.Argument(help="Two to six run ids, or folders.", show_default=False)],
    out: Annotated[
        Path | None, typer.Option(help="Page to write.", show_default="comparisons/ in the home")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object instead of a table.")
    ] = False,
    home: HomeOption = None,
) -> None:
    """Overlay runs: one page with their growth, and one table of their figures.

    Only the hours that all runs have are measured. The first run is the one
    that the others are held against: their gain in Sharpe ratio comes with a
    90 % interval from a paired bootstrap. A run id is the name of a folder
    under runs/ in the home.
    """
    from adapters.files import replacing
    from trading.backtest.report import compare as report

    folder = home_dir(home)
    finished = {Path(name).name: load(folder, name) for name in runs}
    of = report.compare({name: run.record for name, run in finished.items()})
    target = out or folder / "comparisons" / f"{'--'.join(finished)}.html"
    with replacing(target) as draft:
        draft.write_text(report.render(of, {name: run.details for name, run in finished.items()}), "utf-8")
    if as_json:
        typer.echo(json.dumps(_summary(of) | {"report": str(target)}, indent=2))
        return
    console = Console()
    console = console if console.is_terminal else Console(width=PIPED_WIDTH)
    console.print(_table(of))
    typer.echo(f"page: {target}")


def load(home: Path, name: str) -> Finished:
    """A run by its id under the home, or by its folder; anything else is a `UsageError`."""
    import polars as pl

    from trading.backtest.report.run import Record

    folder = next((f for f in (home / "runs" / name, Path(name)) if (f / "run.json").is_file()), None)
    if folder is None:
        known = sorted(f.parent.name for f in (home / "runs").glob("*/run.json"))
        raise UsageError(f"no run {name!r}; runs in this home: {', '.join(known) or 'none, make one first'}")
    details = json.loads((folder / "run.json").read_text("utf-8"))
    frames = (pl.read_parquet(folder / f"{part}.parquet") for part in ("equity", "fills"))
    return Finished(details, Record(*frames))


def _summary(of: "Comparison") -> dict[str, Any]:
    return {
        "from": of.first.isoformat(),
        "to": of.last.isoformat(),
        "metrics": {name: m._asdict() for name, m in of.metrics.items()},
        "sharpe_gain": {name: gain._asdict() for name, gain in of.sharpe_gain.items()},
    }


def _table(of: "Comparison") -> Table:
    from trading.backtest.report.parts import METRIC_HEAD, metric_row

    table = Table(title=f"{of.first:%Y-%m-%d} to {of.last:%Y-%m-%d}")
    for i, head in enumerate((*METRIC_HEAD, "Sharpe gain (90 %)")):
        table.add_column(head, justify="right" if i else "left")
    for name, m in of.metrics.items():
        gain = of.sharpe_gain.get(name)
        spelt = f"{gain.estimate:+.2f} ({gain.low:+.2f} to {gain.high:+.2f})" if gain else ""
        table.add_row(*metric_row(name, m), spelt)
    return table
