"""What the nets learn from: a panel in hours, the hours of it that teach, and how both are scaled.

A net sees the last `steps` hours of one instrument in `COLUMNS`, scaled by the medians and interquartile
ranges of its training hours, and one column more that says how much of an hour is unknown. All instruments
share one net that does not know their names.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trading.clock import DAY_H
from trading.errors import UsageError
from trading.models.labels import HORIZONS_H
from trading.models.rows import Features
from trading.models.weights import HALF_LIFE_D

COLUMNS = (
    *("ret_1h_scaled", "ret_4h_scaled", "ret_24h_scaled"),
    *("slope_24h", "slope_72h", "slope_168h", "slope_720h", "reversion_24h", "reversion_168h"),
    *("std_ratio_168h", "std_ratio_720h", "vol_percentile", "volume_surge_24h", "volume_surge_1h"),
    *("spread_widening", "breakout_high_24h", "breakout_low_24h", "breakout_high_168h", "breakout_low_168h"),
    *("range_position_168h", "range_position_720h", "structure", "beta_720h", "btc_corr_168h"),
    *("breadth_trend", "btc_ret_24h", "btc_slope_168h", "btc_vol_percentile"),
)
"""Features that a net sees, of `trading.features.library`: those without a level or a unit."""
CLIP = 5.0
WIDTH_MIN = 1e-6
"""A column that hardly moves is not blown up."""

Mask = NDArray[np.bool_]


class Sequences(NamedTuple):
    """A span of hours for training; arrays begin at asof `first`."""

    first: int
    names: tuple[str, ...]
    """Of the columns of `values`."""
    values: Features
    """(hours, instruments, columns), NaN where unknown; as far back as the first sequence reaches."""
    scaled: NDArray[np.float32]
    """(hours, instruments, horizons): z of `trading.models.labels`, NaN where the hour may not teach."""

    @property
    def teaches(self) -> Mask:
        """(hours, instruments): every label is settled and allowed."""
        return np.asarray(~np.isnan(self.scaled).any(axis=2))

    @property
    def columns(self) -> list[int]:
        """Where `COLUMNS` stand in `names`."""
        missing = [name for name in COLUMNS if name not in self.names]
        if missing:
            raise UsageError(f"a net needs the features {', '.join(missing)}")
        return [self.names.index(name) for name in COLUMNS]

    def only(self, hours: Mask) -> "Sequences":
        """The same span in which no other than these hours teach; inputs stay."""
        scaled = np.where(hours[:, None, None], self.scaled, np.float32(np.nan))
        return self._replace(scaled=scaled)

    def purged_tail(self, share: float, gap_h: int) -> tuple["Sequences", "Sequences"]:
        """Split into fitting hours and the last `share` of the teaching ones, which decide when to stop.

        Every fitting label is settled `gap_h` hours before the tail begins.
        """
        hours = np.arange(len(self.values))
        taught = hours[self.teaches.any(axis=1)]
        if not taught.size:
            raise UsageError("no hour has settled labels to train a net on; give more history")
        tail = int(taught[-max(int(taught.size * share), 1)])
        return self.only(hours + max(HORIZONS_H) + gap_h < tail), self.only(hours >= tail)

    def weights(self, now: int) -> NDArray[np.float32]:
        """(hours, instruments): one voice an hour, halved every 270 days of age; mean 1 where it teaches.

        The share 1/h of `trading.models.weights` is one for all rows of a horizon: the mean takes it out.
        """
        teaches = self.teaches
        age_d = (now - self.first - np.arange(len(teaches))) / DAY_H
        voices = np.maximum(teaches.sum(axis=1), 1)
        weights = teaches * (np.exp2(-age_d / HALF_LIFE_D) / voices)[:, None]
        return np.asarray(weights / weights[teaches].mean(), dtype=np.float32)


class Scaler(NamedTuple):
    """Medians and interquartile ranges of the columns; (columns,)."""

    centre: Features
    width: Features

    @classmethod
    def of(cls, rows: Features) -> "Scaler":
        """Fitted on (rows, columns) that teach; a column that is never known scales to zero."""
        known = np.where(np.isnan(rows).all(axis=0), np.float32(0.0), rows)
        low, centre, high = np.nanpercentile(known, (25.0, 50.0, 75.0), axis=0)
        return cls(centre.astype(np.float32), np.maximum(high - low, WIDTH_MIN).astype(np.float32))

    def apply(self, values: Features) -> Features:
        """(..., columns + 1): scaled and clipped, unknown values at the median, their share behind them.

        The same operations in the same order as the graph of `trading.models.net_graphs`.
        """
        unknown = np.isnan(values)
        scaled = np.clip((values - self.centre) / self.width, np.float32(-CLIP), np.float32(CLIP))
        scaled = np.where(unknown, np.float32(0.0), scaled)
        share = unknown.astype(np.float32).mean(axis=-1, keepdims=True, dtype=np.float32)
        return np.concatenate((scaled, share), axis=-1)
