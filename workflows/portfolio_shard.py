"""Up to fifty portfolios of one hour in batches; whoever has orders or trouble gets a workflow of its own.

A track with more has a workflow for each shard; a lone shard is worked by its hour, which saves two steps.
"""

import asyncio

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.messages import CloseIn, PortfolioHourIn, ShardIn, ShardOut, WaitIn
    from activities.portfolios import BatchActivities
    from activities.waiting import WaitActivities
from workflows.children import once
from workflows.names import portfolio_hour_id, shard_id
from workflows.options import BATCH, WAIT
from workflows.portfolio_hour import CLOSES_AFTER, PortfolioHourWorkflow


@workflow.defn
class PortfolioShardWorkflow:
    """One of several shards of an hour."""

    @workflow.run
    async def run(self, told: ShardIn) -> ShardOut:
        await work(told)
        return ShardOut(portfolios=told.count)


async def work(told: ShardIn) -> None:
    """Reconcile, guard, decide and settle the idle in a batch; then the others trade."""
    decided = await workflow.execute_activity_method(BatchActivities.open, told, **BATCH)
    undecided = {item.portfolio: item.reason for item in decided.trouble}
    busy = (*undecided, *(plan.portfolio for plan in decided.plans))
    await asyncio.gather(
        *([_close_idle(told, busy)] if decided.exposed else []),
        *(_portfolio(told, plan.portfolio, instruments=plan.instruments) for plan in decided.plans),
        *(_portfolio(told, name, trouble=why, is_decided=False) for name, why in undecided.items()),
    )


async def _close_idle(told: ShardIn, busy: tuple[str, ...]) -> None:
    name = shard_id(told.track, told.asof, told.first)
    end = WaitIn(track=told.track, asof=told.asof, order=name, until=told.asof + CLOSES_AFTER)
    await workflow.execute_activity_method(WaitActivities.await_time, end, **WAIT)
    closing = CloseIn(**told.model_dump(), without=busy)
    out = await workflow.execute_activity_method(BatchActivities.close, closing, **BATCH)
    await asyncio.gather(*(_portfolio(told, item.portfolio, trouble=item.reason) for item in out.trouble))


async def _portfolio(
    told: ShardIn,
    name: str,
    *,
    instruments: tuple[str, ...] = (),
    trouble: str = "",
    is_decided: bool = True,
) -> None:
    hour = PortfolioHourIn(
        track=told.track,
        asof=told.asof,
        portfolio=name,
        view=told.view,
        is_decided=is_decided,
        instruments=instruments,
        trouble=trouble,
    )
    await once(PortfolioHourWorkflow.run, hour, portfolio_hour_id(told.track, told.asof, name))
