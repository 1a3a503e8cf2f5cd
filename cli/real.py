"""A paper or live track before its first hour: which one, its account read, its rows, its worker's terms.

Every step may be repeated, and is at every start. What a track trades and what decides is fixed when it is
opened; a start that asks for something else is refused.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.logs import ANCHOR
from cli.opening import PORTFOLIO
from cli.supervisor import parts
from cli.supervisor.house import House
from cli.supervisor.ports import LOOPBACK
from trading.clock import TradingHour
from trading.errors import UsageError, VenueUnavailable

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from adapters.storage.base import PortfolioKey
    from adapters.worlds import World
    from worker.terms import Terms

LIVE = "live"
KEY, SECRET = "secret:kraken-api-key", "secret:kraken-api-secret"
"""What a worker's terms hold instead of a credential."""
QUIET, LOOKS = timedelta(seconds=10), 12
"""An account is read when nothing has moved in it for so long; how often that is tried."""


@dataclass(frozen=True, slots=True)
class Request:
    """What `ballast up --mode paper` or `--mode live` was asked for."""

    mode: str
    address: str
    """Of Kraken."""
    predictor: str
    fees: str
    cash: int
    """Opening balance on paper, in the quote currency; a real account has what it has."""
    secrets: Path
    new: bool = False


@dataclass(frozen=True, slots=True)
class Real:
    """One track of real time."""

    request: Request
    key: "PortfolioKey"
    instruments: tuple[str, ...] = ()
    """Empty before it is opened."""

    @property
    def namespace(self) -> str:
        return f"ballast-{self.request.mode}"

    def terms(self) -> dict[str, Any]:
        """What is fixed when the track is opened."""
        told = self.request
        fixed = {"mode": told.mode, "venue": "kraken", "predictor": told.predictor, "fees": told.fees}
        return fixed | {"instruments": list(self.instruments), "cash": 0 if told.mode == LIVE else told.cash}


def database(house: House, mode: str) -> "Engine":
    """The database of a mode at its newest schema."""
    from adapters.storage.engine import connect, sqlite_url
    from adapters.storage.migrate import upgrade

    house.database(mode).parent.mkdir(parents=True, exist_ok=True)
    engine = connect(sqlite_url(house.database(mode)))
    upgrade(engine)
    return engine


def track_of(engine: "Engine", request: Request) -> Real:
    """The newest track of the mode with what it was opened with, or the next one, not opened yet."""
    from sqlalchemy import select

    from adapters.storage.base import PortfolioKey
    from adapters.storage.engine import reading
    from adapters.storage.hours import TrackTerms

    with reading(engine) as session:
        rows = {row.track: row.document for row in session.scalars(select(TrackTerms))}
    number = max((int(name.removeprefix(f"{request.mode}-")) for name in rows), default=0)
    if request.new or not number:
        return Real(request, PortfolioKey(f"{request.mode}-{number + 1}", PORTFOLIO))
    name = f"{request.mode}-{number}"
    stored = json.loads(rows[name])
    real = Real(request, PortfolioKey(name, PORTFOLIO), tuple(stored["instruments"]))
    asked = real.terms()
    differing = [word for word in ("predictor", "fees", "cash") if asked[word] != stored[word]]
    if differing:
        said = ", ".join(f"{word} is {stored[word]}, not {asked[word]}" for word in differing)
        raise UsageError(f"track {name} goes on as it was opened: {said}; --new begins another")
    return real


def opened(house: House, engine: "Engine", real: Real, world: "World") -> Real:
    """Open the track if it is not: read what the account holds, and store portfolio, mandate and state."""
    from adapters.kraken.startup import check_online

    check_online(world.public)
    if not real.instruments:
        real = replace(real, instruments=listed(house, world))
        open_new(engine, real, world)
    seed(house, real.key.track)
    return real


def listed(house: House, world: "World") -> tuple[str, ...]:
    """The pairs that Ballast knows and Kraken lists now; with an archive in the home, those that it has."""
    from adapters.bars import BarStore
    from config import instruments, trading, universe

    quote = trading.data_venues()["kraken"].quote
    excluded = {entry.base for entry in universe.load()[0]}
    known = [name for name, grid in instruments.load().items() if grid.base not in excluded]
    store = BarStore(house.home / "bars")
    archived = store.instruments("kraken") if "kraken" in store.venues() else known
    names = tuple(name for name in known if name in world.catalogue.names() and name in archived)
    if f"BTC/{quote}" not in names:
        raise UsageError(f"Kraken lists no BTC/{quote} here, by which every market state is measured")
    return names


def open_new(engine: "Engine", real: Real, world: "World") -> None:
    from adapters.storage.engine import unit_of_work
    from adapters.storage.tracks import Opening, open_track
    from config import trading
    from trading.instruments import UNITS

    quote = trading.data_venues()["kraken"].quote
    at, held = read_account(world, quote, real.request.cash * UNITS)
    first = TradingHour.at(at.replace(minute=0, second=0, microsecond=0))
    config, is_live = trading.load(real.request.fees), real.request.mode == LIVE
    opening = Opening(
        real.key,
        quote,
        held.get(quote, 0),
        first,
        real.request.predictor,
        config,
        opened=at,
        booked=held if is_live else None,
    )
    if opening.cash <= 0:
        raise UsageError(f"the account holds no {quote}; fund it before its portfolio is opened")
    with unit_of_work(engine) as session:
        open_track(session, opening, real.terms())


def read_account(world: "World", quote: str, cash: int) -> tuple[datetime, Mapping[str, int]]:
    """When the account was read and what it held by asset, at a moment at which nothing moved.

    A new account on paper gets `cash` first. An account that keeps moving is a `VenueUnavailable`.
    """
    from adapters.paper.venue import PaperVenue

    if isinstance(world.venue, PaperVenue):
        world.venue.open_with(quote, cash)
        return world.venue.now(), {asset: row.total for asset, row in world.venue.balances().items()}
    for _ in range(LOOKS):
        at = world.venue.now()
        held = {asset: row.total for asset, row in world.venue.balances().items() if row.total}
        world.venue.wait(at + QUIET)
        if not world.venue.movements(at - QUIET):
            return at, held
    raise VenueUnavailable("the account does not rest; stop what moves in it and start again")


def seed(house: House, track: str) -> None:
    """Let the track use the home's archive of Kraken's bars, which its hours go on with."""
    bars, own = house.home / "bars", house.track(track) / "bars"
    bars.mkdir(parents=True, exist_ok=True)
    own.parent.mkdir(parents=True, exist_ok=True)
    if not own.is_symlink():
        own.symlink_to(bars)


def terms_of(house: House, real: Real, ports: Mapping[str, int]) -> "Terms":
    """What a worker of the track is told; credentials are references."""
    from adapters.storage.engine import sqlite_url
    from worker.terms import Terms

    told, is_live = real.request, real.request.mode == LIVE
    return Terms.model_validate(
        {
            "mode": told.mode,
            "track": real.key.track,
            "home": house.track(real.key.track),
            "audit": house.home / "audit",
            "anchor": os.environ.get(ANCHOR, ""),
            "database": sqlite_url(house.database(told.mode)).render_as_string(),
            "temporal": f"{LOOPBACK}:{ports[parts.TEMPORAL]}",
            "namespace": real.namespace,
            "venue": told.address,
            "key": KEY if is_live else "",
            "secret": SECRET if is_live else "",
            "fees": told.fees,
            "instruments": real.instruments,
            "models": house.home / "models",
            "house": house.home,
            "cache": house.home / "cache" / "compiled",
        }
    )


def written(house: House, terms: "Terms") -> Path:
    """The terms in the file that the worker reads."""
    file = house.track(terms.track) / "worker.json"
    file.touch(mode=0o600)
    file.write_text(terms.model_dump_json())
    return file


def resolved(terms: "Terms", secrets: Path) -> "Terms":
    """The terms with credentials in the place of references, for this process's own look at the account."""
    from adapters.secrets import secrets as source
    from worker.terms import Terms

    document: dict[str, Any] = source(secrets).resolved(json.loads(terms.model_dump_json()))
    return Terms.model_validate_json(json.dumps(document))
