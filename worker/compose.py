"""The composition root of a replay's worker: every adapter is made here, once, and handed in."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import NamedTuple

from sqlalchemy import Engine
from temporalio.client import Client

from activities.closing import ClosingActivities
from activities.floor import Floor
from activities.halt import HaltActivities
from activities.halt_messages import HaltStart
from activities.market import MarketActivities
from activities.messages import GuardRules
from activities.orders import OrderActivities
from activities.portfolios import BatchActivities
from activities.ports import Release
from activities.training import TrainingActivities
from activities.waiting import WaitActivities
from adapters.account import Account
from adapters.alerts import AlertOutbox, AlertSettings
from adapters.audit.sealer import Sealer
from adapters.bars import BarStore
from adapters.champion import Champion
from adapters.entries import WorkingEntries
from adapters.feed import VenueFeed
from adapters.guard import Book, LiveGuard
from adapters.kraken.auth import Credentials
from adapters.model_registry import ModelRegistry
from adapters.objects import ObjectStore
from adapters.objects_gcs import opened
from adapters.operators import OperatorKeys
from adapters.pieces import Pieces
from adapters.reconciling import Ours
from adapters.replay_venue import LockstepClock, Simulated, simulated
from adapters.storage.base import PortfolioKey
from adapters.storage.books import HourBooks
from adapters.storage.engine import connect, reading
from adapters.storage.portfolios import Portfolio
from adapters.storage.tracks import Tracks
from adapters.storage.trading_state import TradingStates
from adapters.venue_clock import ReplayClock
from config import instruments as grids
from config import trading, universe
from temporal.latch import WorkflowLatch
from trading.backtest.inputs import Scene
from trading.clock import TradingHour
from trading.instruments import Instrument
from trading.live.documents import marks_of, parse_mandate
from trading.live.sight import MarketRules
from trading.models.promotion import CHAMPION
from trading.models.protocol import Predictions
from trading.policies.exercise import EXERCISE, exercise
from worker.terms import Terms
from workflows.names import MARKET, TRADING, TRADING_WAIT, TRAINING

VENUE = "kraken"
"""Whose bars a window is made of: a replay's simulator publishes them as Kraken does."""

BEFORE_OPENING = timedelta(hours=1)
"""The opening deposit came before the portfolio did."""
FOR_EVER = datetime(9999, 1, 1, tzinfo=UTC)

Activities = dict[str, list[Callable[..., object]]]
"""By task queue."""


class Exercise:
    """The predictor that makes a replay busy."""

    def predict(self, market: Scene, _hour: TradingHour) -> Predictions:
        return exercise(market.grid)


def releases(terms: Terms) -> dict[str, Release]:
    """What predicts where no policy drives, by the name that mandates call it by."""
    return {
        EXERCISE: Exercise(),
        CHAMPION: Champion(terms.models or terms.home / "models", terms.mode, terms.shelf),
    }


class Shop(NamedTuple):
    """The stores and clocks that everything else is made of."""

    engine: Engine
    objects: ObjectStore
    clock: ReplayClock
    books: HourBooks
    tracks: Tracks
    instruments: dict[str, Instrument]


@contextmanager
def activities_of(terms: Terms, client: Client) -> Iterator[Activities]:
    """The activities of every queue; called on the loop that the client belongs to."""
    clock, engine = ReplayClock(terms.venue), connect(terms.database)
    stamp = LockstepClock(clock)
    held = {name: grids.grid_for(name) for name in terms.instruments}
    shop = Shop(
        engine,
        opened(terms.objects, terms.home / "objects"),
        clock,
        HourBooks(engine, stamp),
        Tracks(engine, stamp),
        held,
    )
    with simulated(
        terms.home, terms.venue, Credentials(terms.key, terms.secret), clock, terms.objects
    ) as venue:
        yield assembled(terms, client, shop, venue)


def assembled(terms: Terms, client: Client, shop: Shop, venue: Simulated) -> Activities:
    states = TradingStates(shop.engine, LockstepClock(shop.clock))
    latch = WorkflowLatch(client, states, lambda track, name: guard_of(shop, track, name))
    feed = VenueFeed(VENUE, venue.market, BarStore(terms.home / "bars"), terms.instruments)
    lists, rules = universe.load()
    market = MarketRules(
        shop.instruments, trading.data_venues()[VENUE], lists, rules, trading.load().execution
    )
    floor = Floor(shop.books, shop.objects, shop.clock, accounts(shop, venue, latch), shop.instruments)
    channels = AlertSettings.load(terms.home / "alerts.toml").channels()
    halt = HaltActivities(
        states,
        OperatorKeys(terms.home / "operators"),
        WorkingEntries(shop.engine, lambda _track, _portfolio: venue.venue),
        AlertOutbox(shop.engine, channels, LockstepClock(shop.clock)),
    )
    keys = terms.audit or terms.home / "audit"
    sealer = Sealer(shop.engine, keys, terms.anchor or str(keys / "anchor"), LockstepClock(shop.clock))
    return {
        MARKET: MarketActivities(
            feed, shop.objects, shop.tracks, shop.clock, market, releases(terms)
        ).activities(),
        TRADING: [
            *BatchActivities(floor, latch).activities(),
            *OrderActivities(floor).activities(),
            *ClosingActivities(floor, shop.tracks, shop.objects, sealer.seal).activities(),
            *(halt.open_guard, halt.read_tellings, halt.record_halt),
            *(halt.verify_signature, halt.cancel_entries, halt.deliver_alerts),
        ],
        TRADING_WAIT: WaitActivities(shop.clock, client).activities(),
        TRAINING: TrainingActivities(
            Pieces(), lambda: ModelRegistry(terms.home / "models", terms.shelf), shop.objects
        ).activities(),
    }


def accounts(shop: Shop, venue: Simulated, latch: WorkflowLatch) -> Callable[[str, str], Account]:
    """The account of (track, portfolio); all portfolios of a replay share the simulator's one."""

    @cache
    def account(track: str, portfolio: str) -> Account:
        key = PortfolioKey(track, portfolio)
        with reading(shop.engine) as session:
            row = session.get_one(Portfolio, tuple(key))
        ours = Ours(shop.engine, key, row.quote, shop.instruments)

        def guard(hour: TradingHour) -> LiveGuard:
            with shop.books.view(track, portfolio) as books:
                told = books.decision(hour)
            book = Book(row.quote, shop.instruments, marks_of(told.document) if told else {})
            return LiveGuard(shop.engine, key, venue.venue, lambda: latch.standing(track, portfolio), book)

        return Account(ours, row.opened - BEFORE_OPENING, venue.venue, shop.clock, guard)

    return account


def guard_of(shop: Shop, track: str, portfolio: str) -> HaltStart:
    """How the guard of a portfolio begins."""
    with shop.books.view(track, portfolio) as books:
        ticket = books.ticket(TradingHour.at(FOR_EVER))
    config, _ = parse_mandate(ticket.document)
    return HaltStart(
        track=track,
        portfolio=portfolio,
        rules=GuardRules.of(config.limits, config.kill_switch),
        approvals_required=trading.approvals_required(),
    )
