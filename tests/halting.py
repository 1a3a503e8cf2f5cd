"""A guard to test halts with: an engine, a worker, a database, and the fakes at the edges."""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Thread
from typing import Any

from sqlalchemy import Engine
from temporalio.client import Client, WorkflowHandle
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Worker

from activities.halt import HaltActivities
from activities.halt_messages import HaltStart, HaltStatus, ReviewIn, ReviewOut, TripIn
from activities.messages import GuardOut, GuardRules, MarkIn
from adapters.clock import SystemClock
from adapters.storage.base import PortfolioKey
from adapters.storage.engine import connect, sqlite_url, unit_of_work
from adapters.storage.migrate import upgrade
from adapters.storage.portfolios import open_portfolio
from adapters.storage.trading_state import TradingStates
from config.trading import load
from tests.devserver import DevServer
from trading.clock import TradingHour
from worker.observed import Observed
from workflows.drawdown_halt import DrawdownHaltWorkflow
from workflows.names import GUARD, TRADING, guard_update_id, halt_id

START = TradingHour.at(datetime(2026, 3, 1, tzinfo=UTC))
EQUITY = 1_000_000_000_000
CONFIG = load()
STICKY = timedelta(seconds=1)
"""How long the engine waits for a worker that is gone before it asks another."""


class Edges:
    """Operators whose signature is their name, entries that take two looks to end, alerts that leave."""

    def __init__(self) -> None:
        self.working = 0
        self.looks = 0
        self.delivered = 0

    def refusal(self, operator: str, content: bytes, signature: str) -> str:
        return "" if signature == f"{operator} signs {content.decode()}" else "this is no signature of theirs"

    def cancel(self, track: str, portfolio: str) -> int:
        self.looks += 1
        self.working = max(self.working - 1, 0)
        return self.working

    def deliver(self, track: str) -> int:
        self.delivered += 1
        return 0


def database(folder: Path, key: PortfolioKey) -> Engine:
    """A migrated file with one portfolio in it."""
    engine = connect(sqlite_url(folder / "ballast.db"))
    upgrade(engine)
    with unit_of_work(engine) as session:
        open_portfolio(session, key, "USD", datetime.now(UTC))
    return engine


@asynccontextmanager
async def working(client: Client, engine: Engine, edges: Edges) -> AsyncIterator[None]:
    """A worker of guards and their hands."""
    hands = HaltActivities(TradingStates(engine, SystemClock()), edges, edges, edges)
    with ThreadPoolExecutor(8) as executor:
        async with (
            Worker(client, task_queue=GUARD, activities=hands.records(), activity_executor=executor),
            Worker(
                client,
                task_queue=TRADING,
                workflows=[DrawdownHaltWorkflow],
                activities=hands.errands(),
                activity_executor=executor,
                interceptors=[Observed()],
                sticky_queue_schedule_to_start_timeout=STICKY,
            ),
        ):
            yield


class Guard:
    """The guard of one portfolio, spoken to as hours and people do."""

    def __init__(self, client: Client, key: PortfolioKey) -> None:
        self.key = key
        self._client = client
        self.handle: WorkflowHandle[Any, Any] = client.get_workflow_handle(halt_id(*key))
        self.hour = START

    async def start(self, approvals_required: int = 1) -> None:
        start = HaltStart(
            track=self.key.track,
            portfolio=self.key.portfolio,
            rules=GuardRules.of(CONFIG.limits, CONFIG.kill_switch),
            approvals_required=approvals_required,
        )
        await self._client.start_workflow(
            DrawdownHaltWorkflow.run, start, id=halt_id(*self.key), task_queue=TRADING
        )

    async def mark(self, equity: int = EQUITY, **changes: Any) -> GuardOut:
        """The next hour's mark."""
        told = {
            "portfolio": self.key.portfolio,
            "asof": self.hour.asof,
            "equity": equity,
            "flows": 0,
        } | changes
        self.hour = self.hour.next
        return await self.handle.execute_update(
            DrawdownHaltWorkflow.mark, MarkIn(**told), id=guard_update_id(told["asof"])
        )

    async def trip(self, operator: str = "ada", reason: str = "looks wrong", **changes: Any) -> GuardOut:
        told = TripIn(cause="manual", operator=operator, reason=reason, **changes)
        return await self.handle.execute_update(DrawdownHaltWorkflow.trip, told)

    async def request(self, operator: str, halt: str, **changes: Any) -> ReviewOut:
        said = ReviewIn(halt_id=halt, operator=operator, role="request", reason="read it all", **changes)
        return await self.handle.execute_update(DrawdownHaltWorkflow.request_resume, said)

    async def approve(self, operator: str, halt: str, id: str | None = None, **changes: Any) -> ReviewOut:
        said = ReviewIn(halt_id=halt, operator=operator, role="approve", reason="seconded", **changes)
        return await self.handle.execute_update(DrawdownHaltWorkflow.approve_resume, said, id=id)

    async def status(self) -> HaltStatus:
        return await self.handle.query(DrawdownHaltWorkflow.status)

    async def until(self, **wanted: Any) -> HaltStatus:
        """The status, once it is as wanted."""
        for _ in range(200):
            status = await self.status()
            if all(getattr(status, name) == value for name, value in wanted.items()):
                return status
            await asyncio.sleep(0.05)
        raise AssertionError(f"not {wanted} but {status}")


@contextmanager
def guarded(server: DevServer, engine: Engine, key: PortfolioKey) -> Iterator[None]:
    """A worker and a portfolio's guard, in a thread of their own."""
    ready, over = Event(), Event()

    async def work() -> None:
        client = await server.connect()
        async with working(client, engine, Edges()):
            guard = Guard(client, key)
            await guard.start()
            await guard.mark()
            ready.set()
            while not over.is_set():
                await asyncio.sleep(0.05)

    thread = Thread(target=asyncio.run, args=(work(),))
    thread.start()
    assert ready.wait(60)
    try:
        yield
    finally:
        over.set()
        thread.join()


def work_for_ever(address: str, folder: str) -> None:
    """A worker in a process of its own, which only a signal ends."""

    async def work() -> None:
        client = await Client.connect(address, data_converter=pydantic_data_converter)
        async with working(client, connect(sqlite_url(Path(folder) / "ballast.db")), Edges()):
            await asyncio.Event().wait()

    asyncio.run(work())


if __name__ == "__main__":
    work_for_ever(*sys.argv[1:])
