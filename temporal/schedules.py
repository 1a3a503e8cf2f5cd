"""Schedules as data, and how they are brought to the engine: created, or updated to what stands here.

Each says what happens when its last run is still at work, and how late a run may still start: the engine's
own default is a year, with which every hour of an outage would start at once. An hour that could not start in
time is not started by the schedule any more; what it must do without entries is done late (`ballast up` sees
to it) or by the next hour.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from temporalio.client import (
    Client,
    RPCError,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
)
from temporalio.service import RPCStatusCode

from activities.messages import LaunchIn, Message
from activities.nightly_messages import NightlyIn
from trading.errors import UsageError
from workflows.monitoring import MonitorsWorkflow
from workflows.names import TRADING, launch_id, nightly_id
from workflows.nightly import (
    AuditExportWorkflow,
    FeesWorkflow,
    MonthlyTrainingWorkflow,
    UniverseWorkflow,
)
from workflows.trading_hour import LaunchWorkflow

SKIP, BUFFER_ONE = ScheduleOverlapPolicy.SKIP, ScheduleOverlapPolicy.BUFFER_ONE
HOURLY, UNIVERSE, FEES, TRAINING, EXPORT = "hourly", "universe", "fees", "training", "audit-export"
MONITORS = "monitors"
CATCH_UP = timedelta(minutes=10)
"""Of an hour: later than that it may not enter anything."""


class Planned(NamedTuple):
    """One schedule of every track."""

    name: str
    cron: str
    """UTC."""
    what: str
    overlap: ScheduleOverlapPolicy
    catch_up: timedelta
    workflow: Callable[..., Any]
    told: Callable[[str], Message]
    """What the workflow is told, by track; when it was meant to run it learns from the engine."""


TABLE = (
    Planned(
        HOURLY,
        "0 * * * *",
        "the trading hour",
        BUFFER_ONE,
        CATCH_UP,
        LaunchWorkflow.run,
        lambda track: LaunchIn(track=track),
    ),
    Planned(
        UNIVERSE,
        "20 0 * * *",
        "which pairs are online, their spread in the book and their volume",
        SKIP,
        timedelta(hours=6),
        UniverseWorkflow.run,
        lambda track: NightlyIn(track=track),
    ),
    Planned(
        FEES,
        "35 0 * * *",
        "what the account pays; higher than configured, it holds from the next hour",
        SKIP,
        timedelta(hours=6),
        FeesWorkflow.run,
        lambda track: NightlyIn(track=track),
    ),
    Planned(
        TRAINING,
        "10 3 1 * *",
        "a new release, as a challenger; a person promotes it",
        SKIP,
        timedelta(days=3),
        MonthlyTrainingWorkflow.run,
        lambda track: NightlyIn(track=track),
    ),
    Planned(
        EXPORT,
        "50 0 * * *",
        "the audit log of the day before, as a package for an auditor",
        SKIP,
        timedelta(days=2),
        AuditExportWorkflow.run,
        lambda track: NightlyIn(track=track),
    ),
    Planned(
        MONITORS,
        "5 1 * * *",
        "whether what was promoted still does what it did; alerts halve the size or stop entries",
        SKIP,
        timedelta(hours=12),
        MonitorsWorkflow.run,
        lambda track: NightlyIn(track=track),
    ),
)


class Timed(NamedTuple):
    """One schedule of one track, as the engine takes it."""

    id: str
    cron: str
    schedule: Schedule


class Standing(NamedTuple):
    """What the engine says of a schedule."""

    name: str
    exists: bool
    paused: bool = False
    next_at: datetime | None = None
    last_at: datetime | None = None


def schedules_of(track: str) -> list[Timed]:
    """Every schedule of a track."""
    return [_timed(track, planned) for planned in TABLE]


def hourly(track: str) -> Timed:
    """The trading hour of a track, at every full hour; the next one waits if one is still at work."""
    return _timed(track, planned_as(HOURLY))


def planned_as(name: str) -> Planned:
    """The row of a name; a `UsageError` for a name that is none."""
    for planned in TABLE:
        if planned.name == name:
            return planned
    raise UsageError(f"no schedule {name!r}; there are {', '.join(planned.name for planned in TABLE)}")


async def apply(client: Client, timed: Timed) -> None:
    """Create the schedule, or bring the one that is there to what stands here; a pause of it stays."""

    def update(told: ScheduleUpdateInput) -> ScheduleUpdate:
        timed.schedule.state = told.description.schedule.state
        return ScheduleUpdate(schedule=timed.schedule)

    try:
        await client.create_schedule(timed.id, timed.schedule)
    except ScheduleAlreadyRunningError:
        await client.get_schedule_handle(timed.id).update(update)


async def standings(client: Client, track: str) -> Sequence[Standing]:
    """How each schedule of a track stands at the engine."""
    return [await _standing(client, track, planned.name) for planned in TABLE]


async def run_now(client: Client, track: str, name: str, at: datetime) -> str:
    """Start what a schedule starts, as if `at` were its time; returns the workflow's id.

    An hour is the one that `at` lies in, and happens once however often it is started.
    """
    planned = planned_as(name)
    meant = at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    told = planned.told(track).model_copy(update={"asof": meant})
    id = f"{_workflow_id(track, name)}-{meant:%Y-%m-%dT%H:%MZ}-by-hand"
    await client.start_workflow(planned.workflow, told, id=id, task_queue=TRADING)
    return id


async def _standing(client: Client, track: str, name: str) -> Standing:
    try:
        told = await client.get_schedule_handle(_schedule_id(track, name)).describe()
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        return Standing(name, exists=False)
    coming, past = told.info.next_action_times, told.info.recent_actions
    return Standing(
        name,
        exists=True,
        paused=told.schedule.state.paused,
        next_at=coming[0] if coming else None,
        last_at=past[-1].scheduled_at if past else None,
    )


def _timed(track: str, planned: Planned) -> Timed:
    action = ScheduleActionStartWorkflow(
        planned.workflow, planned.told(track), id=_workflow_id(track, planned.name), task_queue=TRADING
    )
    policy = SchedulePolicy(overlap=planned.overlap, catchup_window=planned.catch_up)
    spec = ScheduleSpec(cron_expressions=[planned.cron], time_zone_name="UTC")
    id = _schedule_id(track, planned.name)
    return Timed(id, planned.cron, Schedule(action=action, spec=spec, policy=policy))


def _schedule_id(track: str, name: str) -> str:
    return f"{track}/{name}"


def _workflow_id(track: str, name: str) -> str:
    return launch_id(track) if name == HOURLY else nightly_id(track, name)
