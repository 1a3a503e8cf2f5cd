"""An hour with orders in real time, on paper and with an account: what a replay never runs.

The simulator's clock goes on with the wall. Where an hour waits for minute 55 and 58, both jump together.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select
from temporalio.client import Client

from activities.halt_messages import ReviewIn
from adapters.audit.keys import make
from adapters.bars import BarStore
from adapters.clock import SystemClock
from adapters.reconstruction.source import Home, of_home
from adapters.reconstruction.stages import OUTPUTS, STAGES, compare
from adapters.storage.base import PortfolioKey
from adapters.storage.engine import connect, reading, sqlite_url, unit_of_work
from adapters.storage.hours import PortfolioHour
from adapters.storage.journal import Journal
from adapters.storage.migrate import upgrade
from adapters.storage.orders import FillRow, OrderRow
from adapters.storage.reconciliations import Reconciliations
from adapters.storage.states import Proof
from adapters.storage.tracks import Opening, open_track
from adapters.worlds import World
from temporal.launches import launched
from tests.lively import LIVELY
from tests.replaying import CACHE, NAMESPACE, UNITS, Market, client_of, engine_process, made_up
from tests.running import Simulator, simulator
from trading.clock import DAY_H, TradingHour
from trading.compiled import use_cache
from trading.execution.orders import State
from trading.ledger.entries import holdings
from trading.live.machines import PLAIN
from trading.policies.exercise import EXERCISE
from trading.risk.trading_state import APPROVE, REQUEST, Act, signed_bytes
from worker.compose import Exercise, assembled, shop_of, world_of
from worker.main import workers
from worker.terms import Terms
from workflows.drawdown_halt import DrawdownHaltWorkflow
from workflows.names import halt_id

BUSY_H = 52
CASH, COINS = 100_000, "2.5"
SOON = timedelta(seconds=5)
OF_A_RULE = [stage for stage in STAGES if stage != OUTPUTS]


class Jumping(SystemClock):
    """The wall's clock, moved by whole jumps together with the simulator's."""

    def __init__(self, venue: Simulator, at: datetime) -> None:
        self._venue = venue
        self._ahead = at - datetime.now(UTC)
        self._jumped_s = 0.0
        venue.control("advance", to_s=at.timestamp())

    def now(self) -> datetime:
        return super().now() + self._ahead

    def monotonic_s(self) -> float:
        return super().monotonic_s() + self._jumped_s

    def jump(self, to: datetime) -> None:
        """Neither clock goes back."""
        by = to - self.now()
        if by > timedelta(0):
            self._ahead += by
            self._jumped_s += by.total_seconds()
            self._venue.control("advance", to_s=to.timestamp())


@dataclass
class Desk:
    """A portfolio in real time."""

    terms: Terms
    client: Client
    clock: Jumping
    engine: Engine
    market: Market

    @property
    def key(self) -> PortfolioKey:
        return PortfolioKey(self.terms.track, "main")

    async def lived(self, hour: TradingHour) -> PortfolioHour:
        """Launch an hour five seconds after its asof and see it through; returns how it ended."""
        self.clock.jump(hour.asof + SOON)
        ending = asyncio.ensure_future(launched(self.client, self.terms.track, hour.asof))
        for minute in (3.0, 30.0, 55.2, 56.5, 58.2):
            await self.busy(hour, ending)
            if ending.done():
                break
            await asyncio.to_thread(self.clock.jump, hour.asof + timedelta(minutes=minute))
        out = await asyncio.wait_for(ending, 240)
        assert (out.outcome, out.settled) == ("DONE", 1)
        with reading(self.engine) as session:
            return session.get_one(PortfolioHour, (*self.key, hour.asof))

    async def busy(self, hour: TradingHour, ending: "asyncio.Future[Any]") -> None:
        """Return when every order of the hour rests or is over, and something of it was sent; or the end."""
        for _ in range(600):
            with reading(self.engine) as session:
                mine = (OrderRow.track == self.key.track, OrderRow.asof == hour.asof)
                states = session.scalars(select(OrderRow.state).where(*mine)).all()
            moving = {State.PLANNED, State.SENT, State.UNKNOWN} & set(states)
            if ending.done() or (states and not moving):
                await asyncio.sleep(1.0)
                return
            await asyncio.sleep(0.2)
        raise AssertionError(f"{hour} sends nothing")

    async def approve(self) -> None:
        """Lift the halt that a live portfolio begins with, by two people with keys of their own."""
        guard = self.client.get_workflow_handle(halt_id(*self.key))
        status = await guard.query(DrawdownHaltWorkflow.status)
        folder = self.terms.home / "operators"
        folder.mkdir()
        acts = (("ada", REQUEST, DrawdownHaltWorkflow.request_resume),)
        acts += (("bob", APPROVE, DrawdownHaltWorkflow.approve_resume),)  # type: ignore[assignment]
        for name, role, update in acts:
            key = make(self.terms.home / "private", name)
            (folder / f"{name}.pub").write_text(key.public)
            act = Act(status.halt_id, name, role, "first day")
            signature = key.sign(signed_bytes(*self.key, act))
            said = ReviewIn(**act._asdict(), signature=signature)
            assert (await guard.execute_update(update, said)).accepted


@asynccontextmanager
async def desk(folder: Path, mode: str) -> AsyncIterator[Desk]:
    market, home, account = made_up(folder / "bars", BUSY_H), folder / "home", folder / "account"
    home.mkdir()
    account.mkdir()
    (account / "bars").symlink_to(market.folder)
    for name in market.instruments:
        before = BarStore(market.folder).read("kraken", name, None, market.first.number - 1)
        BarStore(home / "bars").write("kraken", name, before)
    days = str((market.last.number - market.first.number) // DAY_H)
    at = market.first.asof.strftime("%Y-%m-%dT%H:%M")
    told = ("--venue", "kraken", "--at", at, "--days", days, "--cash", str(CASH), "--speed", "1")
    with ExitStack() as stack:
        venue = stack.enter_context(simulator(account, *told))
        port = stack.enter_context(engine_process(folder)).port
        clock = Jumping(venue, market.first.asof + SOON)
        venue.control("deposit", asset="ETH", amount=COINS)
        terms = Terms.model_validate(
            {
                "mode": mode,
                "track": f"{mode}-1",
                "home": home,
                "database": str(sqlite_url(folder / "ballast.db")),
                "temporal": f"127.0.0.1:{port}",
                "namespace": NAMESPACE,
                "venue": venue.address,
                "key": venue.ready["key"],
                "secret": venue.ready["secret"],
                "instruments": market.instruments,
                "cache": CACHE,
            }
        )
        engine = connect(terms.database)
        upgrade(engine)
        world = stack.enter_context(world_of(terms, clock))
        open_portfolio(engine, world, terms, market.first)
        client = await client_of(terms.server)
        # No command lets it decide over money; here it stands for a release.
        served = assembled(terms, client, shop_of(terms, world), {EXERCISE: Exercise()})
        async with workers(client, served):
            yield Desk(terms, client, clock, engine, market)


def open_portfolio(engine: Engine, world: World, terms: Terms, first: TradingHour) -> None:
    """As `ballast up` does it, with a lively configuration."""
    if terms.mode == "paper":
        world.venue.open_with("USD", CASH * UNITS)  # type: ignore[attr-defined]
    held = {asset: row.total for asset, row in world.venue.balances().items()}
    booked = held if terms.mode == "live" else None
    opening = Opening(
        PortfolioKey(terms.track, "main"),
        "USD",
        held["USD"],
        first,
        EXERCISE,
        LIVELY,
        opened=world.venue.now(),
        booked=booked,
    )
    with unit_of_work(engine) as session:
        open_track(session, opening, {"mode": terms.mode})


async def the_story(folder: Path, mode: str) -> int:
    """Returns how many trades were booked."""
    async with desk(folder, mode) as at:
        hour = at.market.first
        if mode == "live":
            assert (await at.lived(hour)).outcome == "HALTED"
            await at.approve()
            hour = hour.next
        assert (await at.lived(hour)).outcome == "TRADED"
        with reading(at.engine) as session:
            fills = session.scalars(select(FillRow)).all()
            booked = holdings(Journal(session, at.key).balances())
            compared = Reconciliations(session, at.key).latest()
            findings = Reconciliations(session, at.key).unreviewed()
        assert fills
        assert compared is not None
        assert (compared[1], findings) == ({}, [])
        assert booked["USD"] == CASH * UNITS - sum(fill.value + fill.fee for fill in fills)
        at.clock.jump(hour.next.next.asof + SOON)
        assert (await at.lived(hour.next)).outcome == "MISSED"
        check_again(at, hour)
        return len(fills)


def check_again(at: Desk, hour: TradingHour) -> None:
    """The hour comes out of what was stored once more, stage by stage, and no proof says otherwise."""
    with reading(at.engine) as session:
        assert session.scalars(select(Proof.note).where(~Proof.held)).all() == []
    source = of_home(Home(at.engine, at.terms.home, at.terms.home / "models"), at.key, hour)
    again = source.rebuilder(PLAIN).rebuild(hour)
    rows = compare(source.recorded(hour), again.stages)
    assert [row.stage for row in rows] == list(OF_A_RULE)
    assert [(row.stage, row.where) for row in rows if not row.same] == []


@pytest.mark.parametrize("mode", [pytest.param("paper", marks=pytest.mark.slow), "live"])
def test_an_hour_trades_in_real_time(tmp_path: Path, mode: str) -> None:
    use_cache(CACHE)
    assert asyncio.run(the_story(tmp_path, mode)) > 0
