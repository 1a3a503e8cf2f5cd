"""The guards of portfolios as activities see them: calls that block, carried out on the client's own loop."""

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

from temporalio.client import Client, RPCError, WithStartWorkflowOperation, WorkflowUpdateFailedError
from temporalio.common import WorkflowIDConflictPolicy

from activities.halt_messages import HaltStart, HaltStatus, TripIn
from activities.messages import GuardOut, MarkIn, Telling, Tellings
from trading.errors import VenueUnavailable
from trading.risk.trading_state import Standing
from workflows.drawdown_halt import DrawdownHaltWorkflow
from workflows.names import TRADING, guard_update_id, halt_id

REPLY_S = 20.0


class States(Protocol):
    """Where row and audit log are read."""

    def tellings(self, track: str, portfolio: str) -> tuple[Standing | None, Standing | None]: ...


class WorkflowLatch:
    """Starts a portfolio's guard when it is first told something."""

    def __init__(self, client: Client, states: States, start: Callable[[str, str], HaltStart]) -> None:
        """Made on the loop that the client belongs to; `start` says how a guard begins."""
        self._client, self._states, self._start = client, states, start
        self._loop = asyncio.get_running_loop()

    def tellings(self, track: str, portfolio: str) -> Tellings:
        row, audit = self._states.tellings(track, portfolio)
        return Tellings(row=_telling(row), audit=_telling(audit))

    def mark(self, track: str, told: MarkIn) -> GuardOut:
        """Tell an hour's mark; told again, the first answer comes back."""
        out: GuardOut = self._wait(self._mark(track, told))
        return out

    def trip(self, track: str, portfolio: str, told: TripIn) -> None:
        """Halt at once; told again under the same id, it is the same trip."""
        self._wait(self._trip(track, portfolio, told))

    def standing(self, track: str, portfolio: str) -> Standing | None:
        """What the guard itself says now; None when it does not answer."""
        try:
            status: HaltStatus = self._wait(self._status(track, portfolio))
        except VenueUnavailable:
            return None
        return Standing(status.state, status.epoch)

    def _wait(self, work: Any) -> Any:
        try:
            return asyncio.run_coroutine_threadsafe(work, self._loop).result(REPLY_S)
        except (TimeoutError, RPCError, WorkflowUpdateFailedError) as error:
            raise VenueUnavailable(f"the guard does not answer: {error!r}") from error

    async def _mark(self, track: str, told: MarkIn) -> GuardOut:
        begin = self._start(track, told.portfolio)
        configured = {"rules": begin.rules, "approvals_required": begin.approvals_required}
        start = WithStartWorkflowOperation(
            DrawdownHaltWorkflow.run,
            begin,
            id=halt_id(track, told.portfolio),
            task_queue=TRADING,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        )
        return await self._client.execute_update_with_start_workflow(
            DrawdownHaltWorkflow.mark,
            told.model_copy(update=configured),
            start_workflow_operation=start,
            id=guard_update_id(told.asof),
        )

    async def _trip(self, track: str, portfolio: str, told: TripIn) -> None:
        handle = self._client.get_workflow_handle_for(DrawdownHaltWorkflow.run, halt_id(track, portfolio))
        await handle.execute_update(DrawdownHaltWorkflow.trip, told, id=told.request_id)

    async def _status(self, track: str, portfolio: str) -> HaltStatus:
        handle = self._client.get_workflow_handle_for(DrawdownHaltWorkflow.run, halt_id(track, portfolio))
        return await handle.query(DrawdownHaltWorkflow.status)


def _telling(standing: Standing | None) -> Telling | None:
    return Telling(**standing._asdict()) if standing else None
