"""One approved intent: worked, waited for, worked again, until nothing is left to do.

What is done at the venue, and whether, is decided by the order procedures over what is stored; this workflow
keeps it going through crashes, shows it by its id, and can be cancelled.
"""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.messages import OrderIn, OrderStep, WaitIn
    from activities.orders import OrderActivities
    from activities.waiting import WaitActivities
from workflows.options import ORDER, WAIT


@workflow.defn
class OrderWorkflow:
    """Of one portfolio, one instrument, one hour."""

    @workflow.run
    async def run(self, told: OrderIn) -> OrderStep:
        while True:
            step = await workflow.execute_activity_method(OrderActivities.work, told, **ORDER)
            workflow.set_current_details(step.note or f"resting until {step.until}")
            if step.until is None:
                return step
            wait = WaitIn(
                track=told.track,
                asof=told.asof,
                portfolio=told.portfolio,
                order=step.order,
                until=step.until,
            )
            await workflow.execute_activity_method(WaitActivities.await_order, wait, **WAIT)
