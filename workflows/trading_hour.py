"""One hour of a track: market work once, then the portfolios in shards; and the launcher of a schedule.

The launcher is thin because a schedule may start the same hour twice: it starts the hour as a child whose id
refuses a second success, and it believes the outcome row, never "already started".
"""

import asyncio
from datetime import UTC, datetime

from temporalio import workflow
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError

with workflow.unsafe.imports_passed_through():
    from activities.closing import ClosingActivities
    from activities.market import MarketActivities
    from activities.messages import (
        CloseHourIn,
        FeaturesIn,
        HourIn,
        HourOut,
        LaunchIn,
        PredictIn,
        ShardIn,
    )
from workflows.children import once
from workflows.names import OUTCOME, hour_attributes, hour_id, shard_id
from workflows.options import COMPUTE, FETCH, ONCE, RECORD
from workflows.portfolio_shard import PortfolioShardWorkflow, work

SHARD = 50
"""Portfolios in a shard: one transaction and one page of messages."""
REPEATED = "REPEATED"
SCHEDULED = "TemporalScheduledStartTime"


@workflow.defn
class LaunchWorkflow:
    """Start the hour that a schedule, a person or a scheduler's call means, at most once."""

    @workflow.run
    async def run(self, told: LaunchIn) -> HourOut:
        asof = told.asof or scheduled_hour()
        hour = HourIn(track=told.track, asof=asof)
        try:
            return await workflow.execute_child_workflow(
                TradingHourWorkflow.run,
                hour,
                id=hour_id(told.track, asof),
                id_reuse_policy=ONCE,
                search_attributes=hour_attributes(told.track, asof),
            )
        except WorkflowAlreadyStartedError:
            return await standing(hour)


async def standing(hour: HourIn) -> HourOut:
    """How an hour stands that is not ours to do."""
    done = await workflow.execute_activity_method(ClosingActivities.standing, hour, **RECORD)
    return done.model_copy(update={"reason": done.outcome or "still at work", "outcome": REPEATED})


def _id(shard: ShardIn) -> str:
    return shard_id(shard.track, shard.asof, shard.first // SHARD)


def scheduled_hour() -> datetime:
    """The hour that the schedule meant, whenever it came to start: never the clock's."""
    times = workflow.info().search_attributes.get(SCHEDULED)
    if not times or not isinstance(times[0], datetime):
        raise ApplicationError("a launch without an asof must come from a schedule", non_retryable=True)
    meant = times[0].astimezone(UTC)
    return meant.replace(minute=0, second=0, microsecond=0)


@workflow.defn
class TradingHourWorkflow:
    """Fetch, features, predict; then every portfolio reconciled, guarded, decided, traded and settled."""

    @workflow.run
    async def run(self, told: HourIn) -> HourOut:
        hour = told.model_dump()
        fetching = workflow.start_activity_method(MarketActivities.fetch, told, **FETCH)
        roll = await workflow.execute_activity_method(ClosingActivities.roll, told, **RECORD)
        if roll.outcome:
            fetching.cancel()
            return await standing(told)
        fetched = await fetching
        features = await workflow.execute_activity_method(
            MarketActivities.features,
            FeaturesIn(**hour, window=fetched.window, lateness=fetched.lateness),
            **COMPUTE,
        )
        seen = await workflow.execute_activity_method(
            MarketActivities.predict,
            PredictIn(
                **hour,
                window=fetched.window,
                features=features.features,
                lateness=fetched.lateness,
            ),
            **COMPUTE,
        )
        shards = [
            ShardIn(**hour, portfolios=roll.portfolios, first=first, count=SHARD, view=seen.view)
            for first in range(0, roll.count, SHARD)
        ]
        if len(shards) == 1:
            await work(shards[0])
        else:
            await asyncio.gather(*(once(PortfolioShardWorkflow.run, shard, _id(shard)) for shard in shards))
        closing = CloseHourIn(**hour, portfolios=roll.portfolios, lateness=fetched.lateness)
        out = await workflow.execute_activity_method(ClosingActivities.close_hour, closing, **RECORD)
        workflow.upsert_search_attributes([OUTCOME.value_set(out.outcome or "OPEN")])
        return out
