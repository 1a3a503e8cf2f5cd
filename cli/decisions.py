"""The index of architecture decisions, made from the ADRs themselves: what was decided, and what holds it."""

import re
from pathlib import Path
from typing import NamedTuple

from trading.errors import DataError

LISTED = re.compile(r"^\| \[(\d{4})\]\((\S+?)\) \| (.+?) \|$", re.MULTILINE)
CONFIRMATION = re.compile(
    r"(?:\*\*Confirmation\.\*\*|^## Confirmation$)(.+?)(?:\n#|\Z)", re.DOTALL | re.MULTILINE
)
CODE = re.compile(r"`([^`\n]+)`")

HEAD = """\
# Decisions of the architect

Made from [docs/adr](../adr/README.md) by `ballast governance index`; a test compares. A decision is never
edited: one that no longer holds is superseded. *Held by* names what fails when it stops being true.

| # | decided | held by |
|---|---|---|
"""


class Adr(NamedTuple):
    """One decision."""

    number: str
    file: str
    decided: str
    held_by: tuple[str, ...]
    """Tests, functions and commands of its confirmation."""


def decisions(folder: Path) -> list[Adr]:
    """The decisions that the folder's README lists; a `DataError` for one without a confirmation."""
    return [
        Adr(number, name, decided, _confirmation(folder / name))
        for number, name, decided in LISTED.findall((folder / "README.md").read_text())
    ]


def page(root: Path) -> str:
    """The whole index."""
    rows = (
        (f"[{adr.number}](../adr/{adr.file})", adr.decided, ", ".join(f"`{name}`" for name in adr.held_by))
        for adr in decisions(root / "docs/adr")
    )
    return HEAD + "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _confirmation(file: Path) -> tuple[str, ...]:
    found = CONFIRMATION.search(file.read_text())
    named = tuple(dict.fromkeys(CODE.findall(found[1]))) if found else ()
    if not named:
        raise DataError(f"{file.name} has no confirmation that names a test or command")
    return named
