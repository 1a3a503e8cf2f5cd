"""The audit trail proved as far as it goes, a part at a time: what was proved once is not proved again.

This is the proof of the chain alone, against whoever changed the database without mending every digest after
it. Signatures, and the checkpoints kept outside, are proved by `ballast audit verify`, which has their keys.
"""

from threading import Lock
from typing import NamedTuple

from sqlalchemy.orm import Session

from adapters.audit.chain import genesis, link
from adapters.audit.log import records

PART = 20_000
"""Entries proved by one question, about a tenth of a second."""


class Proved(NamedTuple):
    """How far the chain of a track was followed."""

    seq: int
    digest: str
    fault: str = ""
    """Why it goes no further: the first entry that is not as it was written."""


class Chains:
    """The proofs of the tracks asked for."""

    def __init__(self) -> None:
        self._proved: dict[str, Proved] = {}
        self._lock = Lock()

    def further(self, session: Session, track: str) -> Proved:
        """Follow the chain of a track by one part more; a fault stays."""
        with self._lock:
            told = self._proved.get(track, Proved(0, genesis(track).hex()))
            if not told.fault:
                told = self._proved[track] = _followed(session, track, told)
            return told


def _followed(session: Session, track: str, told: Proved) -> Proved:
    seq, digest, _ = told
    for record in records(session, track, seq + 1, seq + PART):
        if record.seq != seq + 1:
            return Proved(seq, digest, f"entry {seq + 1} is missing")
        try:
            after = link(bytes.fromhex(digest), record.seq, record.kind, record.portfolio, record.body).hex()
        except (TypeError, AttributeError, UnicodeError):
            return Proved(seq, digest, f"entry {record.seq} is of another type than was written")
        if after != record.digest:
            return Proved(seq, digest, f"entry {record.seq} was changed, or does not follow from {seq}")
        seq, digest = record.seq, after
    return Proved(seq, digest)
