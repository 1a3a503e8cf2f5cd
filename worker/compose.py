"""The composition root of a worker: every adapter is made here, once, and handed in."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
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
from activities.monitoring import MonitoringActivities
from activities.nightly import NightlyActivities
from activities.orders import OrderActivities
from activities.portfolios import BatchActivities
from activities.ports import Release
from activities.training import TrainingActivities
from activities.waiting import WaitActivities
from adapters.account import Account
from adapters.alerts import AlertOutbox, AlertSettings
from adapters.audit.carried import carry
from adapters.audit.sealer import Sealer
from adapters.bars import BarStore
from adapters.champion import Champion
from adapters.clock import Clock, SystemClock
from adapters.conditions import Gauge, Reference, references
from adapters.entries import WorkingEntries
from adapters.environment import environment
from adapters.feed import VenueFeed
from adapters.guard import Book, LiveGuard
from adapters.http import Wire
from adapters.kraken.connect import BASE_URL, reply_log
from adapters.model_registry import ModelRegistry, records_of
from adapters.monitors import Monitors
from adapters.nightly import AccountFees, Exports, Trainer, VenueSurvey
from adapters.objects import ObjectStore
from adapters.objects_gcs import opened
from adapters.operators import OperatorKeys
from adapters.paper.venue import PaperRules
from adapters.pieces import Pieces
from adapters.reconciling import Ours
from adapters.reference import binance, coinbase
from adapters.storage.base import PortfolioKey
from adapters.storage.books import HourBooks
from adapters.storage.engine import connect, reading
from adapters.storage.portfolios import Portfolio
from adapters.storage.proofs import Proofs
from adapters.storage.tracks import Tracks
from adapters.storage.trading_state import TradingStates
from adapters.worlds import PAPER_FILE, World, at_kraken, in_replay, on_paper
from config import instruments as grids
from config import trading, universe
from temporal.latch import WorkflowLatch
from temporal.proofs import ProofStarts
from trading.backtest.inputs import Scene
from trading.clock import TradingHour
from trading.config import canonical_json
from trading.errors import UsageError
from trading.instruments import Instrument
from trading.live.documents import marks_of, parse_mandate
from trading.live.sight import MarketRules
from trading.models.promotion import CHAMPION, LIVE, PAPER, REPLAY
from trading.models.protocol import Said
from trading.policies.exercise import EXERCISE, exercise
from worker.proving import proving
from worker.terms import Terms
from workflows.names import GUARD, MARKET, TRADING, TRADING_WAIT, TRAINING

VENUE = "kraken"
"""Whose bars a window is made of: a replay's simulator publishes them as Kraken does."""

BEFORE_OPENING = {REPLAY: timedelta(hours=1), PAPER: timedelta(hours=1), LIVE: timedelta(0)}
"""How far back an account is read: a made-up one was funded just before its portfolio was opened, and what a
real one held by then is booked as its opening.
"""
REFERENCE_S = 3.0
"""How long a venue that only informs may take."""
FOR_EVER = datetime(9999, 1, 1, tzinfo=UTC)

Activities = dict[str, list[Callable[..., object]]]
"""By task queue."""


class Exercise:
    """The predictor that makes a replay busy."""

    def predict(self, market: Scene, _hour: TradingHour) -> Said:
        return Said(exercise(market.grid), b"")


def releases(terms: Terms) -> dict[str, Release]:
    """What predicts where no policy drives, by the name that mandates call it by; no exercise with money."""
    champion: dict[str, Release] = {
        CHAMPION: Champion(terms.models or terms.home / "models", terms.mode, terms.shelf)
    }
    return champion if terms.mode == LIVE else champion | {EXERCISE: Exercise()}


class Shop(NamedTuple):
    """The stores and clocks that everything else is made of."""

    engine: Engine
    objects: ObjectStore
    world: World
    books: HourBooks
    tracks: Tracks
    instruments: dict[str, Instrument]


@contextmanager
def activities_of(terms: Terms, client: Client) -> Iterator[Activities]:
    """The activities of every queue; called on the loop that the client belongs to."""
    with world_of(terms, SystemClock()) as world:
        shop = shop_of(terms, world)
        if terms.mode == LIVE:
            check_deciders(shop.tracks.predictors(terms.track, TradingHour.at(FOR_EVER)))
        yield assembled(terms, client, shop, releases(terms))


def check_deciders(predictors: Sequence[str]) -> None:
    """Refuse mandates by which anything but a promoted release decides over money."""
    others = [name for name in predictors if name != CHAMPION]
    if others:
        raise UsageError(f"{', '.join(others)} may not decide over money; only a promoted release may")


def world_of(terms: Terms, clock: Clock) -> AbstractContextManager[World]:
    """The world that the mode names, by `clock` where time is real."""
    told = (terms.home, terms.venue)
    if terms.mode == PAPER:
        config = trading.load(terms.fees)
        # Who does not trade has no part in the account: one process holds its file.
        file = PAPER_FILE if TRADING in terms.queues else f"empty-{terms.queues[0]}.jsonl"
        return on_paper(*told, PaperRules(config.execution, config.fees), clock, terms.objects, file)
    credentials = terms.credentials()
    if terms.mode == LIVE:
        return at_kraken(*told, credentials, clock, terms.objects)
    return in_replay(*told, credentials, terms.objects)


def shop_of(terms: Terms, world: World) -> Shop:
    """A real venue's own list says what a tick and a lot are; a replay keeps the grids of its backtest."""
    grid = grids.grid_for if terms.mode == REPLAY else world.catalogue.instrument
    engine = connect(terms.database)
    return Shop(
        engine,
        opened(terms.objects, terms.home / "objects"),
        world,
        HourBooks(engine, world.stamp),
        Tracks(engine, world.stamp),
        {name: grid(name) for name in terms.instruments},
    )


def assembled(terms: Terms, client: Client, shop: Shop, predictors: Mapping[str, Release]) -> Activities:
    """`predictors` by the name that mandates call them by."""
    world, stamp = shop.world, shop.world.stamp
    states = TradingStates(shop.engine, stamp)
    latch = WorkflowLatch(client, states, lambda track, name: guard_of(shop, track, name))
    warms = terms.mode != REPLAY
    feed = VenueFeed(VENUE, world.market, BarStore(terms.home / "bars"), terms.instruments, gaps=warms)
    lists, rules = universe.load()
    market = MarketRules(
        shop.instruments, trading.data_venues()[VENUE], lists, rules, trading.load().execution
    )
    before = BEFORE_OPENING[terms.mode]
    floor = Floor(shop.books, shop.objects, world.clock, accounts(shop, before, latch), shop.instruments)
    channels = AlertSettings.load(terms.home / "alerts.toml").channels()
    halt = HaltActivities(
        states,
        OperatorKeys(terms.home / "operators"),
        WorkingEntries(shop.engine, lambda _track, portfolio: world.of(portfolio)),
        AlertOutbox(shop.engine, channels, stamp),
    )
    keys = terms.audit or terms.home / "audit"
    models = terms.models or terms.home / "models"
    promotions = records_of(models, terms.shelf, "promotions").all
    anchor = terms.anchor or str(keys / "anchor")
    sealer = Sealer(shop.engine, keys, anchor, promotions, stamp)
    carry(shop.engine, terms.track, promotions)
    nightly, proofs = nightly_of(terms, shop, anchor), Proofs(shop.engine, stamp)
    watch = Monitors(
        shop.engine,
        terms.home,
        shop.objects.read,
        lambda digest: ModelRegistry(models, terms.shelf).named(digest),
        stamp,
    )
    return {
        MARKET: [
            *MarketActivities(
                feed,
                shop.objects,
                shop.tracks,
                world.clock,
                market,
                predictors,
                shop.objects.put_bytes(canonical_json(environment())),
                warms=warms,
            ).activities(),
            *(nightly.survey, nightly.export),
            *MonitoringActivities(watch, shop.tracks).activities(),
        ],
        TRADING: [
            *BatchActivities(floor, latch, gauge_of(terms, shop)).activities(),
            *OrderActivities(floor).activities(),
            *ClosingActivities(
                floor, shop.tracks, shop.objects, sealer.seal, proofs.owed, ProofStarts(client).begin
            ).activities(),
            *proving(terms, proofs, states, latch).activities(),
            nightly.fees,
            *halt.errands(),
            # Asked for before guards had a queue of their own, and not answered yet.
            *halt.records(),
        ],
        GUARD: halt.records(),
        TRADING_WAIT: WaitActivities(world.clock, client).activities(),
        TRAINING: [
            *TrainingActivities(
                Pieces(), lambda: ModelRegistry(models, terms.shelf), shop.objects
            ).activities(),
            *(nightly.plan_training, nightly.finish_training),
        ],
    }


def nightly_of(terms: Terms, shop: Shop, anchor: str) -> NightlyActivities:
    """What runs beside the hours."""
    world, house = shop.world, terms.house or terms.home
    return NightlyActivities(
        VenueSurvey(world.public, terms.instruments),
        AccountFees(shop.engine, world.private, world.catalogue, terms.instruments),
        shop.objects,
        shop.tracks,
        Trainer(house),
        Exports(shop.engine, anchor, house / "exports").write,
    )


def gauge_of(terms: Terms, shop: Shop) -> Gauge:
    """What a running hour measures; other venues are asked only where Kraken itself is."""
    world, system = shop.world, SystemClock()
    others: list[Reference] = []
    if terms.mode != REPLAY and terms.venue == BASE_URL:
        wires = {
            name: Wire(
                url, reply_log(terms.home, name, system, terms.objects), system, deadline_s=REFERENCE_S
            )
            for name, url in (("binance", binance.BASE_URL), ("coinbase", coinbase.BASE_URL))
        }
        others = references(wires, world.stamp)
    return Gauge(
        world.public,
        world.catalogue,
        world.meter,
        world.time,
        shop.tracks,
        shop.objects.put_bytes,
        trading.live_rules(),
        others,
    )


def accounts(shop: Shop, before: timedelta, latch: WorkflowLatch) -> Callable[[str, str], Account]:
    """The account of (track, portfolio), read from `before` its opening on; the portfolios of a world share
    one, unless it says otherwise.
    """
    world = shop.world

    @cache
    def account(track: str, portfolio: str) -> Account:
        key = PortfolioKey(track, portfolio)
        with reading(shop.engine) as session:
            row = session.get_one(Portfolio, tuple(key))
        ours, venue = Ours(shop.engine, key, row.quote, shop.instruments), world.of(portfolio)

        def guard(hour: TradingHour) -> LiveGuard:
            with shop.books.view(track, portfolio) as books:
                told = books.decision(hour)
            book = Book(row.quote, shop.instruments, marks_of(told.document) if told else {})
            return LiveGuard(shop.engine, key, venue, lambda: latch.standing(track, portfolio), book)

        return Account(ours, row.opened - before, venue, world.clock, guard)

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
