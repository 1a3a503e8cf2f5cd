"""Begins the proofs of hours, from activities that block."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from temporalio.client import Client, RPCError
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from activities.messages import HourIn
from trading.clock import TradingHour
from trading.errors import VenueUnavailable
from workflows.names import TRADING, proof_id
from workflows.options import ONCE
from workflows.proof import ProofWorkflow

REPLY_S = 10.0


class ProofStarts:
    """Made on the loop that the client belongs to."""

    def __init__(self, client: Client) -> None:
        self._client, self._loop = client, asyncio.get_running_loop()

    def begin(self, track: str, hour: TradingHour) -> Callable[[], None]:
        """Start an hour's proof unless it was; returns what waits for the engine, and raises a
        `VenueUnavailable` if it does not answer.
        """
        asked = asyncio.run_coroutine_threadsafe(self._begin(track, hour), self._loop)

        def begun() -> None:
            try:
                asked.result(REPLY_S)
            except (TimeoutError, RPCError) as error:
                raise VenueUnavailable(f"the proof of {hour} could not begin: {error!r}") from error

        return begun

    async def _begin(self, track: str, hour: TradingHour) -> None:
        with suppress(WorkflowAlreadyStartedError):
            await self._client.start_workflow(
                ProofWorkflow.run,
                HourIn(track=track, asof=hour.asof),
                id=proof_id(track, hour.asof),
                task_queue=TRADING,
                id_reuse_policy=ONCE,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            )
