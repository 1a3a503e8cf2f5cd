"""The lines of a log that grows, each once: what a process that stays reads of it from time to time."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any


class Tail:
    """The files of a log in one folder; whole lines only, torn ones passed over."""

    def __init__(self, folder: Path, files: str = "*.jsonl") -> None:
        self._folder, self._files = folder, files
        self._read: dict[Path, int] = {}

    def fresh(self) -> Iterator[Any]:
        """What was added since the last call, oldest first."""
        for file in sorted(self._folder.glob(self._files)):
            with file.open("rb") as log:
                log.seek(self._read.get(file, 0))
                whole, end, _ = log.read().rpartition(b"\n")
            self._read[file] = self._read.get(file, 0) + len(whole) + len(end)
            for line in whole.split(b"\n"):
                try:
                    yield json.loads(line)
                except ValueError:
                    continue
