"""How far rows have moved from those that taught: the population stability index of every feature.

The index compares shares of the training's deciles (0.10 and 0.25 are the customary bounds). What trends and
overlaps inflates it, and slow features wander by nature, so beside the deciles stands what is usual: the 95th
percentile of the same index over every two weeks of the training itself. And since a feature that always
filled one decile cannot stand out by an index, the range that the training filled stands there too.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trading.clock import DAY_H
from trading.market import Floats
from trading.models.rows import Features

WINDOW_D = 14
USUAL_PERCENTILE = 0.95
TAUGHT_D_MIN = 24 * WINDOW_D
"""Days from which on a training knows what is usual: by four months of it every other quarter is unusual."""
RANGE = (0.001, 0.999)
"""Percentiles of the training between which a value is nothing new."""
SHARE_MIN = 1e-4
"""No share of a decile counts as less, since the index knows no zero."""
PART = "deciles.f64"
"""Under which an artefact keeps them."""


class Drift(NamedTuple):
    """Of each feature, (features,)."""

    stability: Floats
    """The index."""
    usual: Floats
    """The index that two weeks of the training exceeded in one of twenty."""
    beyond: Floats
    """Share of the rows outside the range of the training."""


class Deciles(NamedTuple):
    """What a release's training rows were like."""

    edges: Floats
    """(9, features)."""
    range: Floats
    """(2, features)."""
    shares: Floats
    """(10, features) of the training rows; not a tenth each where many values are the same."""
    usual: Floats
    """(features,)."""

    @classmethod
    def of(cls, features: Features, asof: NDArray[np.int64]) -> "Deciles":
        """From training rows sorted by asof; unknown values count nowhere."""
        known = np.where(np.isnan(features).all(axis=0), np.float32(0.0), features)
        at = (*RANGE, *np.arange(1, 10) / 10)
        cut = np.nanquantile(known, at, axis=0).astype(np.float64)
        edges = cut[2:]
        nights = np.searchsorted(asof, np.arange(asof[0], asof[-1] + DAY_H + 1, DAY_H)).tolist()
        days = [_counts(features[a:b], edges) for a, b in pairwise(nights)]
        upto = np.concatenate((np.zeros((1, *days[0].shape)), np.cumsum(days, axis=0)))
        shares = _shares(upto[-1])
        spans = index(shares, _shares(upto[WINDOW_D:] - upto[:-WINDOW_D]))
        return cls(edges, cut[:2], shares, np.quantile(spans, USUAL_PERCENTILE, axis=0))

    def drift(self, features: Features) -> Drift:
        """How far some rows are from these; unknown values count nowhere."""
        low, high = self.range
        beyond = ((features < low) | (features > high)).sum(axis=0)
        found = index(self.shares, _shares(_counts(features, self.edges)))
        return Drift(found, self.usual, beyond / np.maximum((~np.isnan(features)).sum(axis=0), 1))

    def dump(self) -> bytes:
        return np.vstack((*self[:3], self.usual[None])).astype("<f8").tobytes()

    @classmethod
    def parse(cls, content: bytes) -> "Deciles":
        rows = np.frombuffer(content, "<f8").reshape(22, -1)
        return cls(rows[:9], rows[9:11], rows[11:21], rows[21])


def index(reference: Floats, shares: Floats) -> Floats:
    """Sum over bins of (share - reference) ln(share / reference); (..., bins, columns) to (..., columns)."""
    old, new = np.maximum(reference, SHARE_MIN), np.maximum(shares, SHARE_MIN)
    return np.asarray(((new - old) * np.log(new / old)).sum(axis=-2))


def _counts(features: Features, edges: Floats) -> Floats:
    """(10, features): rows up to each edge and beyond the last."""
    known = (~np.isnan(features)).sum(axis=0)
    above = [(features > edge).sum(axis=0) for edge in edges]
    return -np.diff(np.array([known, *above, np.zeros_like(known)], np.float64), axis=0)


def _shares(counts: Floats) -> Floats:
    return np.asarray(counts / np.maximum(counts.sum(axis=-2, keepdims=True), 1.0))
