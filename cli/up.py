"""`ballast up`: the whole system on this machine, trading hour after hour until it is told to stop."""

from contextlib import nullcontext
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.home import HomeOption, home_dir
from cli.supervisor.house import House
from trading.errors import UsageError

if TYPE_CHECKING:
    from cli.voice import Voice

CHAMPION = "champion"
RULE = "trend-vote"
"""Decides over recorded bars unless somebody says otherwise: a release for them takes an hour to train."""


class Mode(StrEnum):
    """Which world is traded in."""

    replay = "replay"
    paper = "paper"
    live = "live"


ModeOption = Annotated[
    Mode,
    typer.Option(
        help="replay: recorded or made-up hours, a few seconds each. paper: real hours on public data of "
        "Kraken, a made-up account, no key. live: real hours, orders and money."
    ),
]
HoursOption = Annotated[
    int, typer.Option(min=0, help="Stop after so many hours; 0: go on to the end of the bars.")
]
DataOption = Annotated[
    Path | None,
    typer.Option(
        help="Replay the bars of this folder; paper and live: import Kraken's archive from it first.",
        show_default="a made-up market",
    ),
]
VenueOption = Annotated[
    str | None, typer.Option(help="Whose bars --data holds.", show_default="what the folder's name says")
]
FromOption = Annotated[
    datetime | None,
    typer.Option(
        "--from",
        formats=["%Y-%m-%dT%H:%M", "%Y-%m-%d"],
        help="First hour of a new track, UTC.",
        show_default="as early as the bars allow",
    ),
]
PredictorOption = Annotated[
    str | None,
    typer.Option(
        help="What decides: champion (a promoted release; on the made-up market one is trained where there "
        "is none), cash, btc, basket, trend-a, trend-b, trend-vote, or exercise (no skill). Real money takes "
        "champion alone.",
        show_default="champion; trend-vote with --data",
    ),
]
FeesOption = Annotated[str, typer.Option(help="Fee preset: mission or kraken-2026-07.")]
NewOption = Annotated[bool, typer.Option("--new", help="Begin a new track instead of going on.")]
CashOption = Annotated[
    int, typer.Option(min=1, help="Opening balance of a new account on paper, in dollars.")
]
ConsentOption = Annotated[
    str,
    typer.Option(
        "--yes-real-money", metavar="PORTFOLIO", help="In live: name the portfolio that may lose money."
    ),
]
SecretsOption = Annotated[
    Path | None,
    typer.Option(
        envvar="BALLAST_SECRETS",
        help="In live: folder of kraken-api-key and kraken-api-secret, files of mode 0600.",
        show_default="secrets in the home",
    ),
]
KrakenOption = Annotated[
    str, typer.Option(envvar="BALLAST_KRAKEN", help="Where Kraken answers, such as a simulator.")
]
PaceOption = Annotated[float, typer.Option(min=0, help="Seconds to wait between hours, to be read.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object an hour instead of text.")]
PageOption = Annotated[
    bool, typer.Option("--dashboard/--no-dashboard", help="Build the page when its sources changed.")
]


def up(
    mode: ModeOption = Mode.replay,
    hours: HoursOption = 0,
    data: DataOption = None,
    venue: VenueOption = None,
    begin: FromOption = None,
    predictor: PredictorOption = None,
    fees: FeesOption = "mission",
    new: NewOption = False,
    cash: CashOption = 100_000,
    yes_real_money: ConsentOption = "",
    secrets: SecretsOption = None,
    kraken: KrakenOption = "https://api.kraken.com",
    pace: PaceOption = 1.0,
    as_json: JsonOption = False,
    page: PageOption = True,
    home: HomeOption = None,
) -> None:
    """Start everything and trade, hour after hour; Ctrl-C ends it, and starting again goes on.

    Starts Temporal with its interface, an exchange that speaks Kraken's
    protocol, a worker, and the API; then trades a made-up market (or the bars
    of --data) through them: no account, no network, no real money. What decides
    is an ensemble of learners; a home without one trains it first, in half a
    minute. Each hour is told in a few lines: what was seen, decided, allowed,
    sent and filled, and why nothing was traded. Everything is kept in the home,
    and nothing is lost by Ctrl-C or a kill -9. With --mode paper or live the
    hours are real ones, started by the engine's own schedule (docs/modes.md).

    Example: ballast up --hours 24
    Example: ballast up --predictor trend-vote
    """
    from cli.supervisor import dashboard
    from cli.supervisor.alone import alone
    from cli.voice import Voice

    house, voice = House(home_dir(home)), Voice(as_json=as_json)
    if mode is Mode.live:
        check_consent(yes_real_money, predictor)
    with alone(house, voice.say):
        voice.say(f"home: {house.home}")
        with dashboard.kept(voice.say) if page else nullcontext():
            if mode is Mode.replay:
                first = begin.replace(tzinfo=UTC) if begin else None
                _replay(house, voice, data, venue, predictor, fees, first, hours, pace, new=new)
                return
            from cli.keep import keep
            from cli.real import Request
            from cli.replay import check_decider

            check_decider(predictor or CHAMPION)
            asked = Request(
                mode=mode.value,
                address=kraken.rstrip("/"),
                predictor=predictor or CHAMPION,
                fees=fees,
                cash=cash,
                secrets=secrets or house.home / "secrets",
                new=new,
            )
            _import_archive(house, voice, data)
            keep(house, asked, voice, hours)


def check_consent(portfolio: str, predictor: str | None) -> None:
    """Refuse real money without a person's word for it, and anything that decides but a promoted release."""
    from cli.opening import PORTFOLIO

    if predictor not in (None, CHAMPION):
        raise UsageError(f"with real money only a promoted release decides, not {predictor}")
    if portfolio != PORTFOLIO:
        raise UsageError(
            "mode live sends real orders and can lose real money; if that is meant, say "
            f"--yes-real-money {PORTFOLIO}"
        )


def _import_archive(house: House, voice: "Voice", data: Path | None) -> None:
    from cli.backtest import import_first

    if data is not None:
        voice.say(f"importing {data} as bars of kraken; what is here already is left alone")
        import_first(data, "kraken", house.home, quiet=False)


def _replay(
    house: House,
    voice: "Voice",
    data: Path | None,
    venue: str | None,
    predictor: str | None,
    fees: str,
    first: datetime | None,
    hours: int,
    pace: float,
    *,
    new: bool,
) -> None:
    """Play recorded or made-up bars."""
    from cli import replay
    from cli.drive import drive
    from cli.first_release import first_release

    decides = predictor or (RULE if data else CHAMPION)
    if data is None:
        played = replay.made_up(house.home, decides, fees, first, voice.say)
        if decides == CHAMPION:
            first_release(house.home, played.first, voice.say)
    else:
        played = replay.recorded(house.home, data, venue, decides, fees, first, voice.say)
    drive(house, played, replay.number_of(house, played, new=new), voice, hours, pace)
