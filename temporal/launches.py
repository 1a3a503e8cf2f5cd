"""Start trading hours from outside the engine, beside its own schedule."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from temporalio.client import Client, RPCError
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy

from activities.messages import HourOut, LaunchIn, hour_text
from temporal.client import Server, connect
from trading.errors import VenueUnavailable
from workflows.names import TRADING, launch_id
from workflows.trading_hour import LaunchWorkflow

ENGINE_S = 10.0


async def launched(client: Client, track: str, asof: datetime) -> HourOut:
    """Start an hour, or wait for whoever did, to its end."""
    out: HourOut = await client.execute_workflow(
        LaunchWorkflow.run,
        LaunchIn(track=track, asof=asof),
        id=f"{launch_id(track)}-{hour_text(asof)}",
        task_queue=TRADING,
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
    )
    return out


class Launcher(Protocol):
    """Starts hours."""

    def start(self, track: str, asof: datetime) -> None:
        """Start an hour that is not under way; `VenueUnavailable` if the engine does not answer in time."""
        ...


class Launches:
    """By the engine's own launcher: an hour under way is left alone, one that is done is not done again."""

    def __init__(self, server: Callable[[], Server]) -> None:
        """`server` says where the engine is now."""
        self._server = server

    def start(self, track: str, asof: datetime) -> None:
        async def started() -> None:
            client = await connect(self._server())
            await client.start_workflow(
                LaunchWorkflow.run,
                LaunchIn(track=track, asof=asof),
                id=f"{launch_id(track)}-{hour_text(asof)}",
                task_queue=TRADING,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            )

        async def bounded() -> None:
            await asyncio.wait_for(started(), ENGINE_S)

        try:
            asyncio.run(bounded())
        except (RPCError, TimeoutError) as error:
            raise VenueUnavailable(f"the engine did not start {track} {hour_text(asof)}") from error
