"""Which models stand behind an evaluation: every fold that the walk should have, and what it was.

Only a walk whose every fold is there, at the preset `full`, may be called full.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from trading.models.presets import preset
from trading.models.splits import Fold

FULL = "full"


class Member(NamedTuple):
    """One model of one fold; None where it does not apply or is not known."""

    model: str
    month: str
    preset: str | None
    rows: int | None
    epochs: Any
    seed: int | None
    trained_through: int | None
    artefact: str | None
    fault: str
    """What is wrong with it, whatever the walk's preset; empty for nothing."""


class Roster(NamedTuple):
    """The models of a walk."""

    members: list[Member]
    faults: list[str]
    """Why the walk may not be called full."""

    @property
    def title(self) -> str:
        """The word full, or what is against it."""
        if not self.faults:
            return "Full walk-forward"
        return (
            f"Not a full walk-forward: {len(self.faults)} reasons"
            if len(self.faults) > 1
            else (f"Not a full walk-forward: {self.faults[0]}")
        )


def roster(
    about: Mapping[str, Any],
    families: Iterable[str],
    expected: Iterable[tuple[str, Fold]],
    described: Callable[[str, int], Mapping[str, Any] | None],
) -> Roster:
    """Every expected fold as the log describes it; `families` are all that a release needs."""
    size = about.get("preset")
    members = [_member(name, fold, size, described(name, fold.months[0])) for name, fold in expected]
    faults = []
    if size != FULL:
        faults.append(f"its preset is {size}")
    elif about.get("preset_digest") != preset(FULL).digest:
        faults.append("its preset has other numbers than today's full")
    if absent := sorted(set(families) - {member.model for member in members}):
        faults.append(f"no {', '.join(absent)}")
    faults += [f"{of.model} of {of.month} {of.fault}" for of in members if of.fault]
    return Roster(members, faults)


def _member(name: str, fold: Fold, walk_preset: str | None, told: Mapping[str, Any] | None) -> Member:
    month = f"{fold.months[0] // 12}-{fold.months[0] % 12 + 1:02d}"
    if told is None:
        return Member(name, month, None, None, None, None, None, None, "is missing")
    size, artefact = told.get("preset"), told.get("artefact_hash")
    fault = "" if size == walk_preset else f"is at preset {size}"
    if artefact is None:
        fault = "has no model: too little to learn from"
    elif told.get("fold") != fold._asdict():
        fault = "covers another span"
    values = {key: told.get(key) for key in ("rows", "epochs", "seed", "trained_through")}
    return Member(model=name, month=month, preset=size, **values, artefact=artefact, fault=fault)
