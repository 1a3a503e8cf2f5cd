"""Let a person's word change the champion, by the workflow that waits for it."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from temporalio.client import RPCError, WorkflowFailureError, WorkflowUpdateFailedError
from temporalio.common import WorkflowIDConflictPolicy

from activities.messages import Approval, PromoteIn, PromoteOut
from temporal.client import Server, connect
from trading.errors import UsageError, VenueUnavailable
from workflows.names import TRAINING, promotion_id
from workflows.promotion import PromotionWorkflow

ENGINE_S = 60.0
"""A release is loaded and every hash of it proved before it is crowned."""


class Promoter(Protocol):
    """Changes the champion."""

    def decide(self, track: str, told: PromoteIn, said: Approval) -> PromoteOut:
        """Do as a person says; `VenueUnavailable` if the engine or its workers do not answer in time."""
        ...


class Promotions:
    """By the engine: what was waiting for a person's word gets it, anything else is begun with it."""

    def __init__(self, server: Callable[[], Server]) -> None:
        """`server` says where the engine is now."""
        self._server = server

    def decide(self, track: str, told: PromoteIn, said: Approval) -> PromoteOut:
        async def decided() -> PromoteOut:
            client = await connect(self._server())
            running = await client.start_workflow(
                PromotionWorkflow.run,
                told,
                id=promotion_id(track, told.which or told.action),
                task_queue=TRAINING,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            )
            await running.execute_update(PromotionWorkflow.decide, said)
            return await running.result()

        async def bounded() -> PromoteOut:
            return await asyncio.wait_for(decided(), ENGINE_S)

        try:
            return asyncio.run(bounded())
        except WorkflowUpdateFailedError as error:
            raise UsageError(str(error.cause)) from error
        except (RPCError, WorkflowFailureError, TimeoutError) as error:
            raise VenueUnavailable(
                "no worker answered for the registry; `ballast status` shows it"
            ) from error
