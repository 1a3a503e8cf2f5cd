"""What the columns are made of, so that a few columns cost little: windows, their sums and path moments."""

from collections.abc import Collection

import numpy as np

from trading.features.series import (
    BOTH,
    BTC,
    BTC_BTC,
    BTC_OWN,
    CHANNELS,
    CLOSES,
    DOLLARS,
    OWN,
    OWN_OWN,
    RR,
    SEEN,
    N,
    R,
)
from trading.market import Flags

WINDOW_DAYS = (1, 3, 7, 30)
DAY, THREE_DAYS, WEEK, MONTH = range(4)
"""Positions of the windows in `WINDOW_DAYS`."""
PATH_PART = CHANNELS
"""Parts are the channels, then the moments of the path."""

RETURNS = (N, R, RR)
LEVELS = (SEEN, DOLLARS)
PAIRS = (BOTH, BTC, OWN, BTC_BTC, OWN_OWN, BTC_OWN)
PATHS = (PATH_PART,)

PARTS: tuple[tuple[int, tuple[int, ...], tuple[str, ...]], ...] = (
    (THREE_DAYS, RETURNS, ("slope_72h",)),
    (
        WEEK,
        RETURNS,
        (
            "ret_1h_scaled",
            "ret_4h_scaled",
            "ret_24h_scaled",
            "slope_168h",
            "sigma_1h",
            "sigma_24",
            "std_ratio_168h",
        ),
    ),
    (MONTH, RETURNS, ("slope_720h", "std_720h", "std_ratio_720h")),
    (DAY, LEVELS, ("volume_surge_24h",)),
    (MONTH, LEVELS, ("volume_surge_24h",)),
    (WEEK, (SEEN, CLOSES), ("breadth_trend",)),
    (WEEK, PAIRS, ("btc_corr_168h",)),
    (MONTH, PAIRS, ("btc_corr_720h", "beta_720h")),
    (DAY, PATHS, ("slope_24h", "r2_24h", "reversion_24h")),
    (THREE_DAYS, PATHS, ("slope_72h", "r2_72h")),
    (WEEK, PATHS, ("slope_168h", "r2_168h", "reversion_168h")),
    (MONTH, PATHS, ("slope_720h", "r2_720h")),
)
"""Windows, their parts, and the columns that these are computed for."""

BITCOIN = {
    "btc_ret_1h": "sigma_1h",
    "btc_ret_24h": "sigma_1h",
    "btc_ret_168h": "sigma_1h",
    "btc_slope_168h": "slope_168h",
    "btc_vol_percentile": "vol_percentile",
}
"""The column of bitcoin that each column of the market's state is made of."""


def made_of(names: Collection[str]) -> set[str]:
    """The columns to compute for some columns: themselves, and bitcoin's."""
    return set(names) | {BITCOIN[name] for name in names if name in BITCOIN}


def parts(names: Collection[str]) -> Flags:
    """(windows, parts): which sums and moments the columns need."""
    needed = np.zeros((len(WINDOW_DAYS), PATH_PART + 1), dtype=np.bool_)
    for window, some, columns in PARTS:
        if not set(columns).isdisjoint(names):
            needed[window, list(some)] = True
    return needed
