"""Where an hour is reconstructed from: a track's own home, or one file that was made from it."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import polars as pl
from sqlalchemy import Engine

from adapters.bars import BarStore
from adapters.clock import SystemClock
from adapters.model_registry import ModelRegistry
from adapters.objects import ObjectStore
from adapters.reconstruction.inputs import Inputs, Ruling, inputs_of, rulings_of
from adapters.reconstruction.market import Bars
from adapters.reconstruction.paper import PaperLines, growing
from adapters.reconstruction.rebuild import Listing, Market, Rebuilder
from adapters.reconstruction.recorded import Objects, observed, predictions, recorded, summaries
from adapters.reconstruction.releases import Named, predictors
from adapters.reconstruction.replies import Replies, account
from adapters.reconstruction.said import AccountSaid, KrakenSaid
from adapters.reconstruction.stages import Content
from adapters.replies import ReplyLog
from adapters.storage.base import PortfolioKey
from adapters.storage.engine import reading
from config import instruments as grids
from config import trading, universe
from trading.clock import TradingHour
from trading.instruments import Instrument
from trading.live.machines import Machine
from trading.live.sight import LISTING, MarketRules
from trading.models.release import Release

VENUE = "kraken"
"""Whose bars a window is made of."""
REPLAY, PAPER = "replay-", "paper-"


class Source(NamedTuple):
    """One portfolio's hours, and what was recorded of them."""

    inputs: Inputs
    market: Market
    recorded: Callable[[TradingHour], Mapping[str, Content]]
    made_with: Callable[[TradingHour], Mapping[str, str] | None]
    """The environment in which an hour was lived; None where it was not recorded."""

    def rebuilder(self, machine: Machine) -> Rebuilder:
        """From the state that the inputs begin with, forward."""
        return Rebuilder(self.inputs, self.market, machine)


class Home(NamedTuple):
    """What a track keeps where."""

    engine: Engine
    folder: Path
    """Of the track: replies, objects, bars."""
    models: Path
    """Of the registry of releases."""
    place: str = ""
    """Where an account on paper lies, if not in the folder: gs://BUCKET/PREFIX."""


def of_home(home: Home, key: PortfolioKey, before: TradingHour | None) -> Source:
    """A track as it lies; its state is the newest before `before`, or that of its opening."""
    objects = ObjectStore(home.folder / "objects")
    with reading(home.engine) as session:
        rulings = rulings_of(session, key.track)
        inputs = inputs_of(session, key, rulings, before)
    replies = Replies(objects.read)
    for line in ReplyLog(home.folder / "replies", VENUE, objects, SystemClock()).lines():
        replies.add(line)

    def told(hour: TradingHour) -> Mapping[str, str] | None:
        name = summaries(home.engine, key.track, hour).get("fetch", {}).get("environment")
        made: Mapping[str, str] | None = json.loads(objects.read(name)) if name else None
        return made

    bars = Bars(VENUE, opening_bars(BarStore(home.folder / "bars"), rulings), replies)
    market = market_of(key.track, bars, replies, lived(home, key.track, objects))
    return Source(inputs, market, lambda hour: recorded(home.engine, key, hour, objects), told)


class Given(NamedTuple):
    """What the market's stages take beside replies."""

    named: Named
    kept: Callable[[TradingHour], Content | None]
    """The predictions that were recorded at an hour."""
    listing: Callable[[TradingHour], Listing]
    """The venue's own list of the night before."""
    paper: PaperLines
    """The account, on a track on paper."""


def lived(home: Home, track: str, objects: Objects) -> Given:
    """As a track's hours name it."""

    def release(hour: TradingHour) -> str:
        return str(summaries(home.engine, track, hour).get("predict", {}).get("release", ""))

    named = Named(release, lambda digest: loaded(home.models, digest))

    def listing(hour: TradingHour) -> Listing:
        name = observed(home.engine, track, hour, LISTING)
        pairs: Listing = json.loads(objects.read(name))["pairs"] if name else {}
        return pairs

    kept = partial(predictions, home.engine, track, objects=objects)
    return Given(named, kept, listing, PaperLines(growing(home.folder, home.place)))


def opening_bars(store: BarStore, rulings: Sequence[Ruling]) -> dict[str, pl.DataFrame]:
    """The bars that lay there before the first hour of a track, by instrument."""
    before = min(ruling.asof for ruling in rulings) - 1
    return {name: store.read(VENUE, name, None, before) for name in store.instruments(VENUE)}


def market_of(
    track: str,
    bars: Bars,
    replies: Replies,
    given: Given,
) -> Market:
    """The market's stages under the reviewed values of this version."""
    replayed = track.startswith(REPLAY)
    lists, rules = universe.load()
    venue, execution = trading.data_venues()[VENUE], trading.load().execution
    instruments = Instruments(bars, replayed=replayed)
    reviewed = MarketRules(instruments, venue, lists, rules, execution)

    def account_at_venue(first: int, last: int) -> AccountSaid:
        return KrakenSaid(bars.catalogue, account(replies, first, last))

    said = given.paper.span if track.startswith(PAPER) else account_at_venue
    return Market(bars, replies, said, reviewed, predictors(given.named), given, warms=not replayed)


class Instruments(Mapping[str, Instrument]):
    """Grids by name: a real venue's own list says what they are, a replay keeps those of its backtest."""

    def __init__(self, bars: Bars, *, replayed: bool) -> None:
        self._bars, self._replayed = bars, replayed

    def __getitem__(self, name: str) -> Instrument:
        return grids.grid_for(name) if self._replayed else self._bars.catalogue.instrument(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._bars.catalogue.names())

    def __len__(self) -> int:
        return len(self._bars.catalogue.names())


def loaded(models: Path, digest: str) -> Release:
    """The release whose digest begins so; a `DataError` when the registry has none."""
    return ModelRegistry(models).named(digest)
