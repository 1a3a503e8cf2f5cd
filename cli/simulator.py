"""`ballast simulator`: a Kraken to practise on, fed with recorded or made-up hours."""

import base64
import json
import secrets
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from cli.home import HomeOption, home_dir
from trading.clock import DAY_H, TradingHour
from trading.errors import DataError, UsageError

if TYPE_CHECKING:
    from simulator.auth import Keys
    from simulator.server import Application
    from trading.backtest.inputs import Scene
    from trading.market import Grid

GENERATED = "generated"
OPENING = datetime.fromisoformat("2024-01-01")
WARM_UP_H, SHOWN_H = 122 * DAY_H, 90 * DAY_H
"""Hours read before the opening, and those of them that clients can look back on."""


class Tier(StrEnum):
    """Verification tiers of Kraken, which set the rate limits."""

    starter = "starter"
    intermediate = "intermediate"
    pro = "pro"


def simulator(
    venue: Annotated[
        str | None,
        typer.Option(help="Play this venue's bars from the home's store.", show_default="a made-up market"),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Another seed makes another market, and other ids.")] = 7,
    instruments: Annotated[int, typer.Option(min=1, max=20, help="How many, in a made-up market.")] = 12,
    at: Annotated[
        datetime, typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M"], help="Venue time of the opening, UTC.")
    ] = OPENING,
    days: Annotated[int, typer.Option(min=1, max=4_000, help="How long there is something to play.")] = 90,
    speed: Annotated[
        float, typer.Option(min=0, help="Venue seconds for a real second; 0: time moves by control alone.")
    ] = 1.0,
    cash: Annotated[int, typer.Option(min=0, help="Opening balance in the quote currency.")] = 100_000,
    fees: Annotated[str, typer.Option(help="Fee preset: mission or kraken-2026-07.")] = "mission",
    tier: Annotated[
        Tier | None, typer.Option(help="Enforce the rate limits of this tier.", show_default="no limits")
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65_535, help="0 takes a free one.")] = 0,
    state: Annotated[
        Path | None,
        typer.Option(help="Keep the account in this folder and go on with it.", show_default="a new account"),
    ] = None,
    home: HomeOption = None,
) -> None:
    """Serve Kraken's REST protocol on 127.0.0.1 until interrupted.

    Signatures and nonces are checked, orders meet the bars by the backtest's
    own rules, and any client of Kraken's works unchanged. When it is ready it
    prints one JSON object: address, key, secret, venue time. Time and faults
    are moved under /control/ (docs/simulator.md).

    Example: ballast simulator --seed 7 --speed 60
    """
    from config import trading
    from simulator.assembly import open_venue
    from simulator.clock import Clock
    from simulator.journal import Journal
    from simulator.server import Application
    from simulator.tape import HOUR_NS, SECOND_NS, record
    from simulator.truth import Truth
    from trading.compiled import use_cache
    from trading.instruments import UNITS

    folder = home_dir(home)
    use_cache(folder / "cache" / "compiled")
    kept, state = state is not None, state or folder / "simulator"
    state.mkdir(parents=True, exist_ok=True)
    config, start_s = trading.load(fees), int(at.replace(tzinfo=UTC).timestamp())
    first = TradingHour(start_s * SECOND_NS // HOUR_NS).number
    last = first + days * DAY_H
    with Console(stderr=True).status("preparing the market"):
        grid = (
            generated(seed, instruments, first, last) if venue is None else stored(folder, venue, first, last)
        )
        scene = dressed(grid, venue or GENERATED)
        tape = record(scene, first - SHOWN_H, grid.last, config.execution)
    keys, truth = keys_of(state), Truth()
    quote = tape.instruments[0].quote
    opened = open_venue(
        tape, config, start_s * SECOND_NS, {quote: cash * UNITS}, keys, truth, tier and tier.value, seed
    )

    opening = {"venue": venue, "seed": seed, "at_s": start_s, "cash": cash, "fees": fees}
    application = Application(opened, Clock(speed))
    since = application.resume(Journal(state / "journal.jsonl", opening)) if kept else 0
    truth.keep_in(state / "truth.jsonl", since)
    serve(application, keys, state, port)


def serve(application: "Application", keys: "Keys", state: Path, port: int) -> None:
    """Answer requests until interrupted; one line on stdout says when and where."""
    from simulator.server import Server, address_of, listen
    from simulator.tape import SECOND_NS

    listener, venue = listen(port), application.venue
    line: dict[str, object] = {
        "address": address_of(listener),
        "key": keys.key,
        "secret": keys.secret,
    }
    line |= {"now_s": venue.exchange.now_ns // SECOND_NS, "speed": application.clock.speed}
    said = json.dumps(line | {"truth": str(state / "truth.jsonl")})
    try:
        Server(application, lambda: typer.echo(said)).run(sockets=[listener])
    finally:
        venue.truth.close()


def generated(seed: int, instruments: int, first: int, last: int) -> "Grid":
    """Hours of a made-up market around first..last."""
    from simulator.generator import generate
    from trading.grid import dense

    begin = first - WARM_UP_H
    return dense(GENERATED, generate(seed, last - begin + 1, instruments, begin), begin, last)


def stored(home: Path, venue: str, first: int, last: int) -> "Grid":
    """Recorded hours around first..last, as far as the store reaches."""
    import numpy as np

    from adapters.bars import BarStore
    from cli.running import tradable
    from config import trading

    if venue not in trading.data_venues():
        raise UsageError(f"unknown venue {venue!r}; choose one of {', '.join(trading.data_venues())}")
    store, quote = BarStore(home / "bars"), trading.data_venues()[venue].quote
    names = [n for n in store.instruments(venue) if n.endswith(f"/{quote}") and tradable(n)]
    grid = store.grid(venue, first - WARM_UP_H, last, names)
    known = np.flatnonzero(grid.valid.any(axis=1))
    end = grid.first + int(known[-1]) if known.size else 0
    if end <= first:
        raise DataError(f"the bars of {venue} do not reach {TradingHour(first)}; choose another --at")
    return grid.rows(grid.first, end + 1)


def dressed(grid: "Grid", venue: str) -> "Scene":
    """The market as the backtest derives it from the same bars."""
    from config import trading, universe
    from config.instruments import grid_for
    from trading.backtest.inputs import scene
    from trading.universe import eligibility

    lists, rules = universe.load()
    source = trading.data_venues()[venue]
    held = eligibility(grid, lists, rules, source.volume_scale)
    return scene(grid, [grid_for(name) for name in grid.instruments], source, held, grid.first + WARM_UP_H)


def keys_of(state: Path) -> "Keys":
    """The home's key, made on first use; its nonce goes on where it was."""
    from simulator.auth import Keys

    file = state / "key.json"
    if not file.exists():
        file.touch(mode=0o600)
        secret = base64.b64encode(secrets.token_bytes(64)).decode()
        file.write_text(json.dumps({"key": secrets.token_urlsafe(32), "secret": secret}))
    held = json.loads(file.read_text())
    return Keys(held["key"], held["secret"], state / "nonces.json")
