"""The monitors, once a night: does what was promoted still do what it did?"""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.monitoring import MonitoringActivities
    from activities.nightly_messages import NightlyIn, NightlyOut
from workflows.nightly import meant
from workflows.options import EXPORT


@workflow.defn
class MonitorsWorkflow:
    """Look, and do what follows; an asof that was looked at is not acted on again."""

    @workflow.run
    async def run(self, told: NightlyIn) -> NightlyOut:
        return await workflow.execute_activity_method(MonitoringActivities.monitor, meant(told), **EXPORT)
