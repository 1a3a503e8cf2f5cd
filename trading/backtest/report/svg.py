"""Line charts as inline SVG that keeps its shape at any width: lines stretch, words and strokes do not.

The drawing has one unit a point across and `DEPTH` units down; every label is HTML, placed in per cent.
"""

import math
from collections.abc import Sequence
from datetime import date, timedelta
from html import escape
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

DEPTH = 2000
POINTS_MAX = 1500
LABEL_GAP = 5.6
"""Least distance between two labels at the right edge, in per cent of the height."""


class Series(NamedTuple):
    """One line."""

    name: str
    css: str
    """Classes that give colour, weight and group."""
    values: Floats
    label: str
    """What stands at its end; empty for nothing."""


class Scale(NamedTuple):
    """From values to the height of the drawing."""

    low: float
    high: float
    log: bool = False

    def place(self, values: Floats) -> Floats:
        """Distance from the top as a share of the height."""
        if self.log:
            return np.log(self.high / np.maximum(values, self.low)) / math.log(self.high / self.low)
        return (self.high - values) / (self.high - self.low)

    def ticks(self, number: int = 6) -> list[float]:
        """Round values inside the range, about `number` of them."""
        wide = self.log and self.high / self.low > 20
        if wide:
            decades = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
            return [m * 10.0**d for d in decades for m in (1, 2, 5) if self.low <= m * 10.0**d <= self.high]
        rough = (self.high - self.low) / number
        unit = 10.0 ** math.floor(math.log10(rough))
        step = next(unit * m for m in (1, 2, 2.5, 5, 10) if unit * m >= rough)
        first = math.ceil(self.low / step - 1e-9)
        return [step * i for i in range(first, math.floor(self.high / step + 1e-9) + 1)]


def scale_of(series: Sequence[Series], log: bool) -> Scale:
    """A scale that holds all series, with a little air."""
    low = min(float(s.values.min()) for s in series)
    high = max(float(s.values.max()) for s in series)
    air = max((high - low) * 0.04, abs(high) * 1e-3, 1e-6)
    return Scale(max(low - air, low * 0.97) if log else low - air, high + air, log)


def thin(values: Floats) -> Floats:
    """At most `POINTS_MAX` of the values, the last one kept."""
    step = -(-len(values) // POINTS_MAX)
    return values[::-1][::step][::-1]


def line(series: Series, scale: Scale) -> str:
    """The path of a line, in relative whole units, which is its shortest spelling."""
    heights = _heights(series.values, scale)
    steps = " ".join(f"1 {step}" for step in np.diff(heights))
    return f'<path class="line {series.css}" d="M0 {heights[0]}l{steps}"/>' if steps else ""


def area(series: Series, scale: Scale) -> str:
    """The line's area down to zero."""
    heights = _heights(series.values, scale)
    zero = _heights(np.zeros(1), scale)[0]
    steps = " ".join(f"1 {step}" for step in np.diff(heights))
    return f'<path class="area {series.css}" d="M0 {zero}V{heights[0]}l{steps}V{zero}z"/>' if steps else ""


def _heights(values: Floats, scale: Scale) -> NDArray[np.int64]:
    return np.rint(scale.place(values) * DEPTH).astype(np.int64)


def rules(at: Sequence[float], scale: Scale, points: int, css: str) -> str:
    """Horizontal lines at the given values."""
    heights = _heights(np.array(at, dtype=np.float64), scale)
    return "".join(f'<path class="{css}" d="M0 {h}h{points - 1}"/>' for h in heights)


def end_labels(series: Sequence[Series], scale: Scale) -> str:
    """Each line's name at its right end, pushed apart where ends are close."""
    shown = [s for s in series if s.label]
    wanted = [float(scale.place(s.values[-1:])[0]) * 100 for s in shown]
    order = sorted(range(len(shown)), key=wanted.__getitem__)
    tops: list[float] = []
    for index in order:
        tops.append(max(wanted[index], tops[-1] + LABEL_GAP if tops else 0.0))
    overflow = max(tops[-1] - 100.0, 0.0) if tops else 0.0
    for i in range(len(tops) - 1, -1, -1):
        below = tops[i + 1] - LABEL_GAP if i + 1 < len(tops) else tops[i] - overflow
        tops[i] = min(tops[i], below)
    return "".join(
        f'<span class="end {shown[index].css}" style="top:{top:.1f}%">{escape(shown[index].label)}</span>'
        for index, top in zip(order, tops, strict=True)
    )


def axis(ticks: Sequence[float], scale: Scale, spell: str) -> str:
    """Labels of the vertical axis; `spell` is a format such as '{:.0%}'."""
    places = scale.place(np.array(ticks, dtype=np.float64)) * 100
    return "".join(
        f'<span class="y" style="top:{place:.1f}%">{spell.format(tick)}</span>'
        for tick, place in zip(ticks, places, strict=True)
    )


def calendar(first: date, last: date) -> str:
    """Labels of the horizontal axis: years, quarters, months or days, at most eight."""
    days = max((last - first).days, 1)
    every = [first + timedelta(days=i) for i in range(days + 1)]
    choices = (
        ([d for d in every if (d.month, d.day) == (1, 1)], "%Y"),
        ([d for d in every if d.day == 1 and d.month % 3 == 1], "%b %Y"),
        ([d for d in every if d.day == 1], "%b %Y"),
        (every[:: max(1, days // 6)], "%d %b"),
    )
    marks, spell = next((c for c in choices if len(c[0]) >= 3), choices[-1])
    marks = marks[:: -(-len(marks) // 8)]
    return "".join(
        f'<span class="x" style="left:{(mark - first).days / days * 100:.1f}%">{mark.strftime(spell)}</span>'
        for mark in marks
        if (mark - first).days / days < 0.97
    )
