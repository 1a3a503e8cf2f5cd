"""The proof of a log, offline: from its records, the public key, and the checkpoints kept outside.

What each source can show, whoever wrote to the database:

1. The chain alone: an entry changed, dropped, added or moved without mending every digest after it.
2. Signed checkpoints in the log: also any mended digests, up to the last checkpoint.
3. Checkpoints kept outside: also a log cut short, and a second log made with the stolen key, up to the last
   of them. What comes after is held by the chain alone, until the next checkpoint.

A restored backup begins a new line of checkpoints, by an entry that says so; what was attested outside beyond
it is lost, and the proof says which entries.

The first fault ends the proof. An entry whose content and digest were both changed shows as the next one's
fault: it does not follow.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import NamedTuple

from adapters.audit.chain import Entry, Kind, Record, genesis, link
from adapters.audit.checkpoints import SIGNED, Checkpoint, is_signed, named, read
from trading.errors import DataError

TURNS = SIGNED | {str(Kind.RESTORE)}
"""Kinds that say more than their digest."""


class Fault(NamedTuple):
    """The first entry that is not as it was written, and why."""

    seq: int
    what: str


class Restore(NamedTuple):
    """A backup was restored."""

    seq: int
    """The entry that says so."""
    lost: int
    """Entries from there up to this one were attested outside and are lost; 0 for none."""


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
    restores: tuple[Restore, ...]
    fault: Fault | None


class Start(NamedTuple):
    """What the first record of a part follows."""

    seq: int
    digest: str
    line: str


def verify(
    track: str,
    records: Iterable[Record],
    trusted: Collection[str],
    anchored: Iterable[bytes] = (),
    part: Start | None = None,
) -> Proof:
    """The proof of a track's log, read in order; with `part`, of a part of it.

    `trusted` are public keys, one of which signs the first checkpoint read; from there on the key is the same
    until it hands over to another. `anchored` are the checkpoints kept outside. A `DataError` when one of
    those is no checkpoint.
    """
    walk = _Walk(track, trusted, anchored, part or Start(0, genesis(track).hex(), ""))
    fault = walk.follow(records) or walk.missing() or (None if part else walk.foreign())
    return Proof(
        track, walk.last.seq, walk.attested, walk.attested_at, walk.anchored, tuple(walk.restores), fault
    )


class _Walk:
    """How far along the chain a proof has come."""

    def __init__(self, track: str, trusted: Collection[str], anchored: Iterable[bytes], start: Start) -> None:
        self._track, self._signers = track, trusted
        self._outside: dict[str, dict[int, bytes]] = defaultdict(dict)
        for body in anchored:
            told, _ = read(body)
            if told.seq > start.seq:
                self._outside[told.line][told.seq] = body
        self._line = start.line
        self._anchors = self._outside[start.line]
        self._known = {start.line}
        self.last = Entry(start.seq, start.digest)
        self.attested, self.attested_at, self.anchored = 0, "", 0
        self.restores: list[Restore] = []

    def follow(self, records: Iterable[Record]) -> Fault | None:
        """Go on to the end of the records, or to the first fault."""
        seq, digest = self.last
        before = bytes.fromhex(digest)
        for record in records:
            seq += 1
            number, kind, portfolio, body, said = record
            if number != seq:
                return self._at(seq, before, f"it is missing; entry {number} stands in its place")
            try:
                after = link(before, seq, kind, portfolio, body)
            except (TypeError, AttributeError, UnicodeError):
                return self._at(seq, before, "its content is of another type than was written")
            if after.hex() != said:
                return self._at(seq, before, f"it was changed, or does not follow from entry {seq - 1}")
            if kind in TURNS or seq in self._anchors:
                self.last = Entry(seq - 1, before.hex())
                fault = self._turn(record)
                if fault:
                    return fault
            before = after
        self.last = Entry(seq, before.hex())
        return None

    def _at(self, seq: int, before: bytes, what: str) -> Fault:
        """A fault, and the end of the walk right before it."""
        self.last = Entry(seq - 1, before.hex())
        return Fault(seq, what)

    def _turn(self, record: Record) -> Fault | None:
        """An entry that is more than a link: a restore, a checkpoint, or one that is attested outside."""
        if record.kind == Kind.RESTORE:
            self._begin_line(record)
        fault = self._judge(record) if record.kind in SIGNED else None
        if not fault and record.seq in self._anchors:
            fault = self._compare(record.seq, record.digest)
        return fault

    def missing(self) -> Fault | None:
        """What was attested outside beyond the end of the log."""
        furthest, here = max(self._anchors, default=0), self.last.seq
        if furthest <= here:
            return None
        return Fault(here + 1, f"it is missing, with all that were attested outside, up to {furthest}")

    def foreign(self) -> Fault | None:
        """A line outside that begins with a restore of which this log knows nothing."""
        lines = sorted(line for line, kept in self._outside.items() if kept and line not in self._known)
        if not lines:
            return None
        return Fault(self.last.seq + 1, f"it is missing: a restore that was attested outside ({lines[0]})")

    def _begin_line(self, record: Record) -> None:
        """From here on the checkpoints outside are those of the restored log."""
        lost = max((seq for seq in self._anchors if seq >= record.seq), default=0)
        self.restores.append(Restore(record.seq, lost))
        self._line = named(record.digest)
        self._anchors = self._outside[self._line]
        self._known |= {self._line, *_abandoned(record.body)}

    def _judge(self, record: Record) -> Fault | None:
        """A checkpoint in the log: it must attest the entry before it, by the key that is due."""
        try:
            told = self._signed(record.body)
        except DataError as error:
            return Fault(record.seq, str(error))
        if (told.track, told.line, told.seq, told.digest) != (self._track, self._line, *self.last):
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
        if (told.track, told.digest) != (self._track, digest):
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


def _abandoned(body: bytes) -> tuple[str, ...]:
    """The lines that a restore declares lost, with all that was attested on them."""
    try:
        return tuple(map(str, json.loads(body)["abandons"]))
    except (ValueError, TypeError, KeyError):
        return ()
