"""Lets a replay's time pass: starts an hour, waits at the simulator's gate, and moves the clock from one due
time to the next, never by elapsed time. It takes the place of the schedule, and of its launcher: a client can
say itself that an id may succeed once.

Time stops at minute 58 until the hour has its result, since nothing of an hour happens later than that.
"""

import asyncio
from collections.abc import Awaitable
from datetime import datetime
from typing import Any

import httpx
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from activities.messages import HourIn, HourOut, LaunchIn, hour_text
from trading.clock import TradingHour
from trading.errors import BallastError, VenueUnavailable
from workflows.names import TRADING, hour_attributes, hour_id, launch_id
from workflows.options import ONCE
from workflows.portfolio_hour import CLOSES_AFTER
from workflows.trading_hour import LaunchWorkflow, TradingHourWorkflow

NS = 1_000_000_000
POLL_S, REPLY_S = 4, 30.0
HTTP_OK = 200
PATIENCE_S = 180
"""The first hour of a new version compiles, which takes a minute on a busy machine."""
NAMED = 5
"""How many of those are named who hold a replay up."""
DONE, REPEATED = "DONE", "REPEATED"


class ReplayStalled(BallastError):
    """Somebody holds time back and makes no progress; the message names who."""


class ReplayDriver:
    """Drives the hours of one track whose portfolios trade at one simulator."""

    def __init__(
        self, client: Client, track: str, portfolios: list[str], simulator: str, patience_s: int = PATIENCE_S
    ) -> None:
        self._patience_s = patience_s
        self._client, self._track, self._portfolios = client, track, portfolios
        self._http = httpx.AsyncClient(base_url=f"{simulator}/control/", trust_env=False, timeout=REPLY_S)

    async def run_hour(self, hour: TradingHour) -> HourOut:
        """One hour from its asof to its result. One that was begun before goes on; one that was cut off
        is begun again, once.
        """
        await self._post("advance", to_ns=_ns(hour.asof))
        await self._post("gate/open", asof=str(hour), expected=self._portfolios)
        try:
            return await self._attempt(hour)
        except WorkflowFailureError:
            return await self._attempt(hour)

    async def _attempt(self, hour: TradingHour) -> HourOut:
        started = await self._start(hour)
        ending = asyncio.ensure_future(started.result())
        try:
            await self._let_time_pass(hour, ending)
            return _checked(hour, await ending)
        finally:
            ending.cancel()

    async def close(self) -> None:
        await self._http.aclose()

    async def _start(self, hour: TradingHour) -> WorkflowHandle[Any, HourOut]:
        """Start the hour, or find it at work; of one that is over the launcher says how it ended."""
        try:
            return await self._client.start_workflow(
                TradingHourWorkflow.run,
                HourIn(track=self._track, asof=hour.asof),
                id=hour_id(self._track, hour.asof),
                task_queue=TRADING,
                id_reuse_policy=ONCE,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                search_attributes=hour_attributes(self._track, hour.asof),
            )
        except WorkflowAlreadyStartedError:
            return await self._launch(hour)

    async def _launch(self, hour: TradingHour) -> WorkflowHandle[Any, HourOut]:
        return await self._client.start_workflow(
            LaunchWorkflow.run,
            LaunchIn(track=self._track, asof=hour.asof),
            id=f"{launch_id(self._track)}-{hour_text(hour.asof)}",
            task_queue=TRADING,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        )

    async def _let_time_pass(self, hour: TradingHour, ending: "asyncio.Future[HourOut]") -> None:
        """Move the clock through the hour's gate, up to where the hour closes or has its result."""
        closes_ns = _ns(hour.asof + CLOSES_AFTER)
        while not ending.done():
            gate = asyncio.ensure_future(self._get("gate/wait", asof=str(hour), timeout_s=POLL_S))
            both: list[asyncio.Future[Any]] = [gate, ending]
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            if not gate.done():
                gate.cancel()
                return
            told = gate.result()
            self._check_progress(hour, told["missing"])
            if not told["ready"]:
                continue
            if told["now_ns"] >= closes_ns:
                return
            due_ns = min(told["next_due_ns"] or closes_ns, closes_ns)
            await self._post("advance", asof=str(hour), to_ns=due_ns)

    def _check_progress(self, hour: TradingHour, missing: list[dict[str, Any]]) -> None:
        held_up = [row for row in missing if row["for_s"] >= self._patience_s]
        if held_up:
            names = ", ".join(f"{row['name']} {row['lacks']}" for row in held_up[:NAMED])
            more = f" and {len(held_up) - NAMED} more" if len(held_up) > NAMED else ""
            raise ReplayStalled(
                f"{hour}: no progress for {self._patience_s} s: {names}{more}; see the worker's log"
            )

    async def _post(self, command: str, **body: object) -> dict[str, Any]:
        return await self._told(self._http.post(command, json=body))

    async def _get(self, command: str, **query: str | int) -> dict[str, Any]:
        return await self._told(self._http.get(command, params=query))

    async def _told(self, reply: Awaitable[httpx.Response]) -> dict[str, Any]:
        try:
            answer = await reply
        except httpx.HTTPError as error:
            raise VenueUnavailable(f"the simulator does not answer: {error!r}") from error
        told: dict[str, Any] = answer.json()
        if answer.status_code != HTTP_OK:
            raise VenueUnavailable(f"the simulator's control: {told['error']}")
        return told


def _checked(hour: TradingHour, out: HourOut) -> HourOut:
    """The result, if the hour is done."""
    if DONE not in (out.outcome, out.reason):
        raise ReplayStalled(f"{hour} ended as {out.outcome}: {out.reason}")
    return out


def _ns(time: datetime) -> int:
    return TradingHour.at(time.replace(minute=0)).number * 3600 * NS + time.minute * 60 * NS
