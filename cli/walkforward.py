"""`ballast walkforward`: train every model month by month, write down what it says of months it never saw."""

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from cli.home import HomeOption, home_dir
from trading.clock import DAY_H, TradingHour
from trading.errors import DataError, UsageError

if TYPE_CHECKING:
    from adapters.bars import BarStore
    from adapters.training import Done, Walk


StartOption = Annotated[
    datetime | None,
    typer.Option(
        "--from",
        formats=["%Y-%m-%d"],
        help="First day of bars to learn from, UTC.",
        show_default="as many as the preset needs",
    ),
]


def walkforward(
    start: StartOption = None,
    to: Annotated[
        datetime | None,
        typer.Option("--to", formats=["%Y-%m-%d"], help="Last day, UTC, included.", show_default="last bar"),
    ] = None,
    preset: Annotated[str, typer.Option(help="full, quick (demonstration) or smoke (does it run).")] = "full",
    venue: Annotated[str, typer.Option(help="Data venue in the bar store.")] = "binance",
    families: Annotated[
        str | None, typer.Option(help="Only these, comma-separated.", show_default="every family")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="Import this folder first, if it is not in the store yet.")
    ] = None,
    plan: Annotated[
        bool, typer.Option("--plan", help="Compute the features, print the walk as JSON, and train nothing.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    home: HomeOption = None,
) -> None:
    """Walk the whole ensemble forward and fill the prediction log.

    Every month each tree family, the forest, the regime classifier and the
    stack are trained on what was known then, every quarter the two nets. What
    they say of the months after is written to the log, once. Two processes
    work, one thread each. Interrupt it at any time: run again, and it goes on
    where it was.

    Example: ballast walkforward --preset quick --venue generated --to 2024-12-31
    """
    from cli.backtest import import_first

    folder = home_dir(home)
    if data is not None:
        import_first(data, venue, folder, quiet=as_json or plan)
    begun = time.monotonic()
    if plan:
        with _bar() as bar:
            typer.echo(planned(folder, start, to, preset, venue, families, bar).content)
        return
    result = execute(folder, start, to, preset, venue, families)
    result["wall_s"] = round(time.monotonic() - begun, 1)
    if as_json:
        typer.echo(json.dumps(result, indent=2))
        return
    typer.echo(f"trained {result['trained']} of {result['pieces']} pieces in {result['wall_s']:.0f} s")
    typer.echo(f"predictions: {result['stack_from']} to {result['to']}")
    typer.echo(f"digest:      {result['digest']}")
    typer.echo(f"log:         {result['log']}")


class Planned(NamedTuple):
    """A walk that is ready to be trained."""

    walk: "Walk"
    families: tuple[str, ...]
    first: int
    last: int
    stack_first: int
    """The first asof hour that the stack predicts."""

    @property
    def content(self) -> bytes:
        """The walk as `adapters.pieces` cuts it."""
        from adapters.pieces import dump_walk

        return dump_walk(self.walk, self.families, self.first, self.last)


def planned(
    home: Path,
    start: datetime | None,
    to: datetime | None,
    preset: str,
    venue: str,
    families: str | None,
    bar: Progress,
) -> Planned:
    """Compute the features and note in the prediction log what the walk is about."""
    from adapters.predictions import ABOUT, PredictionLog
    from adapters.training import families_of, stack_months
    from trading.models.families import FAMILIES
    from trading.models.presets import preset as numbers_of

    numbers_of(preset)
    wanted = tuple(families.split(",")) if families else tuple(FAMILIES)
    if unknown := [name for name in wanted if name not in FAMILIES]:
        raise UsageError(f"no family {unknown[0]!r}; choose from {', '.join(FAMILIES)}")
    task = bar.add_task("computing features", total=None)
    walk, about = prepare(
        home, start, to, preset, venue, lambda done, total: bar.update(task, completed=done, total=total)
    )
    folds = list(families_of(walk, wanted, about["first"], about["last"]))
    months = stack_months(folds, about["last"], walk)
    if not folds or not months:
        raise DataError("too few months of bars for a walk-forward; import more, or take another preset")
    about |= {"families": list(wanted), "stack_first": months[0].test_first}
    PredictionLog(walk.log).note(ABOUT, about)
    bar.remove_task(task)
    return Planned(walk, wanted, about["first"], about["last"], about["stack_first"])


def execute(
    home: Path, start: datetime | None, to: datetime | None, preset: str, venue: str, families: str | None
) -> dict[str, Any]:
    """Do all work that is not done yet; returns what `--json` prints."""
    from adapters.predictions import DONE, PredictionLog
    from adapters.training import walk_forward
    from trading.models.prediction_log import STACK

    with _bar() as bar:
        of = planned(home, start, to, preset, venue, families, bar)
        task = bar.add_task("training", total=None)

        def progress(done: "Done", count: int, total: int) -> None:
            month = f"{done.month // 12}-{done.month % 12 + 1:02d}"
            bar.update(task, completed=count, total=total, description=f"{done.model_id} {month}")

        finished = walk_forward(of.walk, of.families, of.first, of.last, progress)
    log = PredictionLog(of.walk.log)
    result = {
        "log": str(of.walk.log),
        "digest": log.digest(sorted((*of.families, STACK))),
        "pieces": len(finished),
        "trained": sum(done.trained for done in finished),
        "cpu_s": round(sum(done.cpu_s for done in finished), 1),
        "rss_mib": round(max(done.rss_mib for done in finished)),
        "stack_from": TradingHour(of.stack_first).asof.isoformat(),
        "to": TradingHour(of.last).asof.isoformat(),
        "preset": preset,
        "venue": venue,
    }
    log.note(DONE, {name: value for name, value in result.items() if name != "log"})
    return result


def _bar() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)


def prepare(
    home: Path, start: datetime | None, to: datetime | None, preset: str, venue_name: str, progress: Any
) -> "tuple[Walk, dict[str, Any]]":
    """Features and labels of the span, and what the walk is called by."""
    from adapters.bars import BarStore
    from adapters.histories import kept
    from adapters.training import Walk
    from cli.running import tradable
    from config import trading, universe
    from trading.compiled import use_cache
    from trading.config import canonical_digest
    from trading.features.library import digest
    from trading.models.presets import preset as numbers_of
    from trading.quality import usability
    from trading.universe import eligibility

    use_cache(home / "cache" / "compiled")
    store, venues = BarStore(home / "bars"), trading.data_venues()
    if venue_name not in venues or venue_name not in store.venues():
        known = ", ".join(store.venues()) or "none"
        raise UsageError(f"no bars of venue {venue_name!r} (there are: {known}); import or generate some")
    venue = venues[venue_name]
    names = [n for n in store.instruments(venue_name) if n.endswith(f"/{venue.quote}") and tradable(n)]
    numbers = numbers_of(preset)
    first, last = span(store, venue_name, names, start, to, numbers.months_back)
    grid, data_digest = store.digested_grid(venue_name, first, last, names)
    lists, rules = universe.load()
    held = eligibility(grid, lists, rules, venue.volume_scale)
    unusable, _ = usability(grid)
    folder, data_hash = kept(home / "cache" / "histories", grid, data_digest, held, unusable, progress)
    about = {
        "venue": venue_name,
        "proxy": venue.proxy,
        "preset": preset,
        "preset_digest": numbers.digest,
        "bars_first": first,
        "first": first,
        "last": last,
        "instruments": list(grid.instruments),
        "data_digest": data_digest,
        "data_hash": data_hash,
        "feature_set": digest(),
    }
    name = canonical_digest({key: about[key] for key in ("preset_digest", "data_hash", "last", "first")})[:16]
    return Walk(folder, home / "predictions" / name, home / "folds", preset, data_hash), about


def span(
    store: "BarStore",
    venue: str,
    names: list[str],
    start: datetime | None,
    to: datetime | None,
    months_back: int | None,
) -> tuple[int, int]:
    """First and last asof hour to load: as asked or as the preset needs, cut to the bars of bitcoin."""
    from trading.features.library import LOOKBACK
    from trading.models.splits import month_of, month_start

    bitcoin = [name for name in names if name.startswith("BTC/")]
    if not bitcoin:
        raise UsageError(f"no bars of bitcoin at {venue}, against which the market is measured; import some")
    asof = store.read(venue, bitcoin[0])["asof"]
    begin, end = TradingHour.at(asof[0]).number, TradingHour.at(asof[-1]).number
    last = min(TradingHour.at(to.replace(tzinfo=UTC)).number + DAY_H, end) if to else end
    if start is not None:
        begin = max(TradingHour.at(start.replace(tzinfo=UTC)).number, begin)
    elif months_back is not None:
        begin = max(month_start(month_of(last - 1) + 1 - months_back) - LOOKBACK, begin)
    if last <= begin:
        raise UsageError("--to lies before --from, or before the first bar; see `ballast data status`")
    return begin, last
