"""Every reply of a venue, byte for byte, with the three times a study of look-ahead asks for.

1. The bytes go into the object store, then one line goes into `<root>/<venue>/<UTC day>.jsonl`; only then is
   a reply parsed. A reply that broke off is kept as far as it came, with `complete` false.
2. Lines are only ever appended, each by one write under a lock. A kill can tear the last one: it is passed
   over on reading, and the next line starts afresh.
3. `event` is when the venue made the reply (its Date header, whole seconds, null without one), `available`
   when its last byte was here, `ingested` when its bytes were safely stored.
"""

import json
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from adapters.clock import Clock
from adapters.files import locked
from adapters.objects import ObjectStore


class Received(NamedTuple):
    """A reply as it came off the wire."""

    endpoint: str
    request: dict[str, str]
    """What was asked, without nonce, key and signature."""
    sent: datetime
    status: int
    event: datetime | None
    available: datetime
    body: bytes
    complete: bool


class ReplyLog:
    """The append-only index of one venue's replies over an object store."""

    def __init__(self, root: Path, venue: str, objects: ObjectStore, clock: Clock) -> None:
        self._folder = root / venue
        self._objects = objects
        self._clock = clock

    def keep(self, reply: Received) -> str:
        """Store a reply and return the SHA-256 of its body; an `OSError` or `VenueUnavailable` if not."""
        digest = self._objects.put_bytes(reply.body)
        line = reply._asdict() | {
            "event": _text(reply.event),
            "sent": _text(reply.sent),
            "available": _text(reply.available),
            "ingested": _text(self._clock.now()),
            "body": digest,
            "bytes": len(reply.body),
        }
        content = json.dumps(line, sort_keys=True, separators=(",", ":")).encode() + b"\n"
        self._write(reply.available, content)
        return digest

    def _write(self, available: datetime, line: bytes) -> None:
        with locked(self._folder):
            _append(self._folder / f"{available:%Y-%m-%d}.jsonl", line)

    def lines(self) -> Iterator[dict[str, Any]]:
        """Every line, oldest first, torn ones passed over."""
        for file in sorted(self._folder.glob("*.jsonl")):
            for line in file.read_bytes().split(b"\n"):
                try:
                    yield json.loads(line)
                except ValueError:
                    continue


def _append(file: Path, content: bytes) -> None:
    with file.open("a+b") as log:
        if log.tell() and not _ends_a_line(log.fileno(), log.tell()):
            content = b"\n" + content
        log.write(content)
        log.flush()
        os.fsync(log.fileno())


def _ends_a_line(descriptor: int, size: int) -> bool:
    return os.pread(descriptor, 1, size - 1) == b"\n"


def _text(time: datetime | None) -> str | None:
    return time.isoformat().replace("+00:00", "Z") if time else None
