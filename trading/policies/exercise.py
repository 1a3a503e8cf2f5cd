"""Predictions for exercise: the last hours' move taken for the next ones'. No claim to skill, much to do.

A replay that is to show stops, fallbacks, denials and reversals in a few days needs a predictor that changes
its mind every hour. Row t reads the closes of t and t - 6 and nothing else.
"""

import numpy as np

from trading.market import Floats, Grid
from trading.models.protocol import Predictions, nothing

EXERCISE = "exercise"
BACK_H = 6
STEEPNESS = 12.0
"""How strongly a move of the price becomes a probability: 1 % makes 0.12 of it."""
P_MIN, P_MAX = 0.05, 0.95


def exercise(grid: Grid) -> Predictions:
    """Predictions at every hour of the grid; NaN where a close is unknown."""
    move = np.full_like(grid.close, np.nan)
    move[BACK_H:] = grid.close[BACK_H:] / grid.close[:-BACK_H] - 1.0
    told = nothing(grid.first, grid.hours, len(grid.instruments))
    p = _between(0.5 + STEEPNESS * move)
    return told._replace(p1=p, p4=p, p24=p, e1=move, e4=move, e24=move, e_hold=2.0 * move, release=EXERCISE)


def _between(p: Floats) -> Floats:
    held: Floats = np.fmin(np.fmax(p, P_MIN), P_MAX)
    return np.where(np.isnan(p), np.nan, held)
