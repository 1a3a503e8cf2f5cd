"""`ballast up`: the whole system on this machine, trading hour after hour until it is told to stop."""

from contextlib import nullcontext
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cli.home import HomeOption, home_dir
from cli.supervisor.house import House
from trading.errors import UsageError


class Mode(StrEnum):
    """Which world is traded in."""

    replay = "replay"
    paper = "paper"
    live = "live"


ONLY_REPLAY = (
    "this version cannot run mode {}: its worker knows the simulated exchange only; `ballast up` replays, "
    "and `ballast doctor` says what paper will ask for"
)


def up(
    mode: Annotated[
        Mode, typer.Option(help="replay: recorded or made-up hours, a few seconds each.")
    ] = Mode.replay,
    hours: Annotated[
        int, typer.Option(min=0, help="Stop after so many hours; 0: go on to the end of the bars.")
    ] = 0,
    data: Annotated[
        Path | None, typer.Option(help="Replay the bars of this folder.", show_default="a made-up market")
    ] = None,
    venue: Annotated[
        str | None, typer.Option(help="Whose bars --data holds.", show_default="what the folder's name says")
    ] = None,
    begin: Annotated[
        datetime | None,
        typer.Option(
            "--from",
            formats=["%Y-%m-%dT%H:%M", "%Y-%m-%d"],
            help="First hour of a new track, UTC.",
            show_default="as early as the bars allow",
        ),
    ] = None,
    predictor: Annotated[
        str,
        typer.Option(
            help="What decides: champion (a promoted release), cash, btc, basket, trend-a, trend-b, "
            "trend-vote, or exercise (no skill)."
        ),
    ] = "trend-vote",
    fees: Annotated[str, typer.Option(help="Fee preset: mission or kraken-2026-07.")] = "mission",
    new: Annotated[bool, typer.Option("--new", help="Begin a new track instead of going on.")] = False,
    pace: Annotated[float, typer.Option(min=0, help="Seconds to wait between hours, to be read.")] = 1.0,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object an hour instead of text.")
    ] = False,
    page: Annotated[
        bool, typer.Option("--dashboard/--no-dashboard", help="Build the page when its sources changed.")
    ] = True,
    home: HomeOption = None,
) -> None:
    """Start everything and trade, hour after hour; Ctrl-C ends it, and starting again goes on.

    Starts Temporal with its interface, an exchange that speaks Kraken's
    protocol, a worker, and the API; then trades a made-up market (or the bars
    of --data) through them: no account, no network, no real money. Each hour
    is told in a few lines: what was seen, decided, allowed, sent and filled,
    and why nothing was traded. Everything is kept in the home, and nothing is
    lost by Ctrl-C or a kill -9.

    Example: ballast up --hours 24
    """
    from cli import replay
    from cli.drive import drive
    from cli.supervisor import dashboard
    from cli.supervisor.alone import alone
    from cli.voice import Voice

    if mode is not Mode.replay:
        raise UsageError(ONLY_REPLAY.format(mode))
    house, voice = House(home_dir(home)), Voice(as_json=as_json)
    first = begin.replace(tzinfo=UTC) if begin else None
    with alone(house, voice.say):
        voice.say(f"home: {house.home}")
        if data is None:
            played = replay.made_up(house.home, predictor, fees, first, voice.say)
        else:
            played = replay.recorded(house.home, data, venue, predictor, fees, first, voice.say)
        number = replay.number_of(house, played, new=new)
        with dashboard.kept(voice.say) if page else nullcontext():
            drive(house, played, number, voice, hours, pace)
