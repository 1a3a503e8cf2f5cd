"""Guards live for years: what one did under older code must replay under this one, command by command.

The stored history holds a mark of every tier, triggers that came and cleared, trips, refusals, a review, a
taken-over row and a continuation. After a change that is meant to differ (behind `workflow.patched`), run
`python -m tests.workflows.record_halt_history` and keep both.
"""

import asyncio
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer, WorkflowReplayResult

from tests.sandbox import runner
from workflows.drawdown_halt import DrawdownHaltWorkflow

HISTORIES = sorted((Path(__file__).parent / "histories").glob("drawdown_halt*.json"))


@pytest.mark.parametrize("file", HISTORIES, ids=lambda file: file.stem)
def test_what_a_guard_did_replays(file: Path) -> None:
    replayer = Replayer(
        workflows=[DrawdownHaltWorkflow],
        data_converter=pydantic_data_converter,
        workflow_runner=runner(),
    )
    history = WorkflowHistory.from_json("replay-a/halt/main", file.read_text())
    result: WorkflowReplayResult = asyncio.run(replayer.replay_workflow(history))
    assert result.replay_failure is None


def test_there_is_a_history_to_replay() -> None:
    assert HISTORIES
