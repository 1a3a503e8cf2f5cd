"""A replayed track before its first hour: its database rows, the bars that lie before it, its exchange's key.

Every step may be repeated, and is at every start.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cli.logs import ANCHOR
from cli.replay import PLAYED, WINDOW_H
from cli.supervisor import parts
from cli.supervisor.house import House
from cli.supervisor.ports import LOOPBACK

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from adapters.storage.base import PortfolioKey
    from cli.replay import Replay

MODE: Final = "replay"
NAMESPACE, PORTFOLIO = "ballast-replay", "main"


def opened(house: House, replay: "Replay", key: "PortfolioKey") -> "Engine":
    """The database of replays at its newest schema, with the track and its portfolio in it."""
    from adapters.storage.engine import connect, sqlite_url, unit_of_work
    from adapters.storage.migrate import upgrade
    from adapters.storage.tracks import Opening, open_track
    from config import trading
    from config.instruments import grid_for
    from trading.instruments import UNITS

    house.database(MODE).parent.mkdir(parents=True, exist_ok=True)
    engine = connect(sqlite_url(house.database(MODE)))
    upgrade(engine)
    quote, config = grid_for(replay.pairs[0]).quote, trading.load(replay.fees)
    opening = Opening(key, quote, replay.cash * UNITS, replay.first, replay.predictor, config)
    with unit_of_work(engine) as session:
        open_track(session, opening, replay.terms())
    seed(house, replay, key.track)
    return engine


def seed(house: House, replay: "Replay", track: str) -> None:
    """Give the exchange the bars to play, as a venue publishes them, and the track those of them that its
    first decision looks back on; it gets the later ones from the exchange.
    """
    from adapters.bars import BarStore
    from adapters.published import published
    from config import trading
    from config.instruments import grid_for

    exchange = house.exchange(track)
    source, own = BarStore(house.home / "bars"), BarStore(house.track(track) / "bars")
    played = BarStore(exchange / "bars")
    cache = exchange / "cache"
    (house.home / "cache").mkdir(parents=True, exist_ok=True)  # it may be deleted at any time
    if cache.is_symlink():
        return
    scale, first = trading.data_venues()[replay.venue].volume_scale, replay.first
    for name, pair in zip(replay.instruments, replay.pairs, strict=True):
        bars = source.read(replay.venue, name, first.number - 2 * WINDOW_H, replay.last.number)
        told = published(bars, grid_for(pair), scale)
        played.write(PLAYED, pair, told)
        own.write(PLAYED, pair, told.filter(told["asof"] < first.asof))
    # Last, as the mark that all is there.
    cache.symlink_to(house.home / "cache")


def written(house: House, replay: "Replay", track: str, ports: Mapping[str, int]) -> Path:
    """The file that tells a worker what it works for; only its owner may read it, for the key in it."""
    from adapters.storage.engine import sqlite_url
    from cli.simulator import keys_of
    from worker.terms import Terms

    keys = keys_of(house.exchange(track))
    terms = Terms(
        mode=MODE,
        track=track,
        home=house.track(track),
        audit=house.home / "audit",
        anchor=os.environ.get(ANCHOR, ""),
        database=sqlite_url(house.database(MODE)).render_as_string(),
        temporal=f"{LOOPBACK}:{ports[parts.TEMPORAL]}",
        namespace=NAMESPACE,
        venue=f"http://{LOOPBACK}:{ports[parts.SIMULATOR]}",
        key=keys.key,
        secret=keys.secret,
        instruments=replay.pairs,
        models=house.home / "models",
        cache=house.home / "cache" / "compiled",
    )
    file = house.track(track) / "worker.json"
    file.touch(mode=0o600)
    file.write_text(terms.model_dump_json())
    return file
