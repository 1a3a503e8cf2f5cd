"""The page of the leakage suite: the checks, what shifted features knew, what shuffled labels taught."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from trading.backtest.report.html import percent, section, table
from trading.backtest.report.svg import Series
from trading.evaluation.checks import passed
from trading.evaluation.leakage import COST, WORLDS, Leakage
from trading.evaluation.pages.parts import chart, frame, verdict

NOTE = (
    "On the newest months of the walk's own bars, with every family at the preset smoke; shuffles, shifts "
    "and the planted edge in a world drawn from those bars, with a known momentum."
)


def page(of: Leakage, told: Mapping[str, Any]) -> str:
    """The whole page; `told` is what the suite's JSON says of the log."""
    venue = f"{told['venue']}{' (PROXY)' if told['proxy'] else ''}"
    meta = f"Leakage · data of {venue} · log {told['log_digest'][:12]}"
    body = verdict(of.checks, NOTE) + _shifts(of) + _shuffles(of) + _luck(of)
    return frame("Leakage", meta, passed(of.checks), body)


def _shifts(of: Leakage) -> str:
    rows = [[_late(bars), f"{hour:.3f}", f"{day:.3f}"] for bars, hour, day in of.shifts]
    lines = [
        Series("1 h", "own", np.array([hour for _, hour, _ in of.shifts]), "1 h"),
        Series("24 h", "k-1", np.array([day for _, _, day in of.shifts]), "24 h"),
    ]
    marks = [_late(bars) for bars, _, _ in of.shifts]
    return section(
        "Shifted features",
        "A leak of one bar must explode, older features must know less.",
        chart("Correlation of forecast and outcome, features shifted by bars.", lines, "{:.1f}", marks),
        table("Correlations", ("features", "1 h", "24 h"), rows),
    )


def _late(bars: int) -> str:
    return "leak: the next bar" if bars < 0 else f"{bars} late" if bars else "honest"


def _shuffles(of: Leakage) -> str:
    ordered, kept = np.sort(of.shuffled), percent(float(np.mean(of.paid)), 2, sign=True)
    lines = [Series("shuffled", "own", ordered, "shuffled")]
    note = (
        f"Days of labels permuted, all coins together. Taught the true labels: {of.honest:.3f}. A day's "
        f"trade of the shuffled kept {kept} beyond the market's own day, after a cost of {percent(COST, 2)}."
    )
    return section(
        "Shuffled labels",
        note,
        chart("Correlation at 24 h of each draw, the lowest first.", lines, "{:.2f}", [], (0.0, of.honest)),
    )


def _luck(of: Leakage) -> str:
    lines = [Series("DSR", "own", np.sort(of.dsr), "DSR")]
    return section(
        "Worlds without an edge",
        f"Deflated Sharpe ratio, before costs, of trading on a learner's forecasts in {WORLDS} worlds.",
        chart("Each world, the lowest first.", lines, "{:.2f}", [], (0.0, 0.95)),
    )
