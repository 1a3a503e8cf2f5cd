"""Waits in venue time. The one place below workflows that is asynchronous: thousands of waits share a worker,
and none of them holds up work.
"""

import asyncio
from collections.abc import Callable

from temporalio import activity
from temporalio.client import Client, WorkflowFailureError

from activities.beating import EVERY_S
from activities.messages import Attached, AttachIn, OrderStep, WaitIn
from activities.ports import Clock


class WaitActivities:
    """Of the queue `trading-wait`."""

    def __init__(self, clock: Clock, client: Client) -> None:
        self._clock, self._client = clock, client

    def activities(self) -> list[Callable[..., object]]:
        return [self.await_order, self.await_time, self.attach]

    @activity.defn
    async def await_order(self, told: WaitIn) -> OrderStep:
        """Return when the order may have changed, or the venue's clock reads `until`."""
        while not await self._clock.wait(told.until, told.order):
            activity.heartbeat()
        return OrderStep(order=told.order)

    @activity.defn
    async def await_time(self, told: WaitIn) -> OrderStep:
        """Return when the venue's clock reads `until`; a wait that nobody at the gate has to answer for."""
        name = f"time {told.track} {told.order}"
        await asyncio.to_thread(self._clock.withdrawn, name, [])
        while not await self._clock.wait(told.until, name):
            activity.heartbeat()
        return OrderStep()

    @activity.defn
    async def attach(self, told: AttachIn) -> Attached:
        """Wait for the end of a workflow that somebody else started; its result is in the store."""
        ending = asyncio.ensure_future(self._client.get_workflow_handle(told.id).result())
        while not (await asyncio.wait([ending], timeout=EVERY_S))[0]:
            activity.heartbeat()
        try:
            await ending
        except WorkflowFailureError:
            return Attached(succeeded=False)
        return Attached(succeeded=True)
