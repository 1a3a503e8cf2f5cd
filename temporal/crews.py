"""Who works for the engine: the workers that ask each task queue for work, and when each last did."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple, Protocol

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client, RPCError

from temporal.client import Server, connect
from trading.errors import VenueUnavailable
from workflows.names import GUARD, MARKET, TRADING, TRADING_WAIT, TRAINING

ENGINE_S = 5.0
QUEUES = (MARKET, TRADING, TRADING_WAIT, GUARD, TRAINING)


class Crew(NamedTuple):
    """Of one task queue; the engine forgets a worker five minutes after it last asked."""

    queue: str
    workers: int
    seen: datetime | None
    """When one last asked for work; None where nobody did lately."""


class Crews(Protocol):
    """Tells who works."""

    def seen(self) -> list[Crew]:
        """By queue; `VenueUnavailable` if the engine does not answer in time."""
        ...


class EngineCrews:
    """As one engine tells it."""

    def __init__(self, server: Callable[[], Server]) -> None:
        """`server` says where the engine is now."""
        self._server = server

    def seen(self) -> list[Crew]:
        async def asked() -> list[Crew]:
            client = await connect(self._server())
            return list(await asyncio.gather(*(_crew(client, queue) for queue in QUEUES)))

        async def bounded() -> list[Crew]:
            return await asyncio.wait_for(asked(), ENGINE_S)

        try:
            return asyncio.run(bounded())
        except (RPCError, TimeoutError) as error:
            raise VenueUnavailable("the engine does not answer; `ballast status` shows what runs") from error


async def _crew(client: Client, queue: str) -> Crew:
    request = DescribeTaskQueueRequest(
        namespace=client.namespace,
        task_queue=TaskQueue(name=queue),
        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
    )
    pollers = (await client.workflow_service.describe_task_queue(request)).pollers
    last = max((one.last_access_time.ToDatetime(UTC) for one in pollers), default=None)
    return Crew(queue, len({one.identity for one in pollers}), last)
