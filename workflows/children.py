"""Start what must happen once, or wait for whoever started it: "already started" is not "done"."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.workflow import ParentClosePolicy

with workflow.unsafe.imports_passed_through():
    from activities.messages import AttachIn, Message
    from activities.waiting import WaitActivities
from workflows.options import ONCE, WAIT

T = TypeVar("T", bound=Message)


async def once(
    run: Callable[[Any, T], Awaitable[Any]],
    told: T,
    id: str,
    parent_close: ParentClosePolicy = ParentClosePolicy.TERMINATE,
) -> None:
    """See a child to its end under its id, begun here, by an earlier run of ours, or completed long ago.

    What it came to is read from the store, since an earlier run's result is not ours to read. A child that
    failed raises `ChildWorkflowError`; one that failed before is begun again.
    """
    while True:
        try:
            await workflow.execute_child_workflow(
                run, told, id=id, id_reuse_policy=ONCE, parent_close_policy=parent_close
            )
            return
        except WorkflowAlreadyStartedError:
            attached = await workflow.execute_activity_method(WaitActivities.attach, AttachIn(id=id), **WAIT)
            if attached.succeeded:
                return
