"""Where an account on paper is written: lines of events, durable when they are added, by one writer."""

import fcntl
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from adapters.logs_gcs import BucketRecords
from trading.errors import UsageError

Event = dict[str, Any]


class Lines(Protocol):
    """Events that belong together are one line."""

    def all(self) -> list[list[Event]]:
        """Every line, oldest first."""
        ...

    def append(self, events: Sequence[Event]) -> None:
        """Add a line; it is durable when this returns."""
        ...

    def close(self) -> None: ...


class FileLines:
    """A file that one process holds, others get a `UsageError`. Of a torn last line nobody ever heard."""

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self._file = file.open("ab+")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._file.close()
            raise UsageError("another process trades on this paper account; stop it first") from error

    def all(self) -> list[list[Event]]:
        self._file.seek(0)
        content = self._file.read()
        whole = content.rfind(b"\n") + 1
        self._file.truncate(whole)
        return [json.loads(line) for line in content[:whole].splitlines()]

    def append(self, events: Sequence[Event]) -> None:
        line = json.dumps(events, sort_keys=True, separators=(",", ":")).encode() + b"\n"
        self._file.write(line)
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Let another process have the account."""
        self._file.close()


class BucketLines:
    """Objects of a bucket, for a process whose home is lost with it; two writers cannot both add a line."""

    def __init__(self, place: str) -> None:
        self._records = BucketRecords(place)

    def all(self, after: int = 0) -> list[list[Event]]:
        """Every line, oldest first; without the first `after` of them."""
        return [record["events"] for record in self._records.all(after)]

    def append(self, events: Sequence[Event]) -> None:
        self._records.append({"events": list(events)})

    def close(self) -> None:
        """Nothing is held."""
