"""Documents bound into the log: the content lies in an object store, the entry holds its SHA-256."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session

from adapters.audit.chain import Entry, Kind
from adapters.audit.log import Audit
from adapters.storage.audit import AuditRow
from trading.config import canonical_json
from trading.errors import DataError


class Objects(Protocol):
    """Immutable bytes, named by their content."""

    def put_bytes(self, content: bytes) -> str: ...

    def read(self, name: str) -> bytes: ...


def enter(
    session: Session, objects: Objects, track: str, kind: Kind, content: bytes, facts: Mapping[str, object]
) -> Entry:
    """Keep a document, then say so in the log of a track; the caller commits."""
    body = canonical_json({"sha256": objects.put_bytes(content), **facts})
    return Audit(session).append(track, kind, "", body)


def content(objects: Objects, digest: object) -> bytes:
    """A document by the SHA-256 that its entry holds; a `DataError` unless it is that document still."""
    found = objects.read(str(digest))
    if hashlib.sha256(found).hexdigest() != digest:
        raise DataError(f"the document {digest} is not what was entered: somebody changed it")
    return found


def entered(session: Session, track: str, kind: Kind) -> Iterator[tuple[int, dict[str, object]]]:
    """What the log of a track says of its documents of a kind, newest first, each with its entry's number."""
    mine = (AuditRow.track == track, AuditRow.portfolio == "", AuditRow.kind == kind)
    query = select(AuditRow.seq, AuditRow.body).where(*mine).order_by(AuditRow.seq.desc())
    for seq, body in session.execute(query, execution_options={"yield_per": 1_000}):
        yield seq, json.loads(body)
