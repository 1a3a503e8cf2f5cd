"""The stored track that a reading command is about: the one that ran last, or the one that was named."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.home import home_dir
from cli.supervisor.house import House
from trading.errors import UsageError

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from adapters.storage.base import PortfolioKey

TrackOption = Annotated[
    str | None, typer.Option(help="Look at this track.", show_default="the one that ran last")
]


@dataclass(frozen=True, slots=True)
class Stored:
    """A database, and the portfolio in it that is looked at."""

    house: House
    mode: str
    engine: "Engine"
    key: "PortfolioKey"


def find(home: Path | None, track: str | None) -> Stored:
    """The track in its home; a `UsageError` when nothing ran there."""
    from adapters.storage.base import PortfolioKey
    from adapters.storage.engine import connect, sqlite_url

    house = House(home_dir(home))
    last = house.last()
    if last is None:
        raise UsageError(f"nothing ran in {house.home} yet; `ballast up` starts it")
    track = track or last.track
    mode = track.split("-")[0]
    file = house.database(mode)
    if not file.exists():
        raise UsageError(f"no database of mode {mode!r} in {house.home}; the last track is {last.track}")
    return Stored(house, mode, connect(sqlite_url(file)), PortfolioKey(track, last.portfolio))
