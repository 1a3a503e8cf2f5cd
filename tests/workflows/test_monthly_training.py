"""The month's training is a walk whose pieces workers share, and ends with a challenger."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from temporalio.client import Client
from temporalio.worker import Worker

from activities.nightly import NightlyActivities
from activities.nightly_messages import NightlyIn, NightlyOut
from activities.training import TrainingActivities
from adapters.model_registry import ModelRegistry
from adapters.nightly import Trainer
from adapters.objects import ObjectStore
from adapters.pieces import Pieces
from cli import demo
from cli.data import make_market
from tests.devserver import DevServer
from tests.logged import PRESET, VENUE, new_home
from tests.sandbox import runner
from workflows.names import TRAINING, nightly_id, training_id
from workflows.nightly import MonthlyTrainingWorkflow
from workflows.training import TrainingWorkflow

TRACK, MONTH = "replay-a-1", datetime(2025, 1, 1, 3, tzinfo=UTC)


async def trained(server: DevServer, home: Path) -> tuple[NightlyOut, NightlyOut, int]:
    """What two runs of the month came to, and how many pieces the first one trained."""
    client, objects = await server.connect(), ObjectStore(home / "objects")
    training = TrainingActivities(Pieces(), lambda: ModelRegistry(home / "models"), objects)
    nobody: object = None
    nightly = NightlyActivities(nobody, nobody, objects, nobody, Trainer(home, PRESET, VENUE), nobody)  # type: ignore[arg-type]
    with ThreadPoolExecutor(2) as pool:
        async with Worker(
            client,
            task_queue=TRAINING,
            workflows=[MonthlyTrainingWorkflow, TrainingWorkflow],
            activities=[*training.activities(), nightly.plan_training, nightly.finish_training],
            activity_executor=pool,
            max_concurrent_activities=2,
            workflow_runner=runner(),
        ):
            first = await month(client, "1")
            handle = client.get_workflow_handle_for(TrainingWorkflow.run, training_id(TRACK, "2025-01"))
            pieces = (await handle.result()).trained
            return first, await month(client, "2"), pieces


async def month(client: Client, run: str) -> NightlyOut:
    return await client.execute_workflow(
        MonthlyTrainingWorkflow.run,
        NightlyIn(track=TRACK, asof=MONTH),
        id=nightly_id(TRACK, f"training-{run}"),
        task_queue=TRAINING,
    )


@pytest.mark.slow
def test_a_month_is_trained_by_the_pieces_and_a_second_run_trains_nothing(tmp_path: Path) -> None:
    home = new_home(tmp_path / "home")
    make_market(home, demo.SEED, demo.YEARS, demo.INSTRUMENTS)
    server = DevServer(tmp_path)
    server.start()
    try:
        first, again, pieces = asyncio.run(trained(server, home))
    finally:
        server.stop()
    assert pieces > 20
    assert first.note == again.note == "version 1 is the challenger; a person promotes it"
    (release,) = ModelRegistry(home / "models").versions()
    assert (release.aliases, release.facts.preset) == (("challenger",), PRESET)
