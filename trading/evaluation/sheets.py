"""Tables whose every row says what kind of money its numbers are about; one form for people and programs."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from trading.backtest.report.html import MISSING, number, percent, section, table

REPLAY, PAPER, REAL, BACKTEST = "replay", "paper", "real", "backtest"
LABELS = {"replay": REPLAY, "paper": PAPER, "live": REAL}
"""By the mode that a track's name begins with."""

PERCENT, SHARE, NUMBER, COUNT, TEXT = "percent", "share", "number", "count", "text"
"""A percentage that may be negative, one that may not, and the rest."""


class Column(NamedTuple):
    """A heading, and how its cells are spelled."""

    name: str
    form: str = NUMBER


class Figure(NamedTuple):
    """A cell that is spelled in its own way, in a column of several kinds."""

    value: float | None
    form: str = NUMBER


class Row(NamedTuple):
    """Cells under a label."""

    label: str
    cells: tuple[Any, ...]


class Sheet(NamedTuple):
    """One table."""

    key: str
    title: str
    note: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]

    def facts(self) -> list[dict[str, Any]]:
        """The rows as JSON objects, each with its label; a number that is not finite is null."""
        names = [column.name for column in self.columns]
        return [
            {"label": row.label} | dict(zip(names, map(_plain, row.cells), strict=True)) for row in self.rows
        ]

    def html(self, *beside: str) -> str:
        """A headed section with the table, and what stands `beside` it."""
        head = ("label", *(column.name for column in self.columns))
        forms = [column.form for column in self.columns]
        rows = [
            (row.label, *(spelled(cell, form) for cell, form in zip(row.cells, forms, strict=True)))
            for row in self.rows
        ]
        texts = 1 + next((i for i, form in enumerate(forms) if form != TEXT), len(forms))
        words = "words" if texts > len(forms) else ""
        content = table(self.note or self.title, head, rows, texts, words) if rows else "<p>nothing</p>"
        return section(self.title, "" if rows else self.note, *beside, content)


def _plain(cell: Any) -> Any:
    value = cell.value if isinstance(cell, Figure) else cell
    return None if isinstance(value, float) and not math.isfinite(value) else value


def spelled(cell: Any, form: str) -> str:
    """A cell for people."""
    if isinstance(cell, Figure):
        return spelled(*cell)
    if cell is None:
        return MISSING
    if form in (PERCENT, SHARE):
        return percent(cell, 2, sign=form == PERCENT)
    if form == COUNT:
        return f"{cell:,.0f}"
    return str(cell) if form == TEXT else number(cell, 3)


def columns(texts: Sequence[str], form: str, names: Sequence[str]) -> tuple[Column, ...]:
    """Columns of words, then columns of one form."""
    return (*(Column(name, TEXT) for name in texts), *(Column(name, form) for name in names))
