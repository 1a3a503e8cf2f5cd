"""What each of the five learners says before stacking."""

from typing import NamedTuple

from trading.market import Floats


class Raw(NamedTuple):
    """Uncalibrated outputs for 1, 4 and 24 hours; float32 from the runtime, widened to float64."""

    logits: Floats
    """(rows, horizons): log odds of a positive return from the next open."""
    z: Floats
    """(rows, horizons): expected return in units of sigma_24 sqrt(h / 24)."""
