"""Rows that teach or are asked about: one instrument at one asof, with its features and what came of it."""

import hashlib
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trading.market import Floats

Features = NDArray[np.float32]


class Rows(NamedTuple):
    """Training rows, sorted by asof and column."""

    asof: NDArray[np.int64]
    column: NDArray[np.int16]
    features: Features
    """(rows, columns), NaN where unknown."""
    sigma_24: Floats
    returns: Floats
    """(rows, horizons)."""
    scaled: Floats
    """(rows, horizons)."""
    held: Floats
    """Return over the planned hold, (rows,); NaN where it is not settled yet."""

    def take(self, keep: NDArray[np.bool_]) -> "Rows":
        return Rows._make(part[keep] for part in self)

    def update(self, digest: "hashlib._Hash") -> None:
        """Feed every value to a digest."""
        for part in self:
            digest.update(np.ascontiguousarray(part).data)
