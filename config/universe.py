"""The reviewed universe lists and thresholds of `universe.json`."""

import json
from datetime import UTC, datetime
from importlib.resources import files

from trading.clock import TradingHour
from trading.universe import Exclusion, UniverseLists, UniverseRules


def load() -> tuple[UniverseLists, UniverseRules]:
    """Exclusion lists, sorted, and the thresholds; the effective day is 00:00 UTC of its date."""
    content = json.loads(files("config").joinpath("universe.json").read_text())
    lists = tuple(
        sorted(
            Exclusion(base, kind, _hour(since))
            for kind, entries in content["exclusions"].items()
            for base, since in entries.items()
        )
    )
    return lists, UniverseRules(**content["rules"])


def _hour(date: str) -> int:
    return TradingHour.at(datetime.fromisoformat(date).replace(tzinfo=UTC)).number
