"""Bring in hours that OHLC does not reach any more, rebuilt from trades, a coin's month at a time."""

from datetime import datetime, timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.market import MarketActivities
    from activities.messages import BackfillIn, BackfillOut, BackfillPiece
from workflows.options import BACKFILL

PIECE = timedelta(days=30)
HOUR = timedelta(hours=1)


@workflow.defn
class BackfillWorkflow:
    """Id `<track>/backfill/<venue>`."""

    @workflow.run
    async def run(self, told: BackfillIn) -> BackfillOut:
        added = 0
        for instrument in told.instruments:
            for first in starts(told.first, told.last):
                last = min(first + PIECE - HOUR, told.last)
                piece = BackfillPiece(instrument=instrument, first=first, last=last)
                out = await workflow.execute_activity_method(MarketActivities.backfill, piece, **BACKFILL)
                added += out.added
                workflow.set_current_details(f"{instrument} up to {last}: {added} hours added")
        return BackfillOut(added=added)


def starts(first: datetime, last: datetime) -> list[datetime]:
    """Where each piece of a span begins."""
    return [first + PIECE * piece for piece in range((last - first) // PIECE + 1)]
