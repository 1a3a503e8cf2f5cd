"""One portfolio's hour when it has orders, or when something went wrong with it. It always ends in a row."""

import asyncio
from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, ChildWorkflowError
from temporalio.workflow import ParentClosePolicy

with workflow.unsafe.imports_passed_through():
    from activities.closing import ClosingActivities
    from activities.messages import OrderIn, PortfolioHourIn, PortfolioHourOut, ShardIn, WaitIn
    from activities.portfolios import BatchActivities
    from activities.waiting import WaitActivities
from workflows.children import once
from workflows.names import order_id, portfolio_hour_id
from workflows.options import BATCH, RECORD, SETTLE, WAIT
from workflows.order import OrderWorkflow

CLOSES_AFTER = timedelta(minutes=58)
"""When nothing of an hour can happen any more: fills up to here belong to it, later ones to the next."""
SKIPPED_AFTER = timedelta(minutes=1)
"""Later than that an hour without a settled state gets its row, and its orders live on."""
AGAIN_AFTER_S = (1, 5, 15, 60, 120)
"""Waits before each attempt of a portfolio in trouble."""


@workflow.defn
class PortfolioHourWorkflow:
    """Orders, then settle."""

    @workflow.run
    async def run(self, told: PortfolioHourIn) -> PortfolioHourOut:
        try:
            instruments = told.instruments if told.is_decided else await self._alone(told)
            if instruments is None:
                return await self._skip(told, told.trouble)
            trouble = await self._trade(told, instruments)
            hour = told.model_copy(update={"trouble": trouble})
            return await workflow.execute_activity_method(ClosingActivities.settle, hour, **SETTLE)
        except ActivityError as error:
            return await self._skip(told, str(error.cause or error))

    async def _skip(self, told: PortfolioHourIn, reason: str) -> PortfolioHourOut:
        hour = told.model_copy(update={"trouble": reason})
        return await workflow.execute_activity_method(ClosingActivities.skip, hour, **RECORD)

    async def _trade(self, told: PortfolioHourIn, instruments: tuple[str, ...]) -> str:
        """See every order to its end, at most to the end of the hour; returns what went wrong."""
        orders = [asyncio.create_task(self._order(told, name)) for name in instruments]
        end = WaitIn(
            track=told.track,
            asof=told.asof,
            order=portfolio_hour_id(told.track, told.asof, told.portfolio),
            until=told.asof + CLOSES_AFTER,
        )
        await workflow.execute_activity_method(WaitActivities.await_time, end, **WAIT)
        try:
            await workflow.wait_condition(lambda: all(o.done() for o in orders), timeout=SKIPPED_AFTER)
        except TimeoutError:
            return "orders are still at work"
        return "; ".join(filter(None, (order.result() for order in orders)))

    async def _order(self, told: PortfolioHourIn, instrument: str) -> str:
        order = OrderIn(
            track=told.track,
            asof=told.asof,
            portfolio=told.portfolio,
            instrument=instrument,
            view=told.view,
        )
        id = order_id(told.track, told.asof, told.portfolio, instrument)
        try:
            await once(OrderWorkflow.run, order, id, ParentClosePolicy.ABANDON)
        except ChildWorkflowError as error:
            return f"{instrument}: {error.cause}"
        return ""

    async def _alone(self, told: PortfolioHourIn) -> tuple[str, ...] | None:
        """The batch's work for this portfolio only, tried again for a while; None if it stays in trouble."""
        shard = ShardIn(
            track=told.track,
            asof=told.asof,
            portfolios=told.view,
            first=0,
            count=1,
            view=told.view,
            only=told.portfolio,
        )
        for again_after_s in AGAIN_AFTER_S:
            await asyncio.sleep(again_after_s)
            decided = await workflow.execute_activity_method(BatchActivities.open, shard, **BATCH)
            if not decided.trouble:
                return decided.plans[0].instruments if decided.plans else ()
        return None
