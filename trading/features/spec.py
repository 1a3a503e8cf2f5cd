"""What a feature declares about itself."""

from enum import Enum
from typing import NamedTuple


class Unit(Enum):
    """What one unit of a column means."""

    LOG = "log return"
    SIGMA = "standard deviations"
    SHARE = "share, 0 to 1"
    RATIO = "ratio"
    LOG_RATIO = "log of a ratio"
    ATR = "multiples of ATR(14)"
    FLAG = "flag"
    CLASS = "class"


class Family(Enum):
    """The group that a column is computed with."""

    TREND = "trend"
    VOLATILITY = "volatility"
    REGIME = "regime"
    VOLUME = "volume"
    MEDIAN = "median"
    BREAKOUT = "breakout"
    MARKET = "market"
    BREADTH = "breadth"


class Feature(NamedTuple):
    """One named column. Its value at asof reads `lookback` bars, the bar at asof included, and nothing
    else.
    """

    name: str
    family: Family
    lookback: int
    """Bars; the smallest number that is enough."""
    unit: Unit
    formula: str
    source: str
