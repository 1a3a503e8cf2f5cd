"""The proof of a log, offline: from its records, the public key, and the checkpoints kept outside.

What each source can show, whoever wrote to the database:

1. The chain alone: an entry changed, dropped, added or moved without mending every digest after it.
2. Signed checkpoints in the log: also any mended digests, up to the last checkpoint.
3. Checkpoints kept outside: also a log cut short, and a second log made with the stolen key, up to the last
   of them. What comes after is held by the chain alone, until the next checkpoint.

The first fault ends the proof. An entry whose content and digest were both changed shows as the next one's
fault: it does not follow.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from adapters.audit.chain import Entry, Record, genesis, link
from adapters.audit.checkpoints import SIGNED, Checkpoint, is_signed, read
from trading.errors import DataError


class Fault(NamedTuple):
    """The first entry that is not as it was written, and why."""

    seq: int
    what: str


class Proof(NamedTuple):
    """What is proved of a log."""

    track: str
    entries: int
    """Number of the last entry read."""
    attested: int
    """Up to this entry by a signature in the log; 0 for none."""
    attested_at: str
    anchored: int
    """Up to this entry by a checkpoint kept outside; 0 without one."""
    fault: Fault | None


def verify(
    track: str,
    records: Iterable[Record],
    trusted: Collection[str],
    anchored: Mapping[int, bytes] | None = None,
    start: Entry | None = None,
) -> Proof:
    """The proof of a track's log, read in order.

    `trusted` are public keys, one of which signs the first checkpoint read; from there on the key is the same
    until it hands over to another. `anchored` are the checkpoints kept outside, by the last entry that each
    attests; `start` is what the first record follows, by default the beginning of the track.
    """
    walk = _Walk(track, trusted, anchored or {}, start or Entry(0, genesis(track).hex()))
    fault = walk.follow(records) or walk.missing()
    return Proof(track, walk.last.seq, walk.attested, walk.attested_at, walk.anchored, fault)


class _Walk:
    """How far along the chain a proof has come."""

    def __init__(
        self, track: str, trusted: Collection[str], anchors: Mapping[int, bytes], start: Entry
    ) -> None:
        self._track, self._signers = track, trusted
        self._anchors = {seq: body for seq, body in anchors.items() if seq > start.seq}
        self.last = start
        self.attested, self.attested_at, self.anchored = 0, "", 0

    def follow(self, records: Iterable[Record]) -> Fault | None:
        """Go on to the end of the records, or to the first fault."""
        seq, digest = self.last
        before = bytes.fromhex(digest)
        for record in records:
            seq += 1
            if record.seq != seq:
                return Fault(seq, f"it is missing; entry {record.seq} stands in its place")
            try:
                before = link(before, seq, record.kind, record.portfolio, record.body)
            except (TypeError, AttributeError, UnicodeError):
                return Fault(seq, "its content is of another type than was written")
            if before.hex() != record.digest:
                return Fault(seq, f"it was changed, or does not follow from entry {seq - 1}")
            fault = self._judge(record) if record.kind in SIGNED else None
            if not fault and seq in self._anchors:
                fault = self._compare(seq, record.digest)
            if fault:
                return fault
            self.last = Entry(seq, record.digest)
        return None

    def missing(self) -> Fault | None:
        """What was attested outside beyond the end of the log."""
        furthest, here = max(self._anchors, default=0), self.last.seq
        if furthest <= here:
            return None
        return Fault(here + 1, f"it is missing, with all that were attested outside, up to {furthest}")

    def _judge(self, record: Record) -> Fault | None:
        """A checkpoint in the log: it must attest the entry before it, by the key that is due."""
        try:
            told = self._signed(record.body)
        except DataError as error:
            return Fault(record.seq, str(error))
        if (told.track, told.seq, told.digest) != (self._track, *self.last):
            return Fault(record.seq, f"it attests another log than the one up to entry {self.last.seq}")
        self.attested, self.attested_at = told.seq, told.at
        self._signers = (told.next_key or told.key,)
        return None

    def _compare(self, seq: int, digest: str) -> Fault | None:
        """An entry against the checkpoint outside that attests it."""
        try:
            told = self._signed(self._anchors[seq])
        except DataError as error:
            return Fault(seq, f"its checkpoint outside is not to be trusted: {error}")
        if (told.track, told.seq, told.digest) != (self._track, seq, digest):
            return Fault(seq, f"another log was attested outside at {told.at}; this one is a fork of it")
        self.anchored = seq
        return None

    def _signed(self, body: bytes) -> Checkpoint:
        """A checkpoint by the key that is due, or a `DataError`."""
        told, _ = read(body)
        if not is_signed(body):
            raise DataError("the signature is not good for what it says")
        if told.key not in self._signers:
            raise DataError(f"the key {told.key} signs; the one that may is {' or '.join(self._signers)}")
        return told
