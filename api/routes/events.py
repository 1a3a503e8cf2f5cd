"""What has changed, as a stream: a page that listens asks again for what it shows.

An event carries no data but which parts are new, so a missed one costs nothing: its id says how far the
listener is, and whoever comes back with `Last-Event-ID` hears at once what changed meanwhile. The stream
looks at the database, and not at this process, so any instance can go on where another broke off.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header, Request
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from adapters.storage.base import PortfolioKey
from api.problems import REFUSALS
from api.reads.changes import LOOK_S, Changes
from api.scope import Keyed

router = APIRouter(prefix="/api/portfolios/{portfolio}", tags=["events"], responses=REFUSALS)

HEARTBEAT_S = 15.0
STREAM_S = 600.0
"""A stream ends after so long and the browser opens another, with its session checked again."""


@router.get(
    "/events",
    summary="What has changed, as server-sent events",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {}}, "description": "Events named `change`."}},
)
def events(
    key: Keyed, request: Request, last_event_id: Annotated[str, Header(max_length=1000)] = ""
) -> StreamingResponse:
    stream = _changes(request.app.state.changes, key, last_event_id)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(stream, media_type="text/event-stream", headers=headers)


async def _changes(changes: Changes, key: PortfolioKey, known: str) -> AsyncIterator[str]:
    ends, said = time.monotonic() + STREAM_S, time.monotonic()
    yield "retry: 1000\n\n"
    while time.monotonic() < ends:
        reached = await run_in_threadpool(changes.reached, key)
        here = "|".join(reached.values())
        if here != known:
            before = known.split("|")
            same = len(before) == len(reached)
            new = [
                part
                for number, (part, last) in enumerate(reached.items())
                if not same or before[number] != last
            ]
            yield f"id: {here}\nevent: change\ndata: {json.dumps(new)}\n\n"
            known, said = here, time.monotonic()
        elif time.monotonic() > said + HEARTBEAT_S:
            yield ": still here\n\n"
            said = time.monotonic()
        await asyncio.sleep(LOOK_S)
