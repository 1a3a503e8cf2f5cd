"""Keeps the histories of a track's workflows while a worker works: the engine forgets them at retention."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime

from temporalio.client import Client

from adapters.clock import SystemClock
from adapters.objects_gcs import opened
from adapters.storage.engine import connect
from adapters.storage.tracks import Tracks
from temporal.histories import keep
from worker.terms import Terms

log = logging.getLogger("ballast.histories")

EVERY_S = 3_600.0
"""A fraction of the shortest retention that an engine can have, one day."""


@asynccontextmanager
async def keeping(terms: Terms, client: Client, every_s: float = EVERY_S) -> AsyncIterator[None]:
    """Keep histories at once and then every so often while the block runs; any number of workers may.

    What goes wrong is logged, told by one alert a day, and tried again.
    """
    engine = connect(terms.database)
    objects, tracks = opened(terms.objects, terms.home / "objects"), Tracks(engine, SystemClock())

    async def keep_on() -> None:
        while True:
            try:
                count = await keep(client, engine, objects, terms.track)
                log.info("kept %d histories", count)
            except Exception as error:
                log.exception("histories could not be kept, trying again")
                name = f"histories/{datetime.now(UTC):%Y-%m-%d}"
                told = f"histories could not be kept ({error}); the engine deletes them at retention"
                with suppress(Exception):  # the log has said it, and the next time will too
                    await asyncio.to_thread(tracks.alert, terms.track, name, "histories", "", told)
            await asyncio.sleep(every_s)

    task = asyncio.create_task(keep_on())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        engine.dispose()
