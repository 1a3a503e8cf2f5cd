"""Schedules as data, and how they are brought to the engine: created, or updated to what stands here.

An hour that could not start within `CATCH_UP` is not started by the schedule any more: it is too late for
entries, and what it must do without them is done by the next hour.
"""

from datetime import timedelta
from typing import NamedTuple

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
)

from activities.messages import LaunchIn
from workflows.names import TRADING, launch_id
from workflows.trading_hour import LaunchWorkflow

CATCH_UP = timedelta(minutes=10)
"""The engine's own default is a year: it would start every hour of an outage."""


class Timed(NamedTuple):
    """One schedule."""

    id: str
    cron: str
    """UTC."""
    schedule: Schedule


def hourly(track: str) -> Timed:
    """The trading hour of a track, at every full hour; the next one waits if one is still at work."""
    cron = "0 * * * *"
    action = ScheduleActionStartWorkflow(
        LaunchWorkflow.run, LaunchIn(track=track), id=launch_id(track), task_queue=TRADING
    )
    policy = SchedulePolicy(overlap=ScheduleOverlapPolicy.BUFFER_ONE, catchup_window=CATCH_UP)
    spec = ScheduleSpec(cron_expressions=[cron], time_zone_name="UTC")
    return Timed(f"{track}/hourly", cron, Schedule(action=action, spec=spec, policy=policy))


async def apply(client: Client, timed: Timed) -> None:
    """Create the schedule, or bring the one that is there to what stands here."""

    def update(_: ScheduleUpdateInput) -> ScheduleUpdate:
        return ScheduleUpdate(schedule=timed.schedule)

    try:
        await client.create_schedule(timed.id, timed.schedule)
    except ScheduleAlreadyRunningError:
        await client.get_schedule_handle(timed.id).update(update)
