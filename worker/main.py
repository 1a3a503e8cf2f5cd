"""A worker process: every task queue of a track, each with slots of its own, until it is told to stop."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from datetime import timedelta
from typing import Any

from temporalio.client import Client, Plugin
from temporalio.runtime import Runtime
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from temporal.client import connect
from trading.compiled import use_cache
from worker.alerting import delivering
from worker.compose import Activities, activities_of
from worker.keeping import keeping
from worker.observed import Observed
from worker.terms import Terms
from worker.watching import watching
from workflows.backfill import BackfillWorkflow
from workflows.drawdown_halt import DrawdownHaltWorkflow
from workflows.monitoring import MonitorsWorkflow
from workflows.names import GUARD, MARKET, TRADING, TRADING_WAIT, TRAINING
from workflows.nightly import AuditExportWorkflow, FeesWorkflow, MonthlyTrainingWorkflow, UniverseWorkflow
from workflows.order import OrderWorkflow
from workflows.portfolio_hour import PortfolioHourWorkflow
from workflows.portfolio_shard import PortfolioShardWorkflow
from workflows.promotion import PromotionWorkflow
from workflows.proof import ProofWorkflow
from workflows.reconciliation import ReconciliationWorkflow
from workflows.trading_hour import LaunchWorkflow, TradingHourWorkflow
from workflows.training import TrainingWorkflow

WORKFLOWS = (
    LaunchWorkflow,
    TradingHourWorkflow,
    PortfolioShardWorkflow,
    PortfolioHourWorkflow,
    OrderWorkflow,
    ProofWorkflow,
    DrawdownHaltWorkflow,
    ReconciliationWorkflow,
    BackfillWorkflow,
    TrainingWorkflow,
    PromotionWorkflow,
    UniverseWorkflow,
    FeesWorkflow,
    MonthlyTrainingWorkflow,
    AuditExportWorkflow,
    MonitorsWorkflow,
)
SLOTS = {MARKET: 2, TRADING: 16, TRADING_WAIT: 2_000, GUARD: 4, TRAINING: 1}
"""Activities at once. A wait costs nothing but its slot."""
CACHED_WORKFLOWS = 3_000
"""A thousand guards and portfolio hours, with room."""
STICKY = timedelta(seconds=2)
"""How long a task waits for the worker that knows its workflow, which may just have died."""
GRACE = timedelta(seconds=10)
"""Activities may finish for so long after the worker was told to stop."""


@asynccontextmanager
async def workers(client: Client, activities: Activities) -> AsyncIterator[None]:
    """Workers of every queue that has activities; workflows run on `trading`."""
    async with AsyncExitStack() as stack:
        for queue, served in activities.items():
            options: dict[str, Any] = {"workflows": WORKFLOWS} if queue == TRADING else {}
            if queue != TRADING_WAIT:
                pool = ThreadPoolExecutor(SLOTS[queue], f"{queue}-activity")
                options["activity_executor"] = stack.enter_context(pool)
            await stack.enter_async_context(
                Worker(
                    client,
                    task_queue=queue,
                    activities=served,
                    max_concurrent_activities=SLOTS[queue],
                    max_cached_workflows=CACHED_WORKFLOWS if queue == TRADING else 1,
                    sticky_queue_schedule_to_start_timeout=STICKY,
                    graceful_shutdown_timeout=GRACE,
                    # A tenth of an hour's work; `tests.sandbox` holds every workflow to what it forbids.
                    workflow_runner=UnsandboxedWorkflowRunner(),
                    interceptors=[Observed()],
                    **options,
                )
            )
        yield


async def serve(
    terms: Terms, ready: Callable[[], None], plugins: Sequence[Plugin] = (), runtime: Runtime | None = None
) -> None:
    """Say `ready`, then work until SIGTERM or SIGINT; what is under way gets `GRACE` to finish."""
    use_cache(terms.cache)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    client = await connect(terms.server, plugins, runtime)
    watched = watching(terms) if TRADING in terms.queues else nullcontext()
    with (
        activities_of(terms, client) as activities,
        delivering(terms.database, terms.home, terms.track),
        watched,
    ):
        served = {queue: activities[queue] for queue in terms.queues}
        async with workers(client, served), keeping(terms, client):
            ready()
            await stop.wait()
