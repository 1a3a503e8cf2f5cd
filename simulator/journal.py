"""What was asked of a venue, kept so that the same venue can be had again after its process ended.

A venue is a function of its opening and of what was asked of it since: its ids are drawn from a seed and its
time, in lockstep, is moved by control. So the account needs no snapshot: the commands are written down, each
before it takes effect, and asked again in their order. A command that was written and not answered has
therefore happened; its client never heard and has to look.

Looking is not kept, nor are faults, which a restart clears, nor who waits, who will ask again.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from trading.errors import UsageError


class Entry(NamedTuple):
    """One command at one venue time."""

    at_ns: int
    command: str
    """An endpoint such as AddOrder, or control/ and the name of a control command."""
    body: dict[str, Any]


class Journal:
    """Commands in one file, behind a first line that says how the venue was opened."""

    def __init__(self, path: Path, opening: dict[str, Any]) -> None:
        """Begin the file, or go on with it; a `UsageError` if its venue was opened in another way."""
        kept, whole = _lines(path)
        if kept and kept[0] != opening:
            raise UsageError(f"{path} belongs to another opening, {json.dumps(kept[0])}; use another --state")
        self._kept, self.resumed = kept[1:], bool(kept)
        self._file = path.open("a", encoding="utf-8", buffering=1)
        # The end of a line that a killed process was still writing.
        self._file.truncate(whole)
        if not kept:
            self._file.write(json.dumps(opening) + "\n")

    def entries(self) -> Iterator[Entry]:
        """What the file held when it was opened."""
        return (Entry(*line) for line in self._kept)

    def note(self, entry: Entry) -> None:
        self._file.write(json.dumps(entry) + "\n")

    def close(self) -> None:
        self._file.close()


def _lines(path: Path) -> tuple[list[Any], int]:
    """The whole lines of a journal, and how many bytes they are."""
    if not path.exists():
        return [], 0
    whole, _, _ = path.read_bytes().rpartition(b"\n")
    return [json.loads(line) for line in whole.splitlines()], len(whole) + 1 if whole else 0
