"""Intervals around expected returns that keep their promise over time, whatever the market does.

Adaptive conformal inference (I. Gibbs and E. Candès, NeurIPS 2021) on |realised - expected| in units of the
expected volatility: the width of a day is a quantile of the last three months' errors, and the quantile
itself moves against the misses that are settled. Only the long-run share is promised, not any single day's.
They serve sizes and stops; no trade has to be profitable at their lower end.
"""

from typing import NamedTuple

import numpy as np

from trading.clock import DAY_H
from trading.evaluation.skill import Said
from trading.market import Floats

LEVELS = (0.1, 0.5, 0.9)
WINDOW_D = 90
WARM_UP_D = 20
"""Days with errors before the first interval."""
SETTLED_D = 2
"""Days after which the labels of every hour of a day are settled."""
STEP = 0.02
"""How far a day's misses move the quantile."""


class Cover(NamedTuple):
    """How often an interval held what came."""

    level: float
    """Share that it promises."""
    group: str
    rows: int
    share: float
    width: float
    """Mean distance from the middle to either end, a log return."""


def covers(said: Said) -> list[Cover]:
    """Each level over all rows and year by year; nothing where there are too few days."""
    day = said.asof // DAY_H
    first, days = int(day[0]), int(day[-1] - day[0]) + 1
    error = np.abs(said.returns - said.e) / said.unit
    edges = np.searchsorted(day, first + np.arange(days + 1))
    widths = np.full((len(day), len(LEVELS)), np.nan)
    quantiles, missed = np.array(LEVELS), np.zeros((days, len(LEVELS)))
    for d in range(WARM_UP_D + SETTLED_D, days):
        quantiles = quantiles + STEP * missed[d - SETTLED_D]
        known = error[edges[max(d - SETTLED_D - WINDOW_D, 0)] : edges[d - SETTLED_D]]
        rows = slice(edges[d], edges[d + 1])
        if not known.size or rows.start == rows.stop:
            continue
        widths[rows] = np.quantile(known, np.clip(quantiles, 0.0, 1.0))
        inside = (error[rows, None] <= widths[rows]).mean(axis=0)
        missed[d] = np.array(LEVELS) - inside
    return _summed(said, error, widths)


def _summed(said: Said, error: Floats, widths: Floats) -> list[Cover]:
    asked = ~np.isnan(widths[:, 0])
    year = (said.asof // DAY_H).astype("datetime64[D]").astype("datetime64[Y]").astype(str)
    groups = [("all", asked), *((str(name), asked & (year == name)) for name in np.unique(year[asked]))]
    return [
        Cover(
            level=level,
            group=name,
            rows=int(rows.sum()),
            share=float((error[rows] <= widths[rows, k]).mean()),
            width=float((widths[rows, k] * said.unit[rows]).mean()),
        )
        for k, level in enumerate(LEVELS)
        for name, rows in groups
        if rows.any()
    ]
