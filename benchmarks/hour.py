"""One hour of a replay through engine, worker and simulator, beside the engine's own floor in the same run.

    python -m benchmarks.hour [--hours 20]

The floor is a workflow of eight activities that do nothing. Times are of the wall; CPU seconds are the
worker's, which tell more on a busy machine.
"""

import argparse
import asyncio
import os
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

from sqlalchemy import func, select
from temporalio import activity, workflow
from temporalio.worker import Worker

from adapters.storage.engine import connect, reading
from adapters.storage.orders import OrderRow
from tests.lively import LIVELY
from tests.replaying import Replay, made_up, replaying

BUSY_H, QUIET_H = 52, 24
TICKS = os.sysconf("SC_CLK_TCK")
FLOOR = 20


@activity.defn
def nothing(n: int) -> int:
    return n


@workflow.defn(sandboxed=False)
class EightActivities:
    @workflow.run
    async def run(self) -> None:
        for n in range(8):
            await workflow.execute_activity(nothing, n, start_to_close_timeout=timedelta(seconds=5))


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def told(name: str, seconds: list[float]) -> str:
    ordered = sorted(seconds)
    p50, p99 = ordered[len(ordered) // 2], ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    return f"{name:<34} n {len(ordered):>3}  p50 {p50 * 1000:6.0f} ms  p99 {p99 * 1000:6.0f} ms"


async def floor(replay: Replay) -> list[float]:
    taken = []
    with ThreadPoolExecutor(4) as pool:
        async with Worker(
            replay.client,
            task_queue="floor",
            workflows=[EightActivities],
            activities=[nothing],
            activity_executor=pool,
        ):
            for n in range(FLOOR):
                begun = time.perf_counter()
                await replay.client.execute_workflow(EightActivities.run, id=f"floor-{n}", task_queue="floor")
                taken.append(time.perf_counter() - begun)
    return taken


def sent(replay: Replay) -> int:
    with reading(connect(replay.database)) as session:
        return session.scalar(select(func.count()).select_from(OrderRow).where(OrderRow.kind != "stop")) or 0


async def measured(predictor: str, skip_h: int, hours: int) -> None:
    folder = Path(tempfile.mkdtemp(prefix="ballast-bench-"))
    market = made_up(folder / "bars", skip_h)
    async with replaying(folder, market, predictor, config=LIVELY) as replay:
        quiet, busy, orders, hour = [], [], 0, market.first
        await replay.driver.run_hour(hour)
        cpu = cpu_s(replay.worker.pid)
        for _ in range(hours):
            hour, before = hour.next, sent(replay)
            begun = time.perf_counter()
            await replay.driver.run_hour(hour)
            taken, new = time.perf_counter() - begun, sent(replay) - before
            orders += new
            (busy if new else quiet).append(taken)
        cpu = (cpu_s(replay.worker.pid) - cpu) / hours
        print(told("eight activities, the floor", await floor(replay)))
        if quiet:
            print(told(f"hour without orders ({predictor})", quiet))
        if busy:
            print(told(f"hour with {orders / len(busy):.1f} orders", busy))
        print(f"worker's CPU an hour: {cpu:.3f} s; load {os.getloadavg()[0]:.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=int, default=20)
    hours = parser.parse_args().hours
    asyncio.run(measured("cash", QUIET_H, hours))
    asyncio.run(measured("exercise", BUSY_H, hours))


if __name__ == "__main__":
    main()
