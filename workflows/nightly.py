"""What runs once a day or a month beside the hours, each one activity that finds done what is done."""

from datetime import datetime

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.nightly import NightlyActivities
    from activities.nightly_messages import NightlyAt, NightlyIn, NightlyOut
from workflows.names import training_id
from workflows.options import EXPORT, FEES, MONTHLY, SURVEY
from workflows.trading_hour import scheduled_hour
from workflows.training import TrainingWorkflow


@workflow.defn
class UniverseWorkflow:
    """Look at every pair: is it online, what is its spread in the book, how much is traded?"""

    @workflow.run
    async def run(self, told: NightlyIn) -> NightlyOut:
        return await workflow.execute_activity_method(NightlyActivities.survey, meant(told), **SURVEY)


@workflow.defn
class FeesWorkflow:
    """Ask what the account pays, and let it hold from the next hour where that is more."""

    @workflow.run
    async def run(self, told: NightlyIn) -> NightlyOut:
        return await workflow.execute_activity_method(NightlyActivities.fees, meant(told), **FEES)


@workflow.defn
class MonthlyTrainingWorkflow:
    """Train a challenger on all that is known by now: the walk is planned, its pieces are shared by the
    workers, and the release is made of them.
    """

    @workflow.run
    async def run(self, told: NightlyIn) -> NightlyOut:
        asked = meant(told)
        walk = await workflow.execute_activity_method(NightlyActivities.plan_training, asked, **MONTHLY)
        id = training_id(told.track, f"{asked.asof:%Y-%m}")
        await workflow.execute_child_workflow(TrainingWorkflow.run, walk, id=id)
        return await workflow.execute_activity_method(NightlyActivities.finish_training, asked, **MONTHLY)


@workflow.defn
class AuditExportWorkflow:
    """Write yesterday's part of the audit log as a package."""

    @workflow.run
    async def run(self, told: NightlyIn) -> NightlyOut:
        return await workflow.execute_activity_method(NightlyActivities.export, meant(told), **EXPORT)


def meant(told: NightlyIn) -> NightlyAt:
    """For when it is: what was named, or what the schedule meant, never a clock."""
    asof: datetime = told.asof or scheduled_hour()
    return NightlyAt(track=told.track, asof=asof)
