"""How much each training row counts.

Labels overlap, coins move together and markets change: a row weighs 1/h (its share of an hour of outcome),
divided by the number of rows of the same asof, so that every hour has one voice, and halved every 270 days of
age.
"""

import numpy as np
from numpy.typing import NDArray

from trading.clock import DAY_H
from trading.market import Floats

HALF_LIFE_D = 270


def row_weights(asof: NDArray[np.int64], horizon_h: int, now: int | NDArray[np.int64]) -> Floats:
    """Weights of rows at the given asof hours for a label of `horizon_h`, as seen from `now`; (rows,).

    Seen from their own asof, no row is older than another.
    """
    _, position, count = np.unique(asof, return_inverse=True, return_counts=True)
    age_d = (now - asof) / DAY_H
    return np.asarray(np.exp2(-age_d / HALF_LIFE_D) / (horizon_h * count[position]), dtype=np.float64)
