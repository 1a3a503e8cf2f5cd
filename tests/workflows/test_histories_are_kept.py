"""Histories of a real engine outlive it: exported, bound into the audit log, and replayable from there."""

import asyncio
import contextlib
import json
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from sqlalchemy import Engine, select
from temporalio.client import Client, WorkflowHandle
from temporalio.worker import Replayer, Worker

from activities.messages import Approval, PromoteIn
from adapters.audit import Audit, Kind
from adapters.audit.log import records
from adapters.audit.verify import verify
from adapters.objects import ObjectStore
from adapters.storage.base import PortfolioKey
from adapters.storage.engine import connect, reading, sqlite_url, unit_of_work
from adapters.storage.hours import DONE, Hour
from adapters.storage.migrate import upgrade
from adapters.storage.outbox import Alert
from adapters.storage.portfolios import open_portfolio
from temporal.client import converter
from temporal.histories import keep, proved, unpacked
from tests.devserver import DevServer
from tests.sandbox import runner
from tests.stored import NOW
from worker.keeping import keeping
from worker.terms import Terms
from workflows.names import TRADING, promotion_id
from workflows.promotion import PromotionWorkflow

TRACK = "replay-histories-1"


class Place(NamedTuple):
    """An engine, a worker of it, a track's database and its object store."""

    client: Client
    engine: Engine
    objects: ObjectStore

    async def decline(self, release: str) -> WorkflowHandle[Any, Any]:
        """A workflow from its beginning to its end."""
        told = PromoteIn(which=release, mode="replay")
        id = promotion_id(TRACK, release)
        handle = await self.client.start_workflow(PromotionWorkflow.run, told, id=id, task_queue=TRADING)
        said = Approval(who="ada", why="not yet", approved=False)
        await handle.execute_update(PromotionWorkflow.decide, said)
        await handle.result()
        return handle

    async def keep(self, expected: int) -> None:
        """Keep what the engine's list, which is told a little later, knows to be over."""
        kept = 0
        for _ in range(100):
            kept += await keep(self.client, self.engine, self.objects, TRACK)
            if kept >= expected:
                break
            await asyncio.sleep(0.05)
        assert kept == expected

    def told(self) -> list[dict[str, Any]]:
        return told_in(self.engine)


def told_in(engine: Engine) -> list[dict[str, Any]]:
    """What the log, which must be good, says of histories."""
    with reading(engine) as session:
        found = list(records(session, TRACK))
    assert verify(TRACK, found, []).fault is None
    return [json.loads(entry.body) for entry in found if entry.kind == Kind.HISTORY]


@contextlib.asynccontextmanager
async def placed(folder: Path) -> AsyncIterator[Place]:
    engine = connect(sqlite_url(folder / "ballast.db"))
    upgrade(engine)
    with unit_of_work(engine) as session:
        open_portfolio(session, PortfolioKey(TRACK, "main"), "USD", NOW)
    server = DevServer(folder)
    server.start()
    try:
        client = await server.connect()
        workflows = [PromotionWorkflow]
        async with Worker(client, task_queue=TRADING, workflows=workflows, workflow_runner=runner()):
            yield Place(client, engine, ObjectStore(folder / "objects"))
    finally:
        server.stop()
        engine.dispose()


@pytest.fixture
def at_a_place(tmp_path: Path) -> Callable[[Any], None]:
    def run(story: Any) -> None:
        async def told() -> None:
            async with placed(tmp_path) as place:
                await story(place)

        asyncio.run(told())

    return run


def test_each_history_is_kept_once_and_those_under_way_are_not(at_a_place: Callable[[Any], None]) -> None:
    async def story(place: Place) -> None:
        first = await place.decline("one")
        waiting = PromoteIn(which="two", mode="replay")
        id = promotion_id(TRACK, "two")
        await place.client.start_workflow(PromotionWorkflow.run, waiting, id=id, task_queue=TRADING)
        await place.keep(1)
        assert await keep(place.client, place.engine, place.objects, TRACK) == 0
        third = await place.decline("three")
        await place.keep(1)
        assert [told["workflow"] for told in place.told()] == [first.id, third.id]
        assert {told["status"] for told in place.told()} == {"COMPLETED"}

    at_a_place(story)


def test_another_tracks_histories_are_not_this_ones(at_a_place: Callable[[Any], None]) -> None:
    async def story(place: Place) -> None:
        mine = await place.decline("one")
        told = PromoteIn(which="one", mode="replay")
        id = promotion_id(f"{TRACK}0", "one")
        other = await place.client.start_workflow(PromotionWorkflow.run, told, id=id, task_queue=TRADING)
        await other.execute_update(
            PromotionWorkflow.decide, Approval(who="ada", why="not yet", approved=False)
        )
        await other.result()
        await place.keep(1)
        await asyncio.sleep(0.5)
        assert await keep(place.client, place.engine, place.objects, TRACK) == 0
        assert [told["workflow"] for told in place.told()] == [mine.id]

    at_a_place(story)


def test_a_history_can_be_replayed_when_the_engine_is_gone(tmp_path: Path) -> None:
    async def before() -> None:
        async with placed(tmp_path) as place:
            await place.decline("one")
            await place.keep(1)

    async def after() -> None:
        engine, objects = connect(sqlite_url(tmp_path / "ballast.db")), ObjectStore(tmp_path / "objects")
        (told,) = told_in(engine)
        history = unpacked(told["workflow"], objects.read(told["sha256"]))
        assert len(history.events) == told["events"]
        workflows = [PromotionWorkflow]
        replayer = Replayer(workflows=workflows, data_converter=converter(), workflow_runner=runner())
        await replayer.replay_workflow(history)

    asyncio.run(before())
    for file in tmp_path.glob("temporal.db*"):
        file.unlink()
    asyncio.run(after())


def test_two_processes_at_once_keep_each_history_once(at_a_place: Callable[[Any], None]) -> None:
    async def story(place: Place) -> None:
        for release in ("one", "two", "three"):
            await place.decline(release)
        await asyncio.sleep(0.5)
        again = [keep(place.client, place.engine, place.objects, TRACK) for _ in range(3)]
        assert sum(await asyncio.gather(*again)) == 3
        with reading(place.engine) as session:
            assert Audit(session).head(TRACK).seq == 3

    at_a_place(story)


def test_a_damaged_history_and_an_hour_without_one_are_named(at_a_place: Callable[[Any], None]) -> None:
    async def story(place: Place) -> None:
        await place.decline("one")
        await place.keep(1)
        assert proved(place.engine, place.objects, TRACK).problems == ()
        with unit_of_work(place.engine) as session:
            row = {"outcome": DONE, "reason": "", "portfolios": 0, "settled": 0, "ended": NOW}
            session.add(Hour(track=TRACK, asof=NOW, **row))
        file = place.objects.path(place.told()[0]["sha256"])
        file.chmod(0o600)
        file.write_bytes(file.read_bytes()[:-1])
        damaged, missing = proved(place.engine, place.objects, TRACK).problems
        assert "is not what was entered" in damaged
        assert missing == "hour 2026-03-01T12:00Z ended, and no history of it is kept"

    at_a_place(story)


def test_a_worker_keeps_on_keeping_and_says_when_it_cannot(tmp_path: Path) -> None:
    async def story() -> None:
        async with placed(tmp_path) as place:
            await place.decline("one")
            terms = Terms(
                mode="replay",
                track=TRACK,
                home=tmp_path,
                database=f"sqlite:///{tmp_path / 'ballast.db'}",
                temporal="",
                namespace="",
                venue="",
                key="",
                secret="",
                instruments=(),
                cache=tmp_path,
            )
            async with keeping(terms, place.client, every_s=0.1):
                await until(lambda: len(place.told()) == 1)
            shutil.rmtree(tmp_path / "objects")
            (tmp_path / "objects").touch()
            await place.decline("two")
            async with keeping(terms, place.client, every_s=0.1):
                await until(lambda: bool(alerts(place.engine)))
            assert len(alerts(place.engine)) == 1
            assert len(place.told()) == 1

    asyncio.run(story())


def alerts(engine: Engine) -> list[str]:
    with reading(engine) as session:
        return list(session.scalars(select(Alert.message).where(Alert.kind == "histories")))


async def until(holds: Callable[[], bool]) -> None:
    for _ in range(200):
        if holds():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it did not come to that")
