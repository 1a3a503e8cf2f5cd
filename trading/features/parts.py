"""What the columns are made of, so that a few columns cost little: windows, their sums and path moments."""

from collections.abc import Collection

import numpy as np

from trading.features.series import LEVEL_QUAD, PAIR_QUAD, QUADS, RETURN_QUAD, SQUARE_QUAD
from trading.market import Flags

WINDOW_DAYS = (1, 3, 7, 30)
DAY, THREE_DAYS, WEEK, MONTH = range(4)
"""Positions of the windows in `WINDOW_DAYS`."""
PATH_PART = QUADS
"""Parts are the quads of channels, then the moments of the path."""

PARTS: dict[tuple[int, int], tuple[str, ...]] = {
    (THREE_DAYS, RETURN_QUAD): ("slope_72h",),
    (WEEK, RETURN_QUAD): (
        "ret_1h_scaled",
        "ret_4h_scaled",
        "ret_24h_scaled",
        "slope_168h",
        "sigma_1h",
        "sigma_24",
        "std_ratio_168h",
    ),
    (MONTH, RETURN_QUAD): ("slope_720h", "std_720h", "std_ratio_720h"),
    (DAY, LEVEL_QUAD): ("volume_surge_24h",),
    (WEEK, LEVEL_QUAD): ("breadth_trend",),
    (MONTH, LEVEL_QUAD): ("volume_surge_24h",),
    (WEEK, PAIR_QUAD): ("btc_corr_168h",),
    (MONTH, PAIR_QUAD): ("btc_corr_720h", "beta_720h"),
    (WEEK, SQUARE_QUAD): ("btc_corr_168h",),
    (MONTH, SQUARE_QUAD): ("btc_corr_720h", "beta_720h"),
    (DAY, PATH_PART): ("slope_24h", "r2_24h", "reversion_24h"),
    (THREE_DAYS, PATH_PART): ("slope_72h", "r2_72h"),
    (WEEK, PATH_PART): ("slope_168h", "r2_168h", "reversion_168h"),
    (MONTH, PATH_PART): ("slope_720h", "r2_720h"),
}
"""The columns that each window and part is computed for."""

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
    for place, columns in PARTS.items():
        needed[place] = not set(columns).isdisjoint(names)
    return needed
