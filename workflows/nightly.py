"""What runs once a day or a month beside the hours, each one activity that finds done what is done."""

from datetime import datetime

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.nightly import NightlyActivities
    from activities.nightly_messages import NightlyAt, NightlyIn, NightlyOut
from workflows.options import EXPORT, FEES, MONTHLY, SURVEY
from workflows.trading_hour import scheduled_hour


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
    """Train a challenger on all that is known by now."""

    @workflow.run
    async def run(self, told: NightlyIn) -> NightlyOut:
        return await workflow.execute_activity_method(NightlyActivities.train, meant(told), **MONTHLY)


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
