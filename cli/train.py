"""`ballast train`: walk every model forward to the newest bar and register what trades from there on."""

import json
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.home import HomeOption, home_dir
from cli.walkforward import StartOption

if TYPE_CHECKING:
    from trading.models.release import Release


def train(
    preset: Annotated[str, typer.Option(help="full, quick (demonstration) or smoke (does it run).")] = "full",
    start: StartOption = None,
    to: Annotated[
        datetime | None,
        typer.Option("--to", formats=["%Y-%m-%d"], help="Last day, UTC, included.", show_default="last bar"),
    ] = None,
    venue: Annotated[str, typer.Option(help="Data venue in the bar store.")] = "binance",
    data: Annotated[
        Path | None, typer.Option(help="Import this folder first, if it is not in the store yet.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    home: HomeOption = None,
) -> None:
    """Train a release: every learner, the regime, the guard and the stack, as of the newest bar.

    The stack learns from predictions of months that nobody had seen, so the
    walk-forward comes first; months that are trained already are not trained
    again. What comes out is registered as the challenger. It never becomes
    champion by itself: see `ballast models promote`.

    Example: ballast train --preset quick --venue generated
    """
    from cli import demo
    from cli.backtest import import_first
    from cli.data import make_market
    from cli.models import open_registry
    from cli.walkforward import execute
    from simulator.generator import VENUE

    folder = home_dir(home)
    if data is not None:
        import_first(data, venue, folder, quiet=as_json)
    if venue == VENUE:
        # A home has no made-up bars until somebody asks for them.
        make_market(folder, demo.SEED, demo.YEARS, demo.INSTRUMENTS)
    begun = time.monotonic()
    walked = execute(folder, start, to, preset, venue, None)
    release = bundle(folder, Path(walked["log"]))
    known = open_registry(folder).register(release)
    told = {
        "version": known.version,
        "aliases": list(known.aliases),
        "digest": known.digest,
        "preset": preset,
        "venue": venue,
        "log": walked["log"],
        "wall_s": round(time.monotonic() - begun, 1),
    }
    if as_json:
        typer.echo(json.dumps(told, indent=2))
        return
    typer.echo(
        f"version {known.version} ({', '.join(known.aliases) or 'no alias'}) in {told['wall_s']:.0f} s"
    )
    typer.echo(f"digest: {known.digest}")
    typer.echo(f"next:   ballast models promote {known.version} --who YOU --why REASON")


def bundle(home: Path, log: Path) -> "Release":
    """The release of a finished walk of this home."""
    from adapters.folds import FolderFoldStore
    from adapters.histories import opened
    from adapters.predictions import ABOUT, PredictionLog
    from adapters.releasing import release_of
    from adapters.training import walk_of

    written = PredictionLog(log)
    walk = walk_of(home, written, written.noted(ABOUT) or {})
    return release_of(written, FolderFoldStore(walk.folds), opened(walk.history))
