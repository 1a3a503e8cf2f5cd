"""Histories of workflows that are over, kept before the engine forgets them and bound into the audit log.

Each lies whole in the object store, as the engine tells it (payloads sealed if they are), and its digest is
an entry of the track's log. To keep again keeps only what is new; any number of processes may.
"""

import asyncio
import gzip
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session
from temporalio.client import Client, WorkflowExecution, WorkflowHistory

from activities.messages import hour_text
from adapters.audit import Audit, Kind
from adapters.audit.documents import Objects, content, enter, entered
from adapters.storage.engine import reading, unit_of_work
from adapters.storage.hours import Hour
from trading.errors import DataError
from workflows.names import hour_id

LATE = timedelta(hours=1)
"""So late the engine's list may learn that a workflow is over."""
AT_ONCE = 50
"""Histories of one transaction."""
BEGINNING = "1970-01-01T00:00:00Z"


class Kept(NamedTuple):
    """What the log knows of a track's histories since a time."""

    since: str
    runs: frozenset[str]


class Proof(NamedTuple):
    """What is proved of a track's kept histories."""

    kept: int
    events: int
    problems: tuple[str, ...]


async def keep(client: Client, engine: Engine, objects: Objects, track: str) -> int:
    """Keep every history of a track that is over and not kept yet; returns how many those were."""
    known = await asyncio.to_thread(_known, engine, track)
    mine = f'WorkflowId STARTS_WITH "{track}/" AND ExecutionStatus != "Running"'
    query = f'{mine} AND CloseTime >= "{known.since}"'
    over = [run async for run in client.list_workflows(query) if run.run_id not in known.runs]
    over.sort(key=_closed)
    kept = 0
    for first in range(0, len(over), AT_ONCE):
        part = over[first : first + AT_ONCE]
        told = [(run, await _history(client, run)) for run in part]
        kept += await asyncio.to_thread(_bind, engine, objects, track, told)
    return kept


def proved(engine: Engine, objects: Objects, track: str) -> Proof:
    """Read every kept history again, and look for hours that ended without one."""
    problems, events, names = [], 0, set()
    with reading(engine) as session:
        told = [body for _, body in entered(session, track, Kind.HISTORY)]
        done = session.scalars(select(Hour.asof).where(Hour.track == track).order_by(Hour.asof)).all()
    for body in told:
        name = str(body["workflow"])
        names.add(name)
        try:
            events += len(unpacked(name, content(objects, body["sha256"])).events)
        except (DataError, ValueError, OSError) as error:
            problems.append(f"history of {name}: {error}")
    missing = [asof for asof in done if hour_id(track, asof) not in names]
    problems += [f"hour {hour_text(asof)} ended, and no history of it is kept" for asof in missing]
    return Proof(len(told), events, tuple(problems))


def packed(history: WorkflowHistory) -> bytes:
    """A history as it is stored; the same history makes the same bytes."""
    return gzip.compress(history.to_json().encode(), mtime=0)


def unpacked(workflow: str, stored: bytes) -> WorkflowHistory:
    """A stored history, to be read or replayed."""
    return WorkflowHistory.from_json(workflow, gzip.decompress(stored).decode())


async def _history(client: Client, run: WorkflowExecution) -> WorkflowHistory:
    return await client.get_workflow_handle(run.id, run_id=run.run_id).fetch_history()


def _known(engine: Engine, track: str) -> Kept:
    with reading(engine) as session:
        return _read(session, track)


def _read(session: Session, track: str) -> Kept:
    """Runs in the log that closed at most `LATE` before the last one of it; entries stand in batches by time,
    so that twice that is far enough to look back.
    """
    runs, newest, since = set(), "", ""
    for _, told in entered(session, track, Kind.HISTORY):
        closed = str(told["closed"])
        if not newest:
            newest, since = closed, _text(datetime.fromisoformat(closed) - LATE)
        if closed < _text(datetime.fromisoformat(newest) - 2 * LATE):
            break
        runs.add(str(told["run"]))
    return Kept(since or BEGINNING, frozenset(runs))


def _bind(
    engine: Engine, objects: Objects, track: str, told: Iterable[tuple[WorkflowExecution, WorkflowHistory]]
) -> int:
    """Enter histories into the log, but those that another process has entered meanwhile."""
    count = 0
    with unit_of_work(engine) as session:
        Audit(session).hold(track)
        known = _read(session, track).runs
        for run, history in told:
            if run.run_id in known:
                continue
            facts = {
                "closed": _text(_closed(run)),
                "events": len(history.events),
                "run": run.run_id,
                "status": run.status.name if run.status else "",
                "type": run.workflow_type,
                "workflow": run.id,
            }
            enter(session, objects, track, Kind.HISTORY, packed(history), facts)
            count += 1
    return count


def _closed(run: WorkflowExecution) -> datetime:
    assert run.close_time is not None, "only what is over was asked for"
    return run.close_time


def _text(time: datetime) -> str:
    """RFC 3339 in UTC; sorts like the times."""
    return time.isoformat(timespec="microseconds").replace("+00:00", "Z")
