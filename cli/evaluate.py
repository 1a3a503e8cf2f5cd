"""`ballast evaluate`: what the prediction log is worth, and whether the future leaks into it."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from cli.home import HomeOption, home_dir

if TYPE_CHECKING:
    from adapters.evaluations import Walked
    from trading.evaluation.checks import Check

app = typer.Typer(
    no_args_is_help=True, help="Judge a finished walk-forward: its forecasts, its honesty, its strategy."
)

VenueOption = Annotated[str, typer.Option(help="Data venue of the walk-forward.")]
PresetOption = Annotated[str, typer.Option(help="Preset of the walk-forward: full, quick or smoke.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of a table.")]
COLUMNS = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
PIPED_WIDTH = 150
Beat = Callable[[str, int, int], None]


@app.command()
def forecasts(
    venue: VenueOption = "binance",
    preset: PresetOption = "full",
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Judge what the log forecast: skill, calibration, information, by model and horizon.

    Brier score and log loss against the rolling rate of rises, calibration
    error and slope, correlations with errors that allow for overlap, deciles,
    intervals, the stack against each learner and against equal weights; by
    year, regime and coin; the regime classifier against persistence. Each look
    counts as a trial.

    Example: ballast evaluate forecasts --venue generated --preset smoke
    """
    from adapters.runs import Trials
    from trading.evaluation import forecasts as suite
    from trading.evaluation.outcomes import heard
    from trading.evaluation.pages.forecasts import page
    from trading.evaluation.regimes import told
    from trading.models.families import DISSIMILARITY, FAMILIES, LEARNERS, REGIME
    from trading.models.prediction_log import STACK

    folder = home_dir(home)
    with shown() as beat:
        beat("reading the log", 0, 0)
        of = opened(folder, venue, preset)
        first, last = of.about["stack_first"], of.about["last"]
        models = [name for name in FAMILIES if name != DISSIMILARITY] + [STACK]
        learners = tuple(name for name in LEARNERS if name in of.about["families"])
        said = {name: of.log.read(name, first, last) for name in models}
        rows, regimes = heard(said, learners, of.history, first, last + 1), said[REGIME]
        del said
        day = told(regimes, of.history, of.regime_folds)
        names = of.history.instruments
        found = suite.judge(rows, day, names, lambda done, total: beat("measuring", done, total))
        begin, end = suite.span(rows)
    about = {"suite": "forecasts", "from": begin, "to": end, **of.told}
    about["trials"] = Trials(folder / "trials.jsonl").log(about)
    about |= {"figures": plain(found.lines), "pairs": plain(found.pairs), "regimes": plain(found.regimes)}
    about["intervals"] = {str(of.horizon_h): plain(of.covers) for of in found.pictures}
    conclude(folder, of, about, found.checks, lambda about: page(found, about), as_json=as_json)


@app.command()
def leakage(
    venue: VenueOption = "binance",
    preset: PresetOption = "full",
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Look for the future in features, fits, predictions and orders, and prove that a planted leak is found.

    Hours seen alone, later bars scrambled, labels shuffled, features shifted,
    worlds with and without an edge, on the newest months of the walk's bars; and
    every row of the log. About a minute on a quiet core.

    Example: ballast evaluate leakage --venue generated --preset smoke
    """
    from adapters.bars import BarStore
    from cli.judging import desk_of
    from trading.compiled import use_cache
    from trading.evaluation import leakage as suite
    from trading.evaluation.orders import orders
    from trading.evaluation.pages.leakage import page
    from trading.evaluation.worlds import window
    from trading.models.families import FAMILIES
    from trading.models.presets import preset as numbers_of

    folder = home_dir(home)
    use_cache(folder / "cache" / "compiled")
    with shown() as beat:
        beat("reading bars", 0, 0)
        of = opened(folder, venue, preset)
        first, last = of.about["bars_first"], of.about["last"]
        grid = BarStore(folder / "bars").grid(venue, first, last, of.about["instruments"])
        bars = window(grid)
        found = suite.leakage(bars, FAMILIES, lambda what: beat(what, 0, 0))
        found.checks.extend(orders(bars, desk_of(venue), lambda what: beat(what, 0, 0)))
        beat("reading the log", 0, 0)
        said = {name: of.log.read(name, first, last) for name in of.log.models()}
        found.checks.append(suite.early(said, numbers_of(preset).walk.gap_h))
    told = {"suite": "leakage", **of.told, "figures": plain(found._replace(checks=[]))}
    conclude(folder, of, told, found.checks, lambda told: page(found, told), as_json=as_json)


@app.command()
def strategy(
    venue: VenueOption = "binance",
    preset: PresetOption = "full",
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Trade the log beside every benchmark, under both fee presets, and see what one change leaves of it.

    Costs times 0, 1.5 and 2, every decision an hour late, every fifth fill
    missed, thresholds 20 % lower and higher, other first days, each learner left
    out of the stack, the luckiest month, coin and trades taken away; edge and
    capacity; cross-validated paths of the trees; intervals, deflated Sharpe ratio
    over all trials, probability of overfitting, superiority of the best of them,
    and the verdict. Minutes at the preset full; the paths are kept.

    Example: ballast evaluate strategy --venue generated --preset smoke
    """
    from cli.judging import judge
    from trading.evaluation.pages.strategy import page

    folder = home_dir(home)
    with shown() as beat:
        beat("reading the log", 0, 0)
        of = opened(folder, venue, preset)
        found = judge(of, folder, beat)
    fees, run = next(iter(found.runs.items()))
    told = {"suite": "strategy", "from": run.details["from"], "to": run.details["to"], **of.told}
    told["trials"] = found.trials
    told |= {"verdict": found.strategy.analyses[fees].verdict.outcome}
    told["fees"] = {name: plain(of) for name, of in found.strategy.analyses.items()}
    told["changed"] = [
        {"kind": one.kind, "name": one.name, "metrics": plain(one.metrics)} for one in found.strategy.variants
    ]
    told["paths"] = [{"name": one.name, "metrics": plain(one.metrics)} for one in found.strategy.paths]
    known = found.strategy.effective
    told["effective"] = {"known": known.known, "different": known.different, "dsr": known.dsr}
    told |= {"without": plain(found.strategy.without), "edge": plain(found.strategy.edge)}
    told["superior"] = {name: plain(rival) for name, rival in found.strategy.superior.items()}
    checks = found.strategy.checks
    conclude(folder, of, told, checks, lambda told: page(found.strategy, found.runs, told), as_json=as_json)


def opened(home: Path, venue: str, preset: str) -> "Walked":
    from adapters.evaluations import walked

    return walked(home, venue, preset)


@contextmanager
def shown() -> Iterator[Beat]:
    """A progress bar on stderr."""
    with Progress(*COLUMNS, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda what, done, total: bar.update(
            task, description=what, completed=done, total=total or None
        )


def conclude(
    home: Path,
    of: "Walked",
    told: dict[str, Any],
    checks: "list[Check]",
    page: Callable[[Mapping[str, Any]], str],
    *,
    as_json: bool,
) -> None:
    """Write the page, put the outcome on record, and say it."""
    from adapters.evaluations import Dossier
    from cli.models import open_registry
    from trading.evaluation.checks import passed

    told["passed"] = passed(checks)
    told["checks"] = [check._asdict() for check in checks]
    told["title"] = of.roster.title
    dossier = Dossier(home, of)
    digest = dossier.write(told["suite"], told, page(told))
    open_registry(home).evaluated(told["suite"], of.digest, digest, passed=told["passed"])
    told["report"] = str(dossier.folder / f"{told['suite']}.html")
    if as_json:
        typer.echo(json.dumps(told, indent=2))
        return
    console = Console()
    console = console if console.is_terminal else Console(width=PIPED_WIDTH)
    table = Table("check", "wanted", "found", "", title=f"{told['suite']}: {told['title']}")
    for check in checks:
        table.add_row(check.name, check.wanted, check.found, "holds" if check.holds else "FAILS")
    console.print(table)
    typer.echo(f"{told['suite']}: {'passed' if told['passed'] else 'not passed'}")
    typer.echo(f"report:  {told['report']}")
    typer.echo(f"dossier: {dossier.folder / 'index.html'}")


def plain(value: Any) -> Any:
    """Named tuples as JSON objects, numbers that JSON lacks as null."""
    if hasattr(value, "_asdict"):
        return {key: plain(of) for key, of in value._asdict().items()}
    if isinstance(value, dict):
        return {key: plain(of) for key, of in value.items()}
    if isinstance(value, list | tuple):
        return [plain(of) for of in value]
    if isinstance(value, float) and not isfinite(value):
        return None
    return value
