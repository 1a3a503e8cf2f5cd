"""Compare a portfolio with its venue, at a start and whenever somebody asks; the next mark trips."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.closing import ClosingActivities
    from activities.messages import ReconcileIn, ReconcileOut
from workflows.names import OUTCOME
from workflows.options import BATCH


@workflow.defn
class ReconciliationWorkflow:
    """Id `<track>/reconciliation/<portfolio>`."""

    @workflow.run
    async def run(self, told: ReconcileIn) -> ReconcileOut:
        out = await workflow.execute_activity_method(ClosingActivities.reconcile_now, told, **BATCH)
        workflow.upsert_search_attributes([OUTCOME.value_set("MISMATCH" if out.unexplained else "AGREES")])
        return out
