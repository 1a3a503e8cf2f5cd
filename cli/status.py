"""`ballast status`: what of this home runs, where it answers, and how far it has come."""

import json
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from cli.home import HomeOption, home_dir
from cli.narration import BAD, GOOD, STATE_STYLES, WARN
from cli.supervisor.house import House

LABEL_WIDTH = 12
UNKNOWN = "unknown"


def status(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")] = False,
    home: HomeOption = None,
) -> None:
    """Show processes, addresses, track, last hour and trading state of this home.

    Works whether or not anything runs; after a kill -9 it names what was left
    behind, which the next `ballast up` ends.
    """
    found = survey(House(home_dir(home)))
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    console = Console(soft_wrap=True)
    for label, said, style in lines(found):
        console.print(Text(f"{label:<{LABEL_WIDTH}}").append(said, style=style))


def survey(house: House) -> dict[str, Any]:
    """Everything about a home; `running` is false for one that rests."""
    last, pid = house.last(), house.up()
    found: dict[str, Any] = {
        "home": str(house.home),
        "running": pid is not None,
        "pid": pid,
        "processes": house.processes(),
        "mode": last.mode if last else None,
        "track": last.track if last else None,
        "portfolio": last.portfolio if last else None,
        "started": last.started if last else None,
        "addresses": last.addresses if last and pid is not None else {},
    }
    return found | progress(house)


def progress(house: House) -> dict[str, Any]:
    """The last hour that is over and the trading state, as stored."""
    from cli.stored import find

    last = house.last()
    if last is None or not house.database(last.mode).exists():
        return {"asof": None, "trading_state": UNKNOWN}
    from adapters.storage.engine import reading
    from adapters.storage.halts import Halts
    from adapters.storage.story import last_asof

    stored = find(house.home, last.track)
    with reading(stored.engine) as session:
        asof = last_asof(session, stored.key.track)
        state = Halts(session, stored.key).standing().state
    return {"asof": asof and f"{asof:%Y-%m-%dT%H:%MZ}", "trading_state": state}


def lines(found: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Label, text and style of what is printed."""
    processes = ", ".join(f"{name} {pid}" for name, pid in found["processes"].items())
    if found["running"]:
        state = (f"running since {found['started']}, process {found['pid']}", GOOD)
    elif processes:
        state = ("not running, but an earlier run left processes; `ballast up` ends them", BAD)
    else:
        state = ("not running; `ballast up` starts it", WARN)
    rows = [("home", found["home"], ""), ("up", *state)]
    if processes:
        rows.append(("processes", processes, ""))
    if found["track"]:
        rows.append(("track", f"{found['track']}, portfolio {found['portfolio']}", ""))
        rows.append(("last hour", found["asof"] or "none yet", ""))
        trading = found["trading_state"]
        rows.append(("trading", trading, STATE_STYLES.get(trading, "")))
    return rows + [(name, address, "") for name, address in found["addresses"].items()]
