"""Do decisions and orders change when the future does? Asked of a predictor and of every benchmark.

A backtest over the window's last month is run twice, the second time with other bars from the middle of the
month on. Until then every byte of what was decided, ordered, filled and owned must be the same.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from trading.backtest.contest import Plan, contest
from trading.backtest.engine import Logs
from trading.backtest.inputs import Scene
from trading.clock import DAY_H
from trading.config import Fees, TradingConfig
from trading.evaluation.checks import Check, at_least, at_most
from trading.evaluation.leakage import LEARNER, Beat, See, answers, fold_of, spoilt
from trading.evaluation.worlds import seen
from trading.market import Grid
from trading.models.families import Asked
from trading.models.protocol import Predictions, nothing

ROWS_MIN = 100
"""Fewer decisions and fills than this would prove little."""
SURE, LARGE = 0.4, 0.05
"""Distance of P(up) from 1/2 and an expected return that every gate lets through."""


class Desk(NamedTuple):
    """Who decides: the rules, and how a grid becomes a market whose first decision falls on an asof."""

    config: TradingConfig
    other_fees: Fees
    market: Callable[[Grid, int], Scene]


def orders(grid: Grid, desk: Desk, beat: Beat, see: See = seen) -> list[Check]:
    """Whether any portfolio did anything else before the bars changed, and whether there was enough to do."""
    beat("deciding")
    fold = fold_of(see(grid))
    since = (fold.test_first + fold.test_end) // 2
    before = decided(grid, desk, see)
    beat("deciding with another future")
    after = decided(spoilt(grid, since), desk, see)
    others = sum(told(before[name], since) != told(after[name], since) for name in before)
    rows = sum(int((part["hour"] < since).sum()) for logs in before.values() for part in logs[:2])
    name = (
        f"of {len(before)} portfolios, those that decide, order or own something else when later bars change"
    )
    return [
        at_most(name, others, 0, "{:.0f}"),
        at_least("... decisions and fills compared", rows, ROWS_MIN, "{:,.0f}"),
    ]


def decided(grid: Grid, desk: Desk, see: See) -> Mapping[str, Logs]:
    """What a learner that is believed at once, and every benchmark, did in the last month; by name."""
    history = see(grid)
    fold = fold_of(history)
    last = min(fold.test_end - 1, grid.last)
    said = believed(answers(history, fold, LEARNER), fold.test_first, last, len(grid.instruments))
    plan = Plan(LEARNER, fold.test_first, last, desk.config, desk.other_fees)
    return contest(plan, desk.market(grid, plan.first), said, _unheard).logs


def _unheard(done: int, total: int) -> None:
    """A month takes less than a breath."""


def believed(asked: Asked, first: int, last: int, instruments: int) -> Predictions:
    """The learner's signs, said so loud that there is something to decide every hour."""
    made = nothing(first, last - first + 1, instruments)
    rises = np.where(asked.outputs[f"z{DAY_H}"] > 0.0, 1.0, -1.0)
    t = asked.asof - first
    inside = t < len(made.p24)
    place = t[inside], asked.column[inside]
    for name in ("p1", "p4", "p24"):
        getattr(made, name)[place] = 0.5 + SURE * rises[inside]
    for name in ("e1", "e4", "e24", "e_hold"):
        getattr(made, name)[place] = LARGE * rises[inside]
    return made._replace(release=LEARNER)


def told(logs: Logs, since: int) -> list[bytes]:
    """Every byte decided and owned before an asof; a fill of the hour before it falls on the changed bar."""
    until = (since, since - 1, since)
    return [part[part["hour"] < end].tobytes() for part, end in zip(logs, until, strict=True)]
