"""The guard of a portfolio on a real engine: marks, trips, reviews, and what may never come of them."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from temporalio.client import WorkflowUpdateFailedError

from activities.messages import GuardRules
from adapters.clock import SystemClock
from adapters.storage.base import PortfolioKey
from adapters.storage.engine import unit_of_work
from adapters.storage.halts import Halts
from adapters.storage.portfolios import open_portfolio
from adapters.storage.trading_state import TradingStates
from tests.devserver import DevServer
from tests.halting import CONFIG, EQUITY, START, Edges, Guard, database, working
from tests.stored import NOW
from trading.risk.live_triggers import SPREAD_ANOMALY
from trading.risk.trading_state import (
    ACTIVE,
    HALTED,
    REDUCING,
    Act,
    Standing,
    Tellings,
    objection,
    signed_bytes,
)

COUNT = count()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevServer]:
    server = DevServer(tmp_path_factory.mktemp("temporal"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Engine]:
    """A database holds the tracks of one mode."""
    return {
        track: database(tmp_path_factory.mktemp(track), PortfolioKey(track, "first"))
        for track in ("replay-t", "live-t")
    }


class Scene:
    """A guard under test, with its database and edges."""

    def __init__(self, guard: Guard, engine: Engine, edges: Edges, server: DevServer) -> None:
        self.guard, self.engine, self.edges, self.server = guard, engine, edges, server
        self.states = TradingStates(engine, SystemClock())

    async def may_enter(self, epoch: int) -> str:
        """Why an entry may not leave, by all three tellings; empty if it may."""
        status = await self.guard.status()
        row, audit = self.states.tellings(*self.guard.key)
        return objection(Tellings(Standing(status.state, status.epoch), row, audit), epoch)

    def events(self) -> list[str]:
        return [event.what for event in self.states.history(*self.guard.key)]

    def by_hand(self, state: str, epoch: int) -> None:
        """A person changes the row."""
        with unit_of_work(self.engine, self.guard.key) as session:
            Halts(session, self.guard.key).change(Standing(state, epoch), "by hand", "somebody", NOW)


Play = Callable[[Callable[[Scene], Awaitable[None]]], None]


@pytest.fixture
def play(server: DevServer, engines: dict[str, Engine]) -> Callable[..., None]:
    """Plays a scene on a guard of its own."""

    def played(scene: Callable[[Scene], Awaitable[None]], track: str = "replay-t", **start: Any) -> None:
        async def whole() -> None:
            client = await server.connect()
            edges = Edges()
            async with working(client, engine, edges):
                guard = Guard(client, key)
                await guard.start(**start)
                await scene(Scene(guard, engine, edges, server))

        key, engine = PortfolioKey(track, f"p{next(COUNT)}"), engines[track]
        with unit_of_work(engine) as session:
            open_portfolio(session, key, "USD", NOW)
        asyncio.run(whole())

    return played


def test_a_halt_latches_at_20_percent_and_only_somebody_else_resumes(play: Play) -> None:
    async def scene(s: Scene) -> None:
        tiers = [await s.guard.mark(EQUITY * part // 100) for part in (100, 90, 85)]
        assert [out.tier for out in tiers] == [0, 1, 2]
        assert await s.may_enter(0) == ""
        s.edges.working = 2
        out = await s.guard.mark(EQUITY * 80 // 100)
        assert (out.state, out.tier, out.halt_id, out.reasons) == (HALTED, 3, "halt-1", ("drawdown",))
        assert "HALTED by the workflow" in await s.may_enter(1)
        assert (await s.guard.mark(EQUITY)).state == HALTED
        await s.guard.until(entries_cancelled=True)
        assert s.edges.looks >= 2
        assert "nobody requested" in (await s.guard.approve("bob", "halt-1")).refusal
        assert (await s.guard.request("ada", "halt-1")).accepted
        assert "somebody else" in (await s.guard.approve("ada", "halt-1")).refusal
        assert "not the halt" in (await s.guard.approve("bob", "halt-0")).refusal
        done = await s.guard.approve("bob", "halt-1")
        assert (done.accepted, done.state, done.epoch) == (True, ACTIVE, 2)
        assert await s.may_enter(2) == ""
        assert "epoch 1" in await s.may_enter(1)
        assert "no halt" in (await s.guard.approve("bob", "halt-1")).refusal
        acts = ["refused", "request", "refused", "refused", "approve", "resumed", "refused"]
        assert s.events() == ["opened", "tripped", *acts]
        out = await s.guard.mark(EQUITY * 70 // 100)
        assert (out.state, out.tier, out.peak, out.lifetime_peak) == (ACTIVE, 0, EQUITY * 70 // 100, EQUITY)

    play(scene)


def test_an_hour_told_twice_late_or_to_the_wrong_guard_changes_nothing(play: Play) -> None:
    async def scene(s: Scene) -> None:
        first = await s.guard.mark()
        await s.guard.mark()
        s.guard.hour = START
        assert await s.guard.mark(1) == first
        assert (await s.guard.status()).equity == EQUITY
        s.guard.hour = s.guard.hour.next
        with pytest.raises(WorkflowUpdateFailedError):
            await s.guard.mark(portfolio="another")

    play(scene)


def test_triggers_reduce_and_clear_by_themselves_in_all_three_tellings(play: Play) -> None:
    async def scene(s: Scene) -> None:
        out = await s.guard.mark(triggers=(SPREAD_ANOMALY,))
        assert (out.state, out.reasons) == (REDUCING, (SPREAD_ANOMALY,))
        reducing = Standing(REDUCING, 0)
        assert s.states.tellings(*s.guard.key) == (reducing, reducing)
        assert [(await s.guard.mark()).state for _ in range(6)] == [REDUCING] * 5 + [ACTIVE]
        assert await s.may_enter(0) == ""
        out = await s.guard.mark(trips=("reconciliation mismatch",))
        assert (out.state, out.reasons) == (HALTED, ("reconciliation mismatch",))

    play(scene)


def test_a_trip_by_hand_begins_a_review_anew(play: Play) -> None:
    async def scene(s: Scene) -> None:
        await s.guard.mark()
        assert (await s.guard.trip()).halt_id == "halt-1"
        await s.guard.request("ada", "halt-1")
        assert (await s.guard.trip("bob", "still wrong")).halt_id == "halt-2"
        assert "halt-2 is" in (await s.guard.approve("eve", "halt-1")).refusal
        assert "nobody requested" in (await s.guard.approve("eve", "halt-2")).refusal
        with pytest.raises(WorkflowUpdateFailedError):
            await s.guard.trip(reason=" ")
        assert s.events() == ["opened", "tripped", "request", "tripped", "refused", "refused"]

    play(scene)


def test_two_approvals_are_two_people(play: Play) -> None:
    async def scene(s: Scene) -> None:
        await s.guard.mark()
        await s.guard.trip()
        await s.guard.request("ada", "halt-1")
        first = await s.guard.approve("bob", "halt-1", id="same")
        assert (first.accepted, first.state, first.approvers) == (True, HALTED, ("bob",))
        assert await s.guard.approve("bob", "halt-1", id="same") == first
        assert "approved already" in (await s.guard.approve("bob", "halt-1")).refusal
        assert (await s.guard.approve("eve", "halt-1")).state == ACTIVE

    play(scene, approvals_required=2)


def test_a_row_loosened_by_hand_lets_nothing_pass_and_is_found(play: Play) -> None:
    async def scene(s: Scene) -> None:
        await s.guard.mark()
        await s.guard.trip()
        s.by_hand(ACTIVE, 2)
        assert "HALTED by the workflow" in await s.may_enter(2)
        out = await s.guard.mark()
        assert (out.state, out.reasons[-1]) == (HALTED, "found tightened")
        assert s.states.tellings(*s.guard.key)[0] == Standing(HALTED, out.epoch)

    play(scene)


def test_a_row_tightened_by_hand_holds_at_once_and_is_taken_over(play: Play) -> None:
    async def scene(s: Scene) -> None:
        await s.guard.mark()
        s.by_hand(HALTED, 1)
        assert "HALTED by the row" in await s.may_enter(0)
        out = await s.guard.mark()
        assert (out.state, out.halt_id) == (HALTED, "halt-1")
        assert s.events() == ["opened", "taken over"]
        await s.guard.request("ada", "halt-1")
        assert (await s.guard.approve("bob", "halt-1")).state == ACTIVE
        assert await s.may_enter(2) == ""
        s.by_hand(REDUCING, 2)
        assert "REDUCING by the row" in await s.may_enter(2)
        assert (await s.guard.mark()).state == REDUCING

    play(scene)


def test_a_resume_that_the_row_does_not_know_is_refused(play: Play) -> None:
    async def scene(s: Scene) -> None:
        await s.guard.mark()
        await s.guard.trip()
        await s.guard.request("ada", "halt-1")
        s.by_hand(HALTED, 2)
        refused = await s.guard.approve("bob", "halt-1")
        assert "the row is HALTED at epoch 2" in refused.refusal
        assert (await s.guard.status()).halt_id == "halt-2"

    play(scene)


def test_a_plain_signal_resumes_and_a_garbled_one_is_recorded(play: Play) -> None:
    async def scene(s: Scene) -> None:
        await s.guard.mark()
        await s.guard.trip()
        named = ["--workflow-id", s.guard.handle.id, "--name", "resume"]
        for said in (
            '"hello"',
            '{"halt_id": "halt-1", "operator": 7}',
            '{"halt_id": "halt-1", "operator": "ada", "role": "request", "reason": "by hand"}',
            '{"halt_id": "halt-1", "operator": "ada", "role": "approve", "reason": "by hand"}',
            '{"halt_id": "halt-1", "operator": "bob", "role": "approve", "reason": "by hand"}',
        ):
            s.server.cli("workflow", "signal", *named, "--input", said)
        await s.guard.until(state=ACTIVE)
        acts = ["refused", "refused", "request", "refused", "approve", "resumed"]
        assert s.events() == ["opened", "tripped", *acts]
        assert await s.may_enter(2) == ""

    play(scene)


def test_in_live_a_person_opens_and_every_act_is_signed(play: Play) -> None:
    async def scene(s: Scene) -> None:
        def signed(operator: str, role: str, reason: str) -> str:
            said = signed_bytes(*s.guard.key, Act("halt-1", operator, role, reason))
            return f"{operator} signs {said.decode()}"

        assert (await s.guard.mark(review_after_h=1)).reasons == ("opening",)
        assert (await s.guard.mark(review_after_h=1)).state == HALTED
        assert "no signature" in (await s.guard.request("ada", "halt-1")).refusal
        await s.guard.request("ada", "halt-1", signature=signed("ada", "request", "read it all"))
        stolen = signed("ada", "request", "read it all")
        assert "no signature" in (await s.guard.approve("bob", "halt-1", signature=stolen)).refusal
        done = await s.guard.approve("bob", "halt-1", signature=signed("bob", "approve", "seconded"))
        assert done.state == ACTIVE
        fallen = [await s.guard.mark(EQUITY // 2, review_after_h=1) for _ in range(3)]
        assert [out.reasons for out in fallen] == [("drawdown",)] * 3

    play(scene, track="live-t")


def test_a_replay_s_rule_lifts_a_drawdown_and_nothing_else(play: Play) -> None:
    async def scene(s: Scene) -> None:
        await s.guard.mark()
        assert (await s.guard.mark(EQUITY // 2, review_after_h=2)).state == HALTED
        assert (await s.guard.mark(EQUITY // 2, review_after_h=2)).state == HALTED
        out = await s.guard.mark(EQUITY // 2, review_after_h=2)
        assert (out.state, out.epoch, out.peak) == (ACTIVE, 2, EQUITY // 2)
        await s.guard.trip()
        assert [(await s.guard.mark(EQUITY // 2, review_after_h=2)).state for _ in range(4)] == [HALTED] * 4

    play(scene)


def test_a_guard_follows_the_rules_as_they_are_configured_now(play: Play) -> None:
    async def scene(s: Scene) -> None:
        tight = GuardRules.of(CONFIG.limits._replace(drawdown_halt_pct=12), CONFIG.kill_switch)
        await s.guard.mark()
        assert (await s.guard.mark(EQUITY * 87 // 100)).state == ACTIVE
        assert (await s.guard.mark(EQUITY * 87 // 100, rules=tight, approvals_required=2)).state == HALTED
        assert (await s.guard.status()).approvals_required == 2

    play(scene)


def test_a_halt_shows_in_lists_and_in_the_details(play: Play) -> None:
    async def scene(s: Scene) -> None:
        await s.guard.mark()
        await s.guard.trip()
        query = f"BallastRiskState = 'HALTED' AND BallastPortfolio = '{s.guard.key.portfolio}'"
        for _ in range(100):
            if s.server.cli("workflow", "count", "--query", query).strip() == "Total: 1":
                break
            await asyncio.sleep(0.05)
        assert s.guard.handle.id in s.server.cli("workflow", "list", "--query", query)

    play(scene)


def test_a_storm_over_many_runs_loses_no_trip_and_answers_the_same(tmp_path: Path) -> None:
    """Runs are short here: the engine suggests to continue as new after 60 events."""
    key, acts = PortfolioKey("replay-t", "storm"), 15

    async def storm(server: DevServer) -> tuple[int, list[str], int]:
        client = await server.connect()
        engine = database(tmp_path, key)
        states = TradingStates(engine, SystemClock())
        async with working(client, engine, Edges()):
            guard = Guard(client, key)
            await guard.start()
            await guard.mark()
            first = await guard.trip(request_id="same")
            for first_of in range(0, acts, 5):
                some = range(first_of, first_of + 5)
                said = [{"halt_id": "halt-1", "operator": f"o{n}", "role": "approve"} for n in some]
                await asyncio.gather(
                    *(guard.handle.signal("resume", one) for one in said),
                    *(guard.trip(reason=f"reason {n}") for n in some),
                    *(guard.mark() for _ in some),
                )
            await guard.until(epoch=acts + 1)
            again = await guard.trip(request_id="same")
            assert (again.epoch, first.epoch) == (acts + 1, 1)
            while len(events := states.history(*key, most=1000)) < 2 + 2 * acts:
                await asyncio.sleep(0.05)
            runs = server.cli("workflow", "count", "--query", "ExecutionStatus = 'ContinuedAsNew'")
            return (await guard.status()).epoch, [event.what for event in events], int(runs.split()[-1])

    server = DevServer(tmp_path, "limit.historyCount.suggestContinueAsNew=60")
    server.start()
    try:
        epoch, events, runs = asyncio.run(storm(server))
    finally:
        server.stop()
    assert epoch == acts + 1
    assert (events.count("tripped"), events.count("refused")) == (acts + 1, acts)
    assert runs >= 2
