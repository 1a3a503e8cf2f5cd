"""Records in a file, one canonical JSON object a line, only ever added to."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from adapters.files import locked
from trading.config import canonical_json
from trading.errors import DataError


class Records:
    """An append-only file of records, safe for several processes."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def append(self, record: Mapping[str, Any]) -> None:
        """Add a record; it is on disk when this returns."""
        line = canonical_json(dict(record)) + b"\n"
        with locked(self._path.parent), self._path.open("ab") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())

    def all(self) -> list[dict[str, Any]]:
        """Every record, oldest first; a line that is none is a `DataError` that names it."""
        lines = self._path.read_bytes().splitlines() if self._path.exists() else []
        records = []
        for number, line in enumerate(lines, 1):
            try:
                records.append(json.loads(line))
            except ValueError as error:
                raise DataError(f"line {number} of {self._path} is no record; restore the file") from error
        return records
