"""A halt through the death of worker and engine: entries stay out, exits pass, only a review ends it."""

import asyncio
import subprocess
import sys
from pathlib import Path

from adapters.clock import SystemClock
from adapters.storage.base import PortfolioKey
from adapters.storage.trading_state import TradingStates
from tests.devserver import DevServer
from tests.halting import EQUITY, Guard, database
from tests.make_believe import LOTS, PAIR, TRACK, World, entry
from trading.execution.entering import enter
from trading.execution.leaving import Exit, leave
from trading.execution.orders import State
from trading.risk.trading_state import ACTIVE, HALTED, Standing, Tellings, objection

ROOT = Path(__file__).resolve().parents[2]
KEY = PortfolioKey("replay-a", "main")


def worker(server: DevServer, folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "tests.halting", server.address, str(folder)], cwd=ROOT)


def entered(refusal: str, epoch: int) -> list[State]:
    """What becomes of an approved entry under this refusal."""
    world = World()
    world.gate.refusal = refusal
    states: list[State] = [order.state for order in world.run(lambda: enter(entry(halt_epoch=epoch)))]
    assert bool(world.venue.submitted) == (State.DENIED not in states)
    return states


def exited(refusal: str) -> int:
    """Coins that are left of a position after an exit under this refusal."""
    world = World()
    world.gate.refusal, world.venue.coins = refusal, LOTS
    world.run(lambda: leave(Exit(TRACK, "exit", PAIR, LOTS, 0, 10)))
    return world.venue.coins


def test_a_halt_outlives_worker_and_engine(tmp_path: Path) -> None:
    server, engine = DevServer(tmp_path), database(tmp_path, KEY)
    states = TradingStates(engine, SystemClock())
    server.start()
    hands = worker(server, tmp_path)

    def refused(workflow: Standing | None, epoch: int) -> str:
        return objection(Tellings(workflow, *states.tellings(*KEY)), epoch)

    async def fall() -> None:
        guard = Guard(await server.connect(), KEY)
        await guard.start()
        outs = [await guard.mark(EQUITY * part // 100) for part in (100, 90, 85, 80)]
        assert [(out.tier, out.state) for out in outs] == [(0, ACTIVE), (1, ACTIVE), (2, ACTIVE), (3, HALTED)]

    async def review() -> None:
        guard = Guard(await server.connect(), KEY)
        guard.hour = guard.hour.next.next.next.next
        out = await guard.mark(EQUITY)
        assert (out.state, out.halt_id) == (HALTED, "halt-1")
        standing = Standing(out.state, out.epoch)
        assert entered(refused(standing, 1), 1) == [State.DENIED]
        assert exited(refused(standing, 1)) == 0
        assert (await guard.request("ada", "halt-1")).accepted
        assert not (await guard.approve("ada", "halt-1")).accepted
        done = await guard.approve("bob", "halt-1")
        assert (done.state, done.epoch) == (ACTIVE, 2)
        assert refused(Standing(ACTIVE, 2), 2) == ""
        assert State.DENIED not in entered("", 2)
        assert (await guard.mark(EQUITY)).state == ACTIVE

    try:
        asyncio.run(fall())
        hands.kill()
        server.kill()
        gone = refused(None, 1)
        assert gone == "the trading state of the workflow is missing"
        assert (entered(gone, 1), exited(gone)) == ([State.DENIED], 0)
        server.start()
        hands = worker(server, tmp_path)
        asyncio.run(review())
    finally:
        hands.kill()
        hands.wait()
        server.kill()
