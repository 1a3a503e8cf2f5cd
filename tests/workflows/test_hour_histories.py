"""What the workflows of an hour did must replay under this code, command by command.

After a change that is meant to differ, run `python -m tests.workflows.record_hour_histories`.
"""

import asyncio
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer

from tests.hour_histories import HISTORIES
from tests.sandbox import runner
from worker.main import WORKFLOWS

FILES = sorted(HISTORIES.glob("hour_*.json"))
HISTORY_BYTES_MAX = 20_000


def replayed(content: str) -> Exception | None:
    replayer = Replayer(workflows=WORKFLOWS, data_converter=pydantic_data_converter, workflow_runner=runner())
    history = WorkflowHistory.from_json("replay-test-1/recorded", content)
    return asyncio.run(replayer.replay_workflow(history, raise_on_replay_failure=False)).replay_failure


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_what_an_hour_did_replays(file: Path) -> None:
    assert replayed(file.read_text()) is None


def test_every_workflow_of_an_hour_has_a_history() -> None:
    kinds = {file.stem.split("_", 1)[1].split("_")[0] for file in FILES}
    assert kinds == {"trading", "shard", "portfolio", "order", "proof"}


def test_a_history_of_other_commands_does_not_replay() -> None:
    content = (HISTORIES / "hour_trading_hour.json").read_text()
    assert replayed(content.replace('"name": "fetch"', '"name": "fetched"')) is not None


def test_the_history_of_a_portfolios_hour_is_small() -> None:
    for file in FILES:
        if file.stem.startswith(("hour_portfolio", "hour_order")):
            history = WorkflowHistory.from_json("x", file.read_text())
            size = sum(event.ByteSize() for event in history.events)
            assert size < HISTORY_BYTES_MAX, f"{file.stem}: {size} bytes"
