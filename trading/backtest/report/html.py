"""The few pieces of HTML that the report is written in; every text that comes from data is escaped here."""

import math
from collections.abc import Iterable, Sequence
from datetime import datetime
from html import escape
from typing import Any

MISSING = "–"
WIDE = 8
"""Columns from which a table takes the width of the page."""


def percent(value: float | None, digits: int = 1, *, sign: bool = False) -> str:
    """12.3 %; a dash for nothing."""
    if value is None or not math.isfinite(value):
        return MISSING
    return f"{value * 100:{'+' if sign else ''},.{digits}f} %".replace("-", "−")


def number(value: float | None, digits: int = 2) -> str:
    """1,234.56; a dash for nothing."""
    if value is None or not math.isfinite(value):
        return MISSING
    return f"{value:,.{digits}f}".replace("-", "−")


def minute(moment: datetime | None) -> str:
    """2024-12-31 23:00; a dash for nothing."""
    return MISSING if moment is None else f"{moment:%Y-%m-%d %H:%M}"


def tone(value: float | None) -> str:
    """The class of a signed figure."""
    return "" if not value else ("gain" if value > 0 else "loss")


def table(
    caption: str, head: Sequence[str], rows: Iterable[Sequence[Any]], texts: int = 1, css: str = ""
) -> str:
    """A table whose first `texts` columns are words and the rest figures; a wide one stretches.

    End tags that HTML lets one leave out are left out: a long list of trades is a third shorter so.
    """
    css = css or ("wide" if len(head) >= WIDE else "plain")
    columns = "".join(f"<th scope=col{_side(i, texts)}>{escape(name)}" for i, name in enumerate(head))
    body = "".join(
        f"<tr>{''.join(f'<td{_side(i, texts)}>{escape(str(cell))}' for i, cell in enumerate(row))}"
        for row in rows
    )
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(caption)}">'
        f'<table class="{css}"><caption>{escape(caption)}</caption>'
        f"<thead><tr>{columns}<tbody>{body}</table></div>"
    )


def _side(index: int, texts: int) -> str:
    return " class=t" if index < texts else ""


def folded(summary: str, content: str) -> str:
    """Content that opens on demand."""
    return f"<details><summary>{escape(summary)}</summary>{content}</details>"


def section(title: str, note: str, *content: str) -> str:
    """A headed part of the page; `note` is a sentence below the heading."""
    sentence = f"<p class=note>{escape(note)}</p>" if note else ""
    return f"<section><h2>{escape(title)}</h2>{sentence}{''.join(content)}</section>"


def document(title: str, style: str, script: str, body: str) -> str:
    """One page that loads nothing."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta name="color-scheme" content="light dark"><link rel="icon" href="data:,">'
        f"<title>{escape(title)}</title><style>{style}</style></head>"
        f"<body><main>{body}</main><script>{script}</script></body></html>\n"
    )
