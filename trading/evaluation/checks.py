"""One line of what a suite asks, and its answer."""

from collections.abc import Iterable
from typing import NamedTuple


class Check(NamedTuple):
    """A question that was fixed before its answer was seen."""

    name: str
    wanted: str
    found: str
    holds: bool


def at_least(name: str, value: float | None, low: float, spell: str = "{:.3f}") -> Check:
    """Holds where the value is known and not below `low`."""
    found = "not measured" if value is None else spell.format(value)
    return Check(name, f"at least {spell.format(low)}", found, value is not None and bool(value >= low))


def at_most(name: str, value: float | None, high: float, spell: str = "{:.3f}") -> Check:
    """Holds where the value is known and not above `high`."""
    found = "not measured" if value is None else spell.format(value)
    return Check(name, f"at most {spell.format(high)}", found, value is not None and bool(value <= high))


def above(name: str, value: float | None, low: float, spell: str = "{:.2f}") -> Check:
    """Holds where the value is known and greater than `low`."""
    found = "not measured" if value is None else spell.format(value)
    return Check(name, f"above {spell.format(low)}", found, value is not None and bool(value > low))


def passed(checks: Iterable[Check]) -> bool:
    return all(check.holds for check in checks)
