"""Ask and tell the guards of portfolios from outside the engine: whole calls, with a bound on their time."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from temporalio.client import RPCError, WorkflowHandle, WorkflowUpdateFailedError

from activities.halt_messages import HaltStatus, ReviewIn, ReviewOut, TripIn
from temporal.client import Server, connect
from trading.errors import UsageError, VenueUnavailable
from trading.risk.trading_state import REQUEST
from workflows.drawdown_halt import DrawdownHaltWorkflow
from workflows.names import halt_id

ENGINE_S = 10.0

Guard = WorkflowHandle[Any, Any]
T = TypeVar("T")


class Guards:
    """The guards that one engine keeps; a call raises `VenueUnavailable` when it does not answer in time."""

    def __init__(self, server: Callable[[], Server]) -> None:
        """`server` says where the engine is now; it may move while we run."""
        self._server = server

    def status(self, track: str, portfolio: str) -> HaltStatus:
        return self._ask(track, portfolio, lambda guard: guard.query(DrawdownHaltWorkflow.status))

    def trip(self, track: str, portfolio: str, told: TripIn, id: str) -> None:
        """Halt; told again under the same id, it is the same trip."""
        self._ask(
            track, portfolio, lambda guard: guard.execute_update(DrawdownHaltWorkflow.trip, told, id=id)
        )

    def review(self, track: str, portfolio: str, said: ReviewIn) -> ReviewOut:
        """One act of review; the guard says whether it counts, and records it either way."""
        workflow = DrawdownHaltWorkflow
        act = workflow.request_resume if said.role == REQUEST else workflow.approve_resume
        return self._ask(track, portfolio, lambda guard: guard.execute_update(act, said))

    def _ask(self, track: str, portfolio: str, question: Callable[[Guard], Awaitable[T]]) -> T:
        async def asked() -> T:
            client = await connect(self._server())
            return await question(client.get_workflow_handle(halt_id(track, portfolio)))

        async def bounded() -> T:
            return await asyncio.wait_for(asked(), ENGINE_S)

        try:
            return asyncio.run(bounded())
        except WorkflowUpdateFailedError as error:
            raise UsageError(str(error.cause)) from error
        except (RPCError, TimeoutError) as error:
            raise VenueUnavailable("the guard does not answer; `ballast status` shows what runs") from error
