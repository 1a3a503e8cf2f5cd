"""What a predictor gives: probabilities and expected returns, and which models they came from.

The stack over all learners, or over one of them, gives these arrays from the prediction log.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trading.market import Floats


class Predictions(NamedTuple):
    """Out-of-sample predictions; row i is made at asof `first + i`, NaN where there is none.

    Arrays are (hours, instruments) unless said otherwise. `p` is the calibrated probability of a positive
    return from the next open over 1, 4 or 24 hours, `e` the expected log return, de-biased and shrunk.
    """

    first: int
    p1: Floats
    p4: Floats
    p24: Floats
    e1: Floats
    e4: Floats
    e24: Floats
    e_hold: Floats
    """Expected return over the planned hold: a multiple of `e24`, zero where that has no skill."""
    p_crash: Floats
    """Probability of a market crash within 24 h, (hours,), NaN where unknown."""
    p_high_vol: Floats
    """Probability of high volatility over 24 h, (hours,), NaN where unknown."""
    veto: NDArray[np.int64]
    """Guards of the release that block entries, bits of `trading.codes`; (hours, instruments)."""
    trained_through: NDArray[np.int64]
    """Last asof whose outcome the model of that hour may have known, (hours,); 0 where there is no model."""
    release: str
    """Names the models by content."""


class Said(NamedTuple):
    """What a release says of one hour."""

    predictions: Predictions
    outputs: bytes
    """What every model of it said, as `trading.models.prediction_log.outputs_of` writes it; empty where no
    model speaks."""


def nothing(first: int, hours: int, instruments: int) -> Predictions:
    """Predictions that say nothing, for a predictor to fill in."""

    def unknown() -> Floats:
        return np.full((hours, instruments), np.nan)

    return Predictions(
        first,
        p1=unknown(),
        p4=unknown(),
        p24=unknown(),
        e1=unknown(),
        e4=unknown(),
        e24=unknown(),
        e_hold=unknown(),
        p_crash=np.zeros(hours),
        p_high_vol=np.zeros(hours),
        veto=np.zeros((hours, instruments), dtype=np.int64),
        trained_through=np.zeros(hours, dtype=np.int64),
        release="",
    )
