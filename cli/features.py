"""`ballast features`: what the features are, and the features of stored bars as one parquet file."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from cli.home import HomeOption, home_dir
from trading.clock import HOUR_S, TradingHour
from trading.errors import DataError, UsageError

if TYPE_CHECKING:
    import polars as pl

    from trading.features.compute import Panel
    from trading.market import Grid

app = typer.Typer(no_args_is_help=True, help="List the features, or compute them from stored bars.")

ROWS_PER_BLOCK = 30 * 24


@app.command("list")
def list_(
    markdown: Annotated[bool, typer.Option("--markdown", help="Print the page docs/features.md.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object instead of a table.")
    ] = False,
) -> None:
    """Name, lookback, unit, formula and source of every feature."""
    from trading.features.library import FEATURES, digest, page

    if markdown:
        typer.echo(page(), nl=False)
    elif as_json:
        rows = [f._asdict() | {"unit": f.unit.value, "family": f.family.value} for f in FEATURES]
        typer.echo(json.dumps({"digest": digest(), "features": rows}))
    else:
        table = Table("name", "bars", "unit", "formula", title=f"{len(FEATURES)} features")
        for feature in FEATURES:
            row = (feature.name, str(feature.lookback), feature.unit.value, feature.formula)
            table.add_row(*map(escape, row))
        Console().print(table)


@app.command()
def export(
    venue: Annotated[str, typer.Option(help="Venue of the stored bars: binance, kraken, generated, ...")],
    start: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="First UTC day.")],
    end: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="Last UTC day, included.")],
    out: Annotated[Path, typer.Option(help="Parquet file; replaced when complete.")],
    home: HomeOption = None,
) -> None:
    """Write the features of stored bars: asof, instrument, then one column a feature.

    Rows run from 01:00 of the first day to 00:00 after the last one, an hour being named by its close. Bars
    of the 91 days before are read too, where the store has them. Every instrument that has a price counts in
    the market's breadth; a backtest counts the eligible ones. What is unknown is NaN.
    """
    first, last = _hour(start) + 1, _hour(end) + 24
    if last < first:
        raise UsageError(f"--to {end:%Y-%m-%d} lies before --from {start:%Y-%m-%d}")
    rows = _export(home_dir(home), venue, first, last, out)
    typer.echo(f"{rows:,} rows in {out}")


def _hour(day: datetime) -> int:
    """The asof hour number of a day's midnight in UTC."""
    return TradingHour.at(day.replace(tzinfo=UTC)).number


def _export(home: Path, venue: str, first: int, last: int, out: Path) -> int:
    """Stream the rows of asof hours first..last into `out`; the number of rows."""
    import polars as pl
    from polars.io.plugins import register_io_source

    from adapters.bars import BarStore
    from adapters.files import replacing
    from trading.compiled import use_cache
    from trading.features.compute import blocks
    from trading.features.library import LOOKBACK

    use_cache(home / "cache")
    grid = BarStore(home / "bars").grid(venue, first - LOOKBACK + 1, last)
    known = grid.valid
    if not known[LOOKBACK - 1 :].any():
        raise DataError(f"{venue} has no bars in that span; `ballast data status` shows what there is")
    with replacing(out) as draft, _progress() as bar:
        task = bar.add_task("hours", total=last - first + 1)

        def frames(*_: object) -> Iterator[pl.DataFrame]:
            for panel in blocks(grid, known, ROWS_PER_BLOCK, LOOKBACK - 1):
                yield _frame(panel, grid)
                bar.advance(task, panel.market.shape[1])

        schema = _frame(next(blocks(grid, known, 1, grid.hours - 1)), grid).schema
        register_io_source(frames, schema=schema).sink_parquet(draft)
    return (last - first + 1) * len(grid.instruments)


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)


def _frame(panel: "Panel", grid: "Grid") -> "pl.DataFrame":
    """A panel as rows (asof, instrument), instruments in the grid's order."""
    import numpy as np
    import polars as pl

    rows, assets = panel.values.shape[1:]
    hours = grid.first + panel.first + np.arange(rows)
    asof = pl.Series("asof", np.repeat(hours * HOUR_S, assets)).cast(pl.Int64)
    instrument = pl.Series("instrument", list(grid.instruments) * rows, dtype=pl.String)
    names = panel.names + panel.market_names
    columns = {name: np.ascontiguousarray(panel.column(name)).ravel() for name in names}
    return pl.DataFrame([pl.from_epoch(asof).dt.replace_time_zone("UTC"), instrument]).with_columns(
        **{name: pl.Series(values) for name, values in columns.items()}
    )
