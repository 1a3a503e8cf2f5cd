"""What every activity of a worker is wrapped in: its lines carry what it works on, its time is measured."""

from typing import Any

from temporalio import activity
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from adapters.observability import bound, measured

NAMES = ("track", "portfolio", "asof", "order", "instrument")
"""Fields of messages that log lines carry."""


class Observed(Interceptor):
    """Hand it to the worker in `interceptors`."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        return _ObservedActivity(next)


class _ObservedActivity(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        info = activity.info()
        told = input.args[0] if input.args else None
        names = {name: getattr(told, name, None) for name in NAMES}
        work = {"workflow": info.workflow_id, "activity": info.activity_type, "attempt": info.attempt}
        with bound(**names, **work), measured(info.activity_type):
            return await super().execute_activity(input)
