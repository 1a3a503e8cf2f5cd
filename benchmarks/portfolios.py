"""One warm hour for many portfolios, some of which trade, each with an account of its own.

    python -m benchmarks.portfolios [--portfolios 1000] [--busy 100] [--workers 1]

The accounts are on paper over the simulator's public data, so that a thousand need no thousand keys; all else
is a replay's. With two workers the market's queue has a process of its own: an account's key belongs to one
process. Hours are not proved: a prover knows one account on paper. The floor is a workflow of the same shape,
in the same run, whose activities do nothing.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cache, partial
from pathlib import Path

from sqlalchemy import func, select
from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities.halt_messages import TripIn
from activities.proving import ProvingActivities
from adapters.clock import SystemClock
from adapters.paper.account import PaperAccount
from adapters.paper.venue import PaperRules, PaperVenue
from adapters.storage.base import PortfolioKey
from adapters.storage.engine import connect as database
from adapters.storage.engine import reading, unit_of_work
from adapters.storage.hours import PortfolioHour
from adapters.storage.orders import OrderRow
from adapters.storage.tracks import Opening, open_track
from adapters.worlds import World
from benchmarks.hour import BUSY_H, cpu_s
from config import trading
from temporal.client import connect, outspoken
from tests.lively import LIVELY
from tests.replaying import CASH, UNITS, Market, Replay, made_up, replaying
from trading.clock import TradingHour
from trading.compiled import use_cache
from trading.live.values import Proved
from trading.policies.exercise import EXERCISE
from worker.compose import Activities, assembled, releases, shop_of, world_of
from worker.main import workers
from worker.replay_driver import ReplayDriver
from worker.terms import Terms
from workflows.names import GUARD, MARKET, TRADING, TRADING_WAIT
from workflows.trading_hour import SHARD

TRACK = "paper-portfolios-1"
WARM_H = 1
PATIENCE_S = 3_600
"""Shards take turns, so on a busy machine all are through late and at once."""
DO_NOTHING = timedelta(minutes=5)


class Named(PaperAccount):
    """An account whose ids no other account of the venue has, as at a real one."""

    def __init__(self, file: Path) -> None:
        self._name = file.stem
        super().__init__(file)

    def next_id(self, kind: str, ahead: int = 0) -> str:
        return f"{self._name}-{super().next_id(kind, ahead)}"


class Lockstep(PaperVenue):
    """An account on paper at the simulator's time."""

    def now(self) -> datetime:
        return self._clock.now()

    def wait(self, until: datetime) -> None:
        """Return at once: while somebody is at work no time passes."""


class Unproved:
    """Nothing is proved, and nothing owed."""

    def prove(self, _hour: TradingHour) -> Sequence[Proved]:
        return ()

    def keep(self, _track: str, _hour: TradingHour, _proved: Sequence[Proved]) -> None:
        return

    def owed(self, _track: str, _hour: TradingHour) -> Sequence[str]:
        return ()

    @staticmethod
    def trip(track: str, portfolio: str, told: TripIn) -> None:
        raise AssertionError(f"{portfolio} of {track} trips: {told.reason}")


@contextmanager
def with_accounts(terms: Terms, client: Client) -> Iterator[Activities]:
    """The activities of a worker whose portfolios have an account each."""
    rules = PaperRules(trading.load().execution, trading.load().fees)
    with world_of(terms, SystemClock()) as world:

        @cache
        def account(portfolio: str) -> PaperVenue:
            file = terms.home / "accounts" / f"{portfolio}.jsonl"
            venue = Lockstep(world.public, world.catalogue, world.stamp, Named(file), rules)
            venue.open_with("USD", CASH * UNITS)
            return venue

        own: World = world._replace(accounts=account)
        activities = assembled(terms, client, shop_of(terms, own), releases(terms))
        unproved = ProvingActivities(Unproved(), Unproved(), Unproved.trip).activities()
        proofs = {one.__name__ for one in unproved}
        activities[TRADING] = [a for a in activities[TRADING] if a.__name__ not in proofs] + unproved
        yield activities


async def serve(terms: Terms) -> None:
    use_cache(terms.cache)
    client = await connect(terms.server, runtime=outspoken())
    with with_accounts(terms, client) as activities:
        async with workers(client, {queue: activities[queue] for queue in terms.queues}):
            print("working", flush=True)
            await asyncio.Event().wait()


def started(terms: Terms, folder: Path) -> subprocess.Popen[bytes]:
    file = folder / f"terms-{terms.queues[0]}.json"
    file.write_text(terms.model_dump_json())
    log = (folder / f"{terms.queues[0]}.log").open("ab")
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.portfolios", "--serve", str(file)],
        stdout=subprocess.PIPE,
        stderr=log,
    )
    assert process.stdout is not None
    assert process.stdout.readline(), file.with_suffix(".log").read_text()
    return process


def opened(
    names: dict[str, str],
    market: Market,
    crew: list[subprocess.Popen[bytes]],
    many: bool,
    terms: Terms,
    f: Path,
) -> subprocess.Popen[bytes]:
    """Open the portfolios by their predictors, then start the workers; the last one trades."""
    engine = database(terms.database)
    with unit_of_work(engine) as session:
        for name, predictor in names.items():
            key = PortfolioKey(TRACK, name)
            opening = Opening(key, "USD", CASH * UNITS, market.first, predictor, LIVELY)
            open_track(session, opening, {"mode": "paper"})
    rest = (TRADING, TRADING_WAIT, GUARD)
    queues = ((MARKET,), rest) if many else ((MARKET, *rest),)
    for served in queues:
        mine = {"track": TRACK, "queues": served} | ({} if TRADING in served else {"key": "", "secret": ""})
        crew.append(started(terms.model_copy(update=mine), f))
    return crew[-1]


@activity.defn
def nothing(n: int) -> int:
    return n


async def idle(count: int) -> None:
    for n in range(count):
        await workflow.execute_activity(nothing, n, start_to_close_timeout=DO_NOTHING)


@workflow.defn(sandboxed=False)
class Steps:
    @workflow.run
    async def run(self, count: int) -> None:
        await idle(count)


@workflow.defn(sandboxed=False)
class Skeleton:
    """An hour's shape: six steps, a child of one step a shard, and for who trades one of two with an order of
    three.
    """

    @workflow.run
    async def run(self, shards: int, busy: int) -> None:
        await idle(5)
        await asyncio.gather(*(workflow.execute_child_workflow(Steps.run, 1) for _ in range(shards)))
        await asyncio.gather(*(workflow.execute_child_workflow(Steps.run, 2) for _ in range(busy)))
        await asyncio.gather(*(workflow.execute_child_workflow(Steps.run, 3) for _ in range(busy)))
        await idle(1)


async def floor_s(client: Client, shards: int, busy: int) -> float:
    with ThreadPoolExecutor(16) as pool:
        async with Worker(
            client,
            task_queue="floor",
            workflows=[Skeleton, Steps],
            activities=[nothing],
            activity_executor=pool,
            workflow_runner=UnsandboxedWorkflowRunner(),
        ):
            begun = time.perf_counter()
            await client.execute_workflow(Skeleton.run, args=[shards, busy], id="floor", task_queue="floor")
            return time.perf_counter() - begun


def peak_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def told(replay: Replay, hour: TradingHour) -> str:
    """How many portfolios' hours were settled, and the orders of the hour."""
    mine = (PortfolioHour.asof == hour.asof, PortfolioHour.settled)
    orders = select(func.count(func.distinct(OrderRow.portfolio)), func.count()).where(
        OrderRow.asof == hour.asof
    )
    with reading(database(replay.database)) as session:
        settled = session.scalar(select(func.count()).select_from(PortfolioHour).where(*mine))
        traded, sent = session.execute(orders).one()
    return f"{settled} settled, {traded} with {sent} orders"


async def measured(portfolios: int, busy: int, many: bool, hours: int) -> None:
    folder = Path(tempfile.mkdtemp(prefix="ballast-bench-"))
    market = made_up(folder / "bars", BUSY_H)
    names = {f"p{n:05}": EXERCISE if n < busy else "cash" for n in range(portfolios)}
    crew: list[subprocess.Popen[bytes]] = []
    start = partial(opened, names, market, crew, many)
    async with replaying(folder, market, "cash", (), start=start) as replay:
        driver = ReplayDriver(replay.client, TRACK, list(names), replay.venue.address, PATIENCE_S)
        hour = market.first
        for n in range(WARM_H + hours):
            begun, cpu = time.perf_counter(), [cpu_s(process.pid) for process in crew]
            await driver.run_hour(hour)
            taken = time.perf_counter() - begun
            used = ", ".join(f"{cpu_s(p.pid) - c:.1f}" for p, c in zip(crew, cpu, strict=True))
            kind = "first" if n < WARM_H else "warm"
            peak = sum(peak_mb(process.pid) for process in crew)
            figures = f"{taken:.1f} s, workers' CPU {used} s, peak {peak:.0f} MB"
            load = os.getloadavg()[0]
            print(f"{kind} hour: {figures}; {told(replay, hour)}; load {load:.1f}", flush=True)
            hour = hour.next
        await driver.close()
        shards = -(-portfolios // SHARD)
        print(f"floor of its shape: {await floor_s(replay.client, shards, busy):.1f} s")
        for process in crew[:-1]:
            process.terminate()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--portfolios", type=int, default=1_000)
    parser.add_argument("--busy", type=int, default=100)
    parser.add_argument("--workers", type=int, choices=(1, 2), default=1)
    parser.add_argument("--hours", type=int, default=2, help="after one that warms up")
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.serve:
        asyncio.run(serve(Terms.model_validate(json.loads(asked.serve.read_text()))))
    else:
        asyncio.run(measured(asked.portfolios, asked.busy, asked.workers == 2, asked.hours))


if __name__ == "__main__":
    main()
