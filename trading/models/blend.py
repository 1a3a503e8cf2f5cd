"""The tree families with equal voices, calibrated on rows that none of them was fitted on.

What the stack does with its prediction log, for models that have none: P(up) by the mean log odds through a
calibrated curve, E[r] by the mean z less its own mean, times a slope shrunk by how sure it is.
"""

from typing import NamedTuple

import numpy as np

from trading.clock import DAY_H
from trading.codes import BUCKET
from trading.market import Floats
from trading.models.calibration import Buckets, Curve, buckets, curve, shrunk_slope
from trading.models.labels import HORIZONS_H
from trading.models.raw import Raw
from trading.models.rows import Rows
from trading.models.stacking import HOLD_H, HOLD_SLOPE_MAX
from trading.models.weights import row_weights

FOUR, DAY = HORIZONS_H.index(4), HORIZONS_H.index(DAY_H)
OUTPUTS = ("p4", "p24", "e24", "e_hold", "veto")
"""What the strategy reads, (rows,) each."""


class Blend(NamedTuple):
    """Calibrations of the mean voice."""

    curves: dict[int, Curve]
    """By horizon, of those that the strategy reads."""
    centre: float
    slope: float
    hold_slope: float
    buckets: Buckets

    def predict(self, said: Raw, sigma_24: Floats) -> dict[str, Floats]:
        """`OUTPUTS` of every row, from the mean voice and the volatility known then."""
        expected = (said.z[:, DAY] - self.centre) * sigma_24
        chances = {f"p{HORIZONS_H[h]}": self.curves[h].apply(said.logits[:, h]) for h in (FOUR, DAY)}
        return chances | {
            "e24": expected * self.slope,
            "e_hold": expected * self.hold_slope,
            "veto": np.where(self.buckets.admits(expected), 0.0, float(BUCKET)),
        }


def mean(voices: list[Raw]) -> Raw:
    """Equal weights."""
    return Raw(
        logits=np.mean([voice.logits for voice in voices], axis=0),
        z=np.mean([voice.z for voice in voices], axis=0),
    )


def calibrate(said: Raw, rows: Rows) -> Blend:
    """Fit every curve and slope on rows that the models have not seen; none of them decays with age."""
    settled = ~np.isnan(rows.held)
    centre = float(said.z[:, DAY].mean())
    expected = (said.z[:, DAY] - centre) * rows.sigma_24
    slope = shrunk_slope(
        expected, rows.returns[:, DAY], row_weights(rows.asof, DAY_H, rows.asof), rows.asof, 2 * DAY_H
    )
    hold = shrunk_slope(
        expected[settled],
        rows.held[settled],
        row_weights(rows.asof[settled], HOLD_H, rows.asof[settled]),
        rows.asof[settled],
        HOLD_H + DAY_H,
        HOLD_SLOPE_MAX,
    )
    return Blend(
        curves={h: _curve(said.logits[:, h], rows, h) for h in (FOUR, DAY)},
        centre=centre,
        slope=slope,
        hold_slope=min(hold, HOLD_SLOPE_MAX * slope),
        buckets=buckets(expected, rows.returns[:, DAY], rows.asof, 2 * DAY_H),
    )


def _curve(log_odds: Floats, rows: Rows, h: int) -> Curve:
    came, horizon_h = rows.returns[:, h], HORIZONS_H[h]
    weights = row_weights(rows.asof, horizon_h, rows.asof)
    up = (came > 0).astype(np.float64)
    rate = float(np.average(up, weights=weights))
    return curve(log_odds, up, weights, rate, rows.asof, rows.column, came, horizon_h)
