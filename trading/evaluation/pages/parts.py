"""What the pages share: the list of checks, small charts, the frame of a page."""

from collections.abc import Sequence
from html import escape

import numpy as np

from trading.backtest.report import svg
from trading.backtest.report.html import document, section, table
from trading.backtest.report.style import STYLE
from trading.backtest.report.svg import Floats, Series
from trading.evaluation.checks import Check, passed
from trading.evaluation.days import Estimate


def frame(title: str, meta: str, holds: bool, body: str, script: str = "") -> str:
    """One self-contained page under a verdict."""
    css, word = ("met", "PASSED") if holds else ("not", "NOT PASSED")
    head = (
        f'<header><h1>{escape(title)}</h1><p class="meta">{escape(meta)} · '
        f'<a href="index.html">dossier</a></p><span class="verdict {css}">{word}</span></header>'
    )
    return document(f"Ballast: {title}", STYLE, script, head + body)


def verdict(checks: Sequence[Check], note: str) -> str:
    """Every check with what was found."""
    rows = [[of.name, of.wanted, of.found, "holds" if of.holds else "FAILS"] for of in checks]
    title = "Every check holds" if passed(checks) else "Checks"
    return section(title, note, table("Fixed beforehand", ("check", "wanted", "found", ""), rows, 2, "words"))


def chart(
    title: str, series: Sequence[Series], spell: str, marks: Sequence[str], rules: Sequence[float] = (0.0,)
) -> str:
    """Lines over a common axis; `marks` are spread evenly below, `spell` formats the other axis."""
    points = max(len(of.values) for of in series)
    scale = svg.scale_of([*series, *(Series("", "", _flat(at), "") for at in rules)], log=False)
    ticks = scale.ticks(5)
    drawn = svg.rules(ticks, scale, points, "grid") + svg.rules(list(rules), scale, points, "base")
    drawn += "".join(svg.line(of, scale) for of in series)
    labels = svg.axis(ticks, scale, spell) + svg.end_labels(series, scale)
    step = 100.0 / max(len(marks) - 1, 1)
    labels += "".join(
        f'<span class="x" style="left:{i * step:.1f}%">{escape(mark)}</span>' for i, mark in enumerate(marks)
    )
    return (
        f'<figure style="--tall:14rem"><figcaption class="note">{escape(title)}</figcaption>'
        f'<div class="plot"><svg viewBox="0 0 {points - 1} {svg.DEPTH}" preserveAspectRatio="none" '
        f'role="img"><title>{escape(title)}</title>{drawn}</svg>{labels}</div></figure>'
    )


def _flat(at: float) -> Floats:
    return np.array([at])


def with_t(estimate: Estimate | None, digits: int = 3) -> tuple[str, str]:
    """A figure and its t; dashes for nothing."""
    if estimate is None:
        return "–", "–"
    t = estimate.t
    value = f"{estimate.value:.{digits}f}".replace("-", "−")
    return value, "–" if t is None else f"{t:.1f}".replace("-", "−")
