"""Checkpoints: the head of a chain, signed, written into the chain itself and copied outside.

A checkpoint attests every entry before it, since its statement holds their digest; whoever changes an entry
and mends the digests after it cannot mend the signature. The copy outside (`anchors`) holds what the chain
alone cannot: that entries at the end were not cut off, and that there is no second log with the same key.
"""

import json
from datetime import UTC, datetime
from typing import NamedTuple

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from adapters.audit.anchors import Anchor, forked
from adapters.audit.chain import Kind
from adapters.audit.keys import SigningKey, signed_by
from adapters.audit.log import Audit
from adapters.storage.audit import AuditRow
from adapters.storage.engine import reading, unit_of_work
from trading.config import canonical_json
from trading.errors import DataError, UsageError

FORMAT = "ballast-checkpoint/1"
LINE_DIGITS = 16
SIGNED = frozenset({str(Kind.CHECKPOINT), str(Kind.KEY)})
"""The kinds whose body is a checkpoint."""


class Checkpoint(NamedTuple):
    """What is signed about the head of a chain."""

    track: str
    line: str
    """Of the last restore before it (`line_of`), empty before there was one."""
    seq: int
    """The last entry attested; the checkpoint itself stands right after it."""
    digest: str
    at: str
    """When, RFC 3339 in UTC, by the clock that the track runs on."""
    key: str
    """The public key that signs."""
    next_key: str
    """The public key that signs from here on, where it changes; else empty."""

    def statement(self) -> bytes:
        """The bytes that are signed."""
        return canonical_json({"format": FORMAT, **self._asdict()})

    def body(self, signature: str) -> bytes:
        """The bytes that are stored and anchored."""
        return canonical_json({"format": FORMAT, "signature": signature, **self._asdict()})


def read(body: bytes) -> tuple[Checkpoint, str]:
    """A checkpoint and its signature; a `DataError` unless these are the very bytes that `body` made."""
    try:
        told = json.loads(body)
        checkpoint = Checkpoint(**{name: told[name] for name in Checkpoint._fields})
        signature = told["signature"]
        if type(checkpoint.seq) is int and checkpoint.body(signature) == body:
            return checkpoint, signature
    except (ValueError, TypeError, KeyError):
        pass
    raise DataError("this is no checkpoint of an audit log")


def is_signed(body: bytes) -> bool:
    """Whether a checkpoint bears the signature of the key that it names."""
    checkpoint, signature = read(body)
    return signed_by(checkpoint.key, signature, checkpoint.statement())


def seal(engine: Engine, track: str, key: SigningKey, anchor: Anchor, now: datetime) -> int:
    """Sign the head of a track and copy every checkpoint outside that is not there yet.

    Returns the number of the last entry attested outside, 0 while the log is empty. Meant for every hour; may
    be repeated, since a head that is a checkpoint is not signed again. An `InvariantError` when the log is
    not the one that was attested before.
    """
    with unit_of_work(engine) as session:
        audit = Audit(session)
        head = audit.hold(track)
        line = line_of(audit, track)
        _agree(session, track, anchor.newest(track, line))
        if head.seq and _kind(session, track, head.seq) not in SIGNED:
            attest(audit, track, key, now)
    return _copy_outside(engine, track, line, anchor)


def attest(audit: Audit, track: str, key: SigningKey, now: datetime, next_key: str = "") -> None:
    """Append a checkpoint over all entries so far; one with `next_key` hands over to another key.

    A `UsageError` when the track was handed over to another key than this one.
    """
    head = audit.hold(track)
    due = heir(audit, track)
    if due not in ("", key.public):
        raise UsageError(f"the signing key of {track} was rotated; start again to sign with the new one")
    at = now.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    checkpoint = Checkpoint(track, line_of(audit, track), head.seq, head.digest, at, key.public, next_key)
    body = checkpoint.body(key.sign(checkpoint.statement()))
    audit.append(track, Kind.KEY if next_key else Kind.CHECKPOINT, "", body)


def heir(audit: Audit, track: str) -> str:
    """The public key that a track was handed over to last; empty when it never was."""
    handed = audit.last(track, Kind.KEY)
    return read(handed.body)[0].next_key if handed else ""


def line_of(audit: Audit, track: str) -> str:
    """What tells the checkpoints since the last restore from those of the log that was lost by it."""
    restored = audit.last(track, Kind.RESTORE)
    return named(restored.digest) if restored else ""


def named(digest: str) -> str:
    """The name of the line that begins with a restore of this digest."""
    return digest[:LINE_DIGITS]


def _agree(session: Session, track: str, newest: bytes | None) -> None:
    """Refuse to sign a log that was cut or forked since its last checkpoint outside."""
    if newest is None:
        return
    attested, _ = read(newest)
    mine = (AuditRow.track == track, AuditRow.seq == attested.seq)
    if session.scalar(select(AuditRow.digest).where(*mine)) != attested.digest:
        raise forked(track, attested.seq, "the anchor")


def _kind(session: Session, track: str, seq: int) -> str | None:
    return session.scalar(select(AuditRow.kind).where(AuditRow.track == track, AuditRow.seq == seq))


def _copy_outside(engine: Engine, track: str, line: str, anchor: Anchor) -> int:
    newest = anchor.newest(track, line)
    latest = read(newest)[0].seq if newest else 0
    checkpoints = (AuditRow.track == track, AuditRow.portfolio == "", AuditRow.kind.in_(sorted(SIGNED)))
    query = select(AuditRow.body).where(*checkpoints, AuditRow.seq > latest + 1).order_by(AuditRow.seq)
    with reading(engine) as session:
        for body in session.scalars(query):
            told, _ = read(body)
            if told.line == line:
                latest = told.seq
                anchor.put(track, line, latest, body)
    return latest
