"""A walk is spread over pieces, each done once; a release waits for a person."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from temporalio.client import Client, WorkflowUpdateFailedError
from temporalio.worker import Worker

from activities.messages import Approval, CutIn, LaunchIn, PromoteIn
from activities.training import TrainingActivities
from adapters.objects import ObjectStore
from temporal.client import Server
from temporal.promotions import Promotions
from temporal.schedules import CATCH_UP, apply, hourly
from tests.devserver import DevServer
from tests.sandbox import runner
from trading.errors import UsageError
from workflows.names import TRAINING, promotion_id, training_id
from workflows.promotion import PromotionWorkflow
from workflows.training import TrainingWorkflow


class Cut(NamedTuple):
    content: bytes
    folds: int
    months: int


class Walk:
    """Pieces that remember that they were done, and one that fails at first."""

    def __init__(self) -> None:
        self.done: list[int] = []
        self.failures = 1

    def cut(self, content: bytes) -> Cut:
        return Cut(content, 20, 3)

    def do(self, content: bytes, index: int) -> tuple[str, int, bool]:
        if index == 5 and self.failures:
            self.failures -= 1
            raise RuntimeError("out of memory")
        new = index not in self.done
        self.done.append(index)
        return json.loads(content)["family"], index, new


class Registry:
    """Crowns release 1 only."""

    def __init__(self) -> None:
        self.crowned: list[tuple[Any, ...]] = []

    def promote(self, which: int | str, mode: str, who: str, why: str) -> None:
        if which != "1":
            raise UsageError(f"release {which} was trained on a proxy")
        self.crowned.append((which, mode, who, why))

    def rollback(self, who: str, why: str) -> None:
        self.crowned.append(("rollback", who, why))


def test_training_promotion_and_schedule(tmp_path: Path) -> None:
    """One engine for the three."""
    server = DevServer(tmp_path)
    server.start()
    try:
        assert asyncio.run(the_stories(server, tmp_path)) == 3
    finally:
        server.stop()


async def the_stories(server: DevServer, folder: Path) -> int:
    """Tell them; returns how many were told."""
    client, walk, registry = await server.connect(), Walk(), Registry()
    objects = ObjectStore(folder / "objects")
    hands = TrainingActivities(walk, lambda: registry, objects)
    with ThreadPoolExecutor(2) as pool:
        async with Worker(
            client,
            task_queue=TRAINING,
            workflows=[TrainingWorkflow, PromotionWorkflow],
            activities=hands.activities(),
            activity_executor=pool,
            workflow_runner=runner(),
        ):
            await a_walk_is_done_piece_by_piece(client, walk, objects)
            await a_release_waits_for_a_person(client, registry)
    await a_schedule_is_created_or_brought_up_to_date(client)
    return 3


async def a_walk_is_done_piece_by_piece(client: Client, walk: Walk, objects: ObjectStore) -> None:
    told = CutIn(walk=objects.put_bytes(b'{"family":"forest"}'))
    out = await client.execute_workflow(
        TrainingWorkflow.run, told, id=training_id("t", "a"), task_queue=TRAINING
    )
    assert (out.pieces, out.trained) == (23, 23)
    assert sorted(walk.done) == list(range(23))
    assert min(walk.done.index(month) for month in (20, 21, 22)) >= 20, "the stack comes after its folds"
    again = await client.execute_workflow(
        TrainingWorkflow.run, told, id=training_id("t", "b"), task_queue=TRAINING
    )
    assert again.trained == 0


async def a_release_waits_for_a_person(client: Client, registry: Registry) -> None:
    async def decided(which: str, said: Approval) -> str:
        handle = await client.start_workflow(
            PromotionWorkflow.run,
            PromoteIn(which=which, mode="replay"),
            id=promotion_id("t", f"{which} {said.who}"),
            task_queue=TRAINING,
        )
        assert (await handle.query(PromotionWorkflow.waiting)).which == which
        with pytest.raises(WorkflowUpdateFailedError):
            await handle.execute_update(PromotionWorkflow.decide, Approval(who="", why=""))
        await handle.execute_update(PromotionWorkflow.decide, said)
        return (await handle.result()).refusal

    ada = Approval(who="ada", why="beats the trend")
    assert "declined by bob" in await decided("1", Approval(who="bob", why="no", approved=False))
    assert registry.crowned == []
    assert await decided("1", ada) == ""
    assert registry.crowned == [("1", "replay", "ada", "beats the trend")]
    assert "proxy" in await decided("2", ada)
    back = PromoteIn(which="", mode="replay", action="rollback")
    address, namespace = client.service_client.config.target_host, client.namespace
    promotions = Promotions(lambda: Server(address, namespace))
    assert (await asyncio.to_thread(promotions.decide, "t", back, ada)).refusal == ""
    assert registry.crowned[-1] == ("rollback", "ada", "beats the trend")


async def a_schedule_is_created_or_brought_up_to_date(client: Client) -> None:
    timed = hourly("live-a")
    await apply(client, timed)
    await apply(client, timed)
    told = (await client.get_schedule_handle(timed.id).describe()).schedule
    assert told.policy.catchup_window == CATCH_UP == timedelta(minutes=10)
    assert LaunchIn(track="live-a").asof is None
