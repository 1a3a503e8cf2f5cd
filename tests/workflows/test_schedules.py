"""Schedules as the engine has them, and what they start: the listing, the fees, the export of a paper day."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from temporalio.client import Client, ScheduleOverlapPolicy

from adapters.kraken.schemas_public import Book
from adapters.nightly import spread_of
from temporal.schedules import TABLE, apply, planned_as, run_now, schedules_of, standings
from tests.devserver import DevServer
from trading.errors import UsageError

TRACK = "paper-7"
LATE_MAX = timedelta(days=3)


def test_schedules_are_created_brought_up_to_date_and_shown(tmp_path: Path) -> None:
    server = DevServer(tmp_path)
    server.start()
    try:
        assert asyncio.run(the_story(server)) == len(TABLE)
    finally:
        server.stop()


async def the_story(server: DevServer) -> int:
    client: Client = await server.connect()
    assert [row.exists for row in await standings(client, TRACK)] == [False] * len(TABLE)
    for _ in range(2):
        for timed in schedules_of(TRACK):
            await apply(client, timed)
    paused = client.get_schedule_handle(f"{TRACK}/training")
    await paused.pause(note="not this month")
    for timed in schedules_of(TRACK):
        await apply(client, timed)
    rows = {row.name: row for row in await standings(client, TRACK)}
    assert all(row.exists for row in rows.values())
    assert [name for name, row in rows.items() if row.paused] == ["training"], "a pause of people stays"
    now = datetime.now(UTC)
    for row in rows.values():
        assert row.next_at is not None
        assert row.next_at > now
    told = (await client.get_schedule_handle(f"{TRACK}/hourly").describe()).schedule
    assert told.policy.overlap is ScheduleOverlapPolicy.BUFFER_ONE
    at = datetime(2026, 1, 1, 12, 34, tzinfo=UTC)
    id = await run_now(client, TRACK, "hourly", at)
    begun = await client.get_workflow_handle(id).describe()
    assert id == f"{TRACK}/launch-2026-01-01T12:00Z-by-hand"
    assert begun.workflow_type == "LaunchWorkflow"
    return len(rows)


def test_every_schedule_says_how_late_it_may_start() -> None:
    for planned in TABLE:
        assert timedelta(0) < planned.catch_up <= LATE_MAX, "the engine's own default is a year"
    with pytest.raises(UsageError, match="hourly, universe, fees"):
        planned_as("weekly")


@pytest.mark.parametrize(
    ("asks", "bids", "spread"),
    [
        ([["101", "1", 0]], [["99", "1", 0]], 0.02),
        ([], [["99", "1", 0]], 1.0),
        ([["99", "1", 0]], [["101", "1", 0]], 1.0),
    ],
)
def test_a_book_without_two_sides_has_the_widest_spread(
    asks: list[list[object]], bids: list[list[object]], spread: float
) -> None:
    book = Book.model_validate_json(json.dumps({"asks": asks, "bids": bids}))
    assert spread_of(book) == pytest.approx(spread)
