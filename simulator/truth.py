"""The truth log: what really happened at the venue, row after row, whatever was said on the wire."""

import json
from pathlib import Path
from typing import IO, Any

Row = dict[str, Any]


class Truth:
    """Append-only rows, each with its number `n`, venue time `t` in seconds and `event`; a file keeps a
    copy.
    """

    def __init__(self, path: Path | None = None) -> None:
        """With a path every row is also appended to it as a line of JSON."""
        self.rows: list[Row] = []
        self._file: IO[str] | None = None
        if path:
            self.keep_in(path)

    def keep_in(self, path: Path, since: int = 0) -> None:
        """Append the rows from number `since` on to a file, and every later one."""
        self._file = path.open("a", encoding="utf-8", buffering=1)
        self._file.writelines(json.dumps(row) + "\n" for row in self.rows[since:])

    def add(self, time_ns: int, event: str, **facts: Any) -> Row:
        row = {"n": len(self.rows), "t": time_ns / 1e9, "event": event} | facts
        self.rows.append(row)
        if self._file:
            self._file.write(json.dumps(row) + "\n")
        return row

    def close(self) -> None:
        if self._file:
            self._file.close()
