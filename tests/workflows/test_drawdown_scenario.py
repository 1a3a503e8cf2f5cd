"""A drawdown from the first percent to the last approval, through the death of worker and engine and through
hands on the database; people speak by command, by the API, or by a plain signal of Temporal's own command.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session
from typer.testing import CliRunner

from activities.messages import GuardOut
from adapters.clock import SystemClock
from adapters.objects import ObjectStore
from adapters.storage.base import PortfolioKey
from adapters.storage.engine import unit_of_work
from adapters.storage.halts import Halts
from adapters.storage.trading_state import TradingStates
from api.access.roles import Role
from api.app import Parts, application
from cli.halt import app as commands
from cli.supervisor.house import House, Running
from temporal.client import Server
from temporal.guards import Guards
from tests.devserver import NAMESPACE, DevServer
from tests.halting import EQUITY, START, Guard, database
from tests.installation import PASSWORD
from tests.make_believe import LOTS, PAIR, TRACK, entry
from tests.make_believe import World as Venue
from tests.stored import NOW
from trading.execution.entering import enter
from trading.execution.leaving import Exit, leave
from trading.execution.orders import State
from trading.risk.trading_state import ACTIVE, APPROVE, HALTED, REQUEST, Standing, Tellings, objection
from workflows.names import halt_id

ROOT = Path(__file__).resolve().parents[2]
KEY = PortfolioKey("replay-a-1", "main")
T = TypeVar("T")
SIGNAL_S = 20.0
"""A signal is not answered; what came of it is recorded by then."""
FALL = ((100, 0, ACTIVE), (90, 1, ACTIVE), (85, 2, ACTIVE), (80, 3, HALTED))
"""Percent of the peak, and the tier and state that follow."""


class Desk:
    """One portfolio with its guard, its home, and everything that can be killed or changed by hand."""

    def __init__(self, folder: Path) -> None:
        self.server, self.house = DevServer(folder), House(folder / "home")
        self._files = self.house.database("replay").parent
        self._files.mkdir(parents=True)
        self.engine = database(self._files, KEY)
        self.states = TradingStates(self.engine, SystemClock())
        self.hour = START
        self.house.note(
            Running(
                mode="replay",
                track=KEY.track,
                portfolio=KEY.portfolio,
                namespace=NAMESPACE,
                started="2026-03-01T12:00:00Z",
                addresses={"temporal": self.server.address},
            )
        )

    def start(self) -> None:
        self.server.start()
        told = [sys.executable, "-m", "tests.halting", self.server.address, str(self._files)]
        self._worker = subprocess.Popen(told, cwd=ROOT)

    def kill(self) -> None:
        self._worker.kill()
        self._worker.wait()
        self.server.kill()

    def ask(self, question: Callable[[Guard], Awaitable[T]]) -> T:
        """What the guard answers, asked by a client of its own."""

        async def asked() -> T:
            guard = Guard(await self.server.connect(), KEY)
            guard.hour = self.hour
            answer = await question(guard)
            self.hour = guard.hour
            return answer

        return asyncio.run(asked())

    def mark(self, percent: int) -> GuardOut:
        return self.ask(lambda guard: guard.mark(EQUITY * percent // 100))

    def by_hand(self, state: str, epoch: int) -> None:
        """A person changes the row of the database."""
        with unit_of_work(self.engine, KEY) as session:
            Halts(session, KEY).change(Standing(state, epoch), "by hand", "somebody", NOW)

    def refusal(self, epoch: int, workflow: Standing | None = None) -> str:
        """Why an entry of that epoch may not leave, by all three tellings; the workflow's is asked for."""
        if workflow is None:
            status = self.ask(lambda guard: guard.status())
            workflow = Standing(status.state, status.epoch)
        return objection(Tellings(workflow, *self.states.tellings(*KEY)), epoch)

    def acts(self) -> list[str]:
        return [event.what for event in self.states.history(*KEY)]

    def review(self, say: "Say", halt: str) -> list[str]:
        """One asks, approves what they asked for, and is refused; then another approves. What is recorded."""
        before = len(self.acts())
        for operator, role, count in (("ada", REQUEST, 1), ("ada", APPROVE, 2), ("bob", APPROVE, 4)):
            say(self, operator, role, halt)
            until_s = time.monotonic() + SIGNAL_S
            while len(self.acts()) < before + count and time.monotonic() < until_s:
                time.sleep(0.05)
        return self.acts()[before:]


Say = Callable[[Desk, str, str, str], None]


def by_command(desk: Desk, operator: str, role: str, halt: str) -> None:
    command = {REQUEST: "request-resume", APPROVE: "approve"}[role]
    told = [command, halt, "--operator", operator, "--reason", "read it all"]
    CliRunner().invoke(commands, [*told, "--home", str(desk.house.home)])


def by_api(desk: Desk, operator: str, role: str, halt: str) -> None:
    """Who asked is an approver by now, so that not their role refuses them but the guard."""
    guards = Guards(lambda: Server(desk.server.address, NAMESPACE))
    objects = desk.house.home / "objects"
    parts = Parts(desk.engine, desk.house.home, lambda: NOW, unrecorded, True, lambda _: ObjectStore(objects))
    api = application(parts._replace(guards=guards))
    may = {REQUEST: Role.OPERATOR, APPROVE: Role.APPROVER}[role]
    access = api.state.access
    if operator in {person.name for person in access.people()}:
        access.change_user(operator, by="test", role=may)
    else:
        access.add_user(operator, may, (KEY.portfolio,), PASSWORD, "test")
    with TestClient(api, base_url="https://ballast.test") as browser:
        signed_in = browser.post("/api/session", json={"name": operator, "password": PASSWORD})
        browser.headers["X-CSRF-Token"] = signed_in.json()["csrf"]
        path = {REQUEST: "request-resume", APPROVE: "approve-resume"}[role]
        body = {"halt_id": halt, "reason": "read it all"}
        browser.post(f"/api/portfolios/{KEY.portfolio}/halt/{path}", json=body)


def by_signal(desk: Desk, operator: str, role: str, halt: str) -> None:
    said = {"halt_id": halt, "operator": operator, "role": role, "reason": "read it all"}
    named = ("--workflow-id", halt_id(*KEY), "--name", "resume")
    desk.server.cli("workflow", "signal", *named, "--input", json.dumps(said))


def unrecorded(_session: Session, _kind: str, _facts: dict[str, str]) -> None:
    """Acts of review are recorded by the guard, whoever passes them on."""


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    made.start()
    try:
        yield made
    finally:
        made.kill()


def entered(refusal: str, epoch: int) -> list[State]:
    """What becomes of an approved entry under this refusal."""
    world = Venue()
    world.gate.refusal = refusal
    states: list[State] = [order.state for order in world.run(lambda: enter(entry(halt_epoch=epoch)))]
    assert bool(world.venue.submitted) == (State.DENIED not in states)
    return states


def exited(refusal: str) -> int:
    """Coins that are left of a position after an exit under this refusal."""
    world = Venue()
    world.gate.refusal, world.venue.coins = refusal, LOTS
    world.run(lambda: leave(Exit(TRACK, "exit", PAIR, LOTS, 0, 10)))
    return world.venue.coins


def only_exits_pass(refusal: str, epoch: int) -> bool:
    return bool(refusal) and entered(refusal, epoch) == [State.DENIED] and exited(refusal) == 0


@pytest.mark.parametrize("say", [by_command, by_api, by_signal])
def test_a_drawdown_halts_through_deaths_and_hands_until_two_people_end_it(desk: Desk, say: Say) -> None:
    desk.ask(lambda guard: guard.start())
    for percent, tier, state in FALL:
        out = desk.mark(percent)
        assert (out.tier, out.state) == (tier, state)
    desk.kill()
    gone = objection(Tellings(None, *desk.states.tellings(*KEY)), 1)
    assert gone == "the trading state of the workflow is missing"
    assert only_exits_pass(gone, 1)
    desk.start()
    out = desk.mark(100)
    assert (out.state, out.halt_id) == (HALTED, "halt-1"), "the market came back, the halt stands"
    assert only_exits_pass(desk.refusal(1), 1)
    desk.by_hand(ACTIVE, 2)
    assert "HALTED by the workflow" in desk.refusal(2)
    assert only_exits_pass(desk.refusal(2), 2)
    halt = desk.mark(100).halt_id
    assert halt != "halt-1", "a row loosened by hand is a halt of its own"
    assert desk.review(say, halt) == ["request", "refused", "approve", "resumed"]
    out = desk.mark(100)
    assert (out.state, out.tier) == (ACTIVE, 0)
    assert desk.refusal(out.epoch) == ""
    assert State.DENIED not in entered("", out.epoch)
    desk.by_hand(HALTED, out.epoch + 1)
    assert "HALTED by the row" in desk.refusal(out.epoch)
    assert only_exits_pass(desk.refusal(out.epoch), out.epoch)
    assert desk.mark(100).state == HALTED, "and the workflow takes it over"
