"""The proof of one hour, beside the hours: begun when an hour is over, done before the next one closes."""

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.messages import HourIn, ProveOut
    from activities.proving import ProvingActivities
from workflows.names import OUTCOME
from workflows.options import PROVE, RECORD


@workflow.defn
class ProofWorkflow:
    """Id `<track>/proof/<asof>`."""

    @workflow.run
    async def run(self, told: HourIn) -> ProveOut:
        try:
            out = await workflow.execute_activity_method(ProvingActivities.prove, told, **PROVE)
        except ActivityError:
            out = await workflow.execute_activity_method(ProvingActivities.give_up, told, **RECORD)
        workflow.upsert_search_attributes([OUTCOME.value_set("FAILED" if out.trouble else "PROVED")])
        return out
