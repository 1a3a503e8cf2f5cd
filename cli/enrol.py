"""`ballast enrol`: what comes first where there is no `ballast up`: its track opened, its schedules set."""

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trading.errors import UsageError

if TYPE_CHECKING:
    from worker.terms import Terms

REPLAY = "replay"


def enrol(
    terms: Annotated[
        Path, typer.Argument(help="The workers' terms, paper or live.", exists=True, dir_okay=False)
    ],
    predictor: Annotated[
        str, typer.Option(help="What decides: champion; on paper a benchmark policy too.")
    ] = "champion",
    cash: Annotated[int, typer.Option(min=1, help="Opening balance on paper, in dollars.")] = 100_000,
    yes_real_money: Annotated[
        str, typer.Option(help="In live: the portfolio's name, main, to say that you mean it.")
    ] = "",
    secrets_folder: Annotated[
        Path, typer.Option("--secrets", envvar="BALLAST_SECRETS", help="Where `secret:NAME` is a file.")
    ] = Path("/run/secrets"),
) -> None:
    """Open the track that terms name, as `ballast up` would, and set its schedules at the engine.

    Safe to repeat: a track that is open goes on as it was opened, and schedules
    are brought up to date. Stop the trading worker first: an account has one
    owner.

    Example: ballast enrol /etc/ballast/worker.json --predictor trend-vote
    """
    from adapters.secrets import secrets
    from cli.opening import PORTFOLIO
    from worker.terms import Terms

    document = secrets(secrets_folder).resolved(json.loads(terms.read_bytes()))
    told = Terms.model_validate_json(json.dumps(document))
    if told.mode == REPLAY:
        raise UsageError("a replay is opened by `ballast up`")
    if told.mode == "live" and (yes_real_money, predictor) != (PORTFOLIO, "champion"):
        raise UsageError(f"live trades real money by the champion: say --yes-real-money {PORTFOLIO}")
    begun = _opened(told, predictor, cash)
    count = asyncio.run(_scheduled(told))
    typer.echo(f"{told.track} is open{' already' * (not begun)}; {count} schedules stand")


def _opened(terms: "Terms", predictor: str, cash: int) -> bool:
    """Open the track unless it is; whether that was needed."""
    from adapters.clock import SystemClock
    from adapters.kraken.startup import check_online
    from adapters.storage.base import PortfolioKey
    from adapters.storage.engine import connect, reading
    from adapters.storage.hours import TrackTerms
    from cli.opening import PORTFOLIO
    from cli.real import Real, Request, open_new, seed
    from cli.supervisor.house import House
    from worker.compose import world_of

    engine = connect(terms.database)
    if terms.house is not None:
        seed(House(terms.house), terms.track)
    with reading(engine) as session:
        if session.get(TrackTerms, terms.track) is not None:
            return False
    request = Request(terms.mode, terms.venue, predictor, terms.fees, cash, Path())
    real = Real(request, PortfolioKey(terms.track, PORTFOLIO), terms.instruments)
    with world_of(terms, SystemClock()) as world:
        check_online(world.public)
        open_new(engine, real, world)
    return True


async def _scheduled(terms: "Terms") -> int:
    """Create or update the schedules of the track; how many there are."""
    from temporal.client import connect
    from temporal.schedules import apply, schedules_of

    client = await connect(terms.server)
    schedules = schedules_of(terms.track)
    for timed in schedules:
        await apply(client, timed)
    return len(schedules)
