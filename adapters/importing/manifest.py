"""The manifest of a venue: what was imported from where, and what the store holds since, as JSON."""

import json
from pathlib import Path
from typing import Any

from adapters.bars import BarStore
from adapters.coverage import Coverage, coverage
from adapters.files import replacing
from trading.clock import TradingHour
from trading.errors import DataError

NAME = "manifest.json"


class Manifest:
    """Kept in memory during an import and written as a whole; what is lost by a crash is found out again."""

    def __init__(self, store: BarStore, venue: str) -> None:
        self._store, self._venue = store, venue
        self._file: Path = store.root / venue / NAME
        self._document: dict[str, Any] = {"venue": venue, "instruments": {}, "sources": {}}
        self._touched: set[str] = set()
        if self._file.exists():
            try:
                self._document = json.loads(self._file.read_text("utf-8"))
            except ValueError as error:
                raise DataError(
                    f"{self._file} is damaged; remove it and import again, no bar is lost"
                ) from error

    def knows(self, source: str) -> bool:
        return source in self._document["sources"]

    def record(self, source: str, entry: dict[str, Any]) -> None:
        """Note a finished source; its entry has `instrument` and `last_hour` among other things."""
        self._document["sources"][source] = entry
        self._touched.add(entry["instrument"])

    def ends(self, instrument: str) -> set[int]:
        """The last asof hours of an instrument's sources: bars that may have been cut inside their hour."""
        entries = self._document["sources"].values()
        return {entry["last_hour"] for entry in entries if entry["instrument"] == instrument}

    def save(self) -> None:
        """Bring the touched instruments up to date and write the file, if anything was recorded."""
        if not self._touched:
            return
        for instrument in sorted(self._touched):
            held = coverage(instrument, self._store.read(self._venue, instrument))
            self._document["instruments"][instrument] = describe(held)
        self._touched.clear()
        with replacing(self._file) as draft:
            draft.write_text(json.dumps(self._document, indent=1, sort_keys=True) + "\n", "utf-8")


def describe(held: Coverage) -> dict[str, Any]:
    """A coverage as JSON; times are asof, bar closes."""
    return {
        "first": str(TradingHour(held.first)),
        "last": str(TradingHour(held.last)),
        "hours": held.hours,
        "present": round(held.present, 6),
        "empty": held.empty,
        "gaps": [{"first": str(TradingHour(gap.first)), "hours": gap.hours} for gap in held.gaps],
        "wicks": [str(TradingHour(hour)) for hour in held.wicks],
    }
