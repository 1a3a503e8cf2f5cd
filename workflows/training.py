"""A walk-forward spread over workers: one activity for each fold of each model, then each month of the stack.

A piece that was done is found done, so a run that was cut off goes on where it was, and a second run of the
same walk trains nothing.
"""

import asyncio

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.messages import CutIn, PieceIn, TrainOut
    from activities.training import TrainingActivities
from workflows.options import TRAIN

AT_ONCE = 16
"""Pieces offered at a time; how many are worked on is a matter of the workers' slots."""


@workflow.defn
class TrainingWorkflow:
    """Id `<track>/training/<name>`."""

    @workflow.run
    async def run(self, told: CutIn) -> TrainOut:
        cut = await workflow.execute_activity_method(TrainingActivities.cut_walk, told, **TRAIN)
        trained = 0
        for first, count in ((0, cut.folds), (cut.folds, cut.months)):
            for begin in range(first, first + count, AT_ONCE):
                page = range(begin, min(begin + AT_ONCE, first + count))
                done = await asyncio.gather(*(self._piece(cut.pieces, index) for index in page))
                trained += sum(done)
                workflow.set_current_details(f"{page.stop} of {cut.folds + cut.months} pieces")
        return TrainOut(pieces=cut.folds + cut.months, trained=trained)

    async def _piece(self, pieces: str, index: int) -> bool:
        piece = PieceIn(pieces=pieces, index=index)
        out = await workflow.execute_activity_method(TrainingActivities.do_piece, piece, **TRAIN)
        return out.trained
