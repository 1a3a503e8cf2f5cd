"""`ballast models`: which releases there are, what each is made of, and who made which of them champion."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from cli.home import HomeOption, home_dir
from trading.clock import TradingHour
from trading.errors import DataError, UsageError

if TYPE_CHECKING:
    from adapters.model_registry import ModelRegistry, Registered, Shelf
    from trading.models.promotion import Promotion

PIPED_WIDTH = 150
REGISTRY, BUNDLES = "BALLAST_REGISTRY", "BALLAST_BUNDLES"
"""In the environment: MLflow's database and the bucket of releases, where several machines share them."""

app = typer.Typer(no_args_is_help=True, help="Releases of models: list, show, promote, roll back.")

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of a table.")]
WhichArgument = Annotated[str, typer.Argument(help="Version number, or the alias champion or challenger.")]
WhoOption = Annotated[str, typer.Option("--who", help="Your name; it goes on record.")]
WhyOption = Annotated[str, typer.Option("--why", help="Your reason; it goes on record.")]
ModeOption = Annotated[
    str,
    typer.Option(help="What it will serve: replay, paper or live. Outside replay every rule must be met."),
]


@app.command("list")
def list_releases(as_json: JsonOption = False, home: HomeOption = None) -> None:
    """List every release, newest first: its aliases, preset, data, and when its first model expires.

    IDLE marks a champion that has let nobody in for twelve months, DAMAGED a
    bundle that does not match its hashes.
    """
    folder = home_dir(home)
    registry = open_registry(folder)
    releases = [summary(registry, known, folder) for known in registry.versions()]
    if as_json:
        typer.echo(json.dumps({"releases": releases}, indent=2))
        return
    if not releases:
        typer.echo("no releases yet; `ballast train` makes one")
        return
    table = Table("version", "aliases", "preset", "data", "made", "expires", "state", "digest")
    for of in releases:
        data = f"{of['venue']} (PROXY)" if of["proxy"] else of["venue"]
        made, expires = str(of["created"])[:10], str(of["expires"] or "")[:10]
        row = (str(of["version"]), ", ".join(of["aliases"]), of["preset"], data, made, expires, of["state"])
        table.add_row(*row, of["digest"][:12])
    screen().print(table)


@app.command()
def show(which: WhichArgument, as_json: JsonOption = False, home: HomeOption = None) -> None:
    """Show what a release is made of: its facts, each model's training, and its promotions.

    Every hash is verified first; a damaged bundle is an error.
    """
    folder = home_dir(home)
    registry = open_registry(folder)
    known = registry.version(which)
    artefacts = registry.load(known.version).artefacts()
    lines = [line._asdict() for line in registry.promotions() if line.version == known.version]
    told: dict[str, Any] = {
        **summary(registry, known, folder),
        "facts": known.facts._asdict(),
        "passed": sorted(registry.passed(known.facts)),
        "models": {
            name: {key: artefact.meta.get(key) for key in ("trained_through", "rows", "seed", "epochs")}
            | {"digest": artefact.digest}
            for name, artefact in artefacts.items()
        },
        "promotions": lines,
    }
    if as_json:
        typer.echo(json.dumps(told, indent=2))
    else:
        print_release(told)


@app.command()
def promote(
    which: WhichArgument,
    who: WhoOption,
    why: WhyOption,
    mode: ModeOption = "replay",
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Make a release the champion, the one that trades. Only people do this, by name and with a reason.

    Outside replay it needs a full release of Kraken's bars, a year of each
    instrument, and `ballast evaluate` leakage, forecasts and strategy passed. In
    replay what is missing is put on record instead.

    Example: ballast models promote challenger --who ada --why "passed every test"
    """
    folder = home_dir(home)
    registry = open_registry(folder)
    promotion = registry.promote(which, mode, who, why)
    say_in_logs(folder, registry)
    tell(promotion, as_json=as_json)


@app.command()
def rollback(who: WhoOption, why: WhyOption, as_json: JsonOption = False, home: HomeOption = None) -> None:
    """Make the champion before this one champion again, at once.

    Example: ballast models rollback --who ada --why "slippage doubled"
    """
    folder = home_dir(home)
    registry = open_registry(folder)
    promotion = registry.rollback(who, why)
    say_in_logs(folder, registry)
    tell(promotion, as_json=as_json)


def screen() -> Console:
    """Stdout, wide enough for a table when it is no terminal."""
    console = Console()
    return console if console.is_terminal else Console(width=PIPED_WIDTH)


def open_registry(home: Path) -> "ModelRegistry":
    """The home's registry; MLflow takes seconds to import."""
    with Console(stderr=True).status("opening the registry"):
        from adapters.model_registry import ModelRegistry

        return ModelRegistry(home / "models", shelf())


def shelf() -> "Shelf | None":
    """The registry that several machines share, if the environment names one."""
    from adapters.model_registry import Shelf

    named = Shelf(os.environ.get(REGISTRY, ""), os.environ.get(BUNDLES, ""))
    if bool(named.database) != bool(named.place):
        raise UsageError(f"{REGISTRY} and {BUNDLES} go together: a database and a bucket")
    return named if named.database else None


def summary(registry: "ModelRegistry", known: "Registered", home: Path) -> dict[str, Any]:
    """A release in a line; times are UTC, `expires` the first asof at which one of its models has expired."""
    from trading.models.release import expires

    try:
        end = str(TradingHour(expires(registry.load(known.version).artefacts())))
        state = "IDLE" if idle(registry, known, home) else ""
    except DataError:
        end, state = None, "DAMAGED"
    return {
        "version": known.version,
        "aliases": list(known.aliases),
        "preset": known.facts.preset,
        "venue": known.facts.venue,
        "proxy": known.facts.proxy,
        "created": known.created.isoformat(timespec="seconds"),
        "expires": end,
        "state": state,
        "digest": known.digest,
    }


def idle(registry: "ModelRegistry", known: "Registered", home: Path) -> bool:
    """True of a champion that has let nobody in for twelve months since it was promoted."""
    from trading.models.promotion import CHAMPION, is_idle

    if CHAMPION not in known.aliases or not (record := registry.promotions()):
        return False
    promoted = datetime.fromisoformat(record[-1].at)
    return is_idle(days(promoted), last_entry(home, record[-1].mode), days(datetime.now(UTC)))


def last_entry(home: Path, mode: str) -> float | None:
    """Asof of the last approved entry of any portfolio of a mode, in days since the epoch; None if none."""
    from sqlalchemy import func, select
    from sqlalchemy.orm import Session

    from adapters.storage.decisions import Approval
    from adapters.storage.engine import connect, sqlite_url
    from cli.supervisor.house import House

    file = House(home).database(mode)
    if not file.exists():
        return None
    with Session(connect(sqlite_url(file))) as session:
        newest = session.scalar(select(func.max(Approval.asof)).where(Approval.lots > 0))
    return days(newest) if newest else None


def days(time: datetime) -> float:
    return time.timestamp() / 86_400


def say_in_logs(home: Path, registry: "ModelRegistry") -> None:
    """Enter what is on record into every audit log of the home, where it is not yet."""
    from adapters.audit.carried import carry
    from cli.logs import every

    for engine, track in every(home):
        carry(engine, track, lambda: [line._asdict() for line in registry.promotions()])


def tell(promotion: "Promotion", *, as_json: bool) -> None:
    """What has just gone on record."""
    if as_json:
        typer.echo(json.dumps(promotion._asdict(), indent=2))
        return
    typer.echo(f"champion of {promotion.mode}: version {promotion.version} ({promotion.digest[:12]})")
    for reason in promotion.waived:
        typer.echo(f"waived for replay: {reason}")


def print_release(told: dict[str, Any]) -> None:
    console = screen()
    console.print(f"[bold]release {told['version']}[/bold] {told['digest']} {told['state']}")
    for name, value in told["facts"].items():
        shown = (
            f"{len(value)} instruments, at least {min(value.values(), default=0)} days"
            if name == "days"
            else value
        )
        console.print(f"  {name}: {shown}", highlight=False)
    table = Table("model", "trained through", "rows", "epochs", "seed", "digest")
    for name, of in told["models"].items():
        through = str(TradingHour(of["trained_through"]))
        numbers = ("" if of[key] is None else str(of[key]) for key in ("rows", "epochs", "seed"))
        table.add_row(name, through, *numbers, of["digest"][:12])
    console.print(table)
    console.print(f"passed: {', '.join(told['passed']) or 'nothing yet'}")
    for line in told["promotions"]:
        console.print(f"{line['at']} {line['action']} for {line['mode']} by {line['who']}: {line['why']}")
