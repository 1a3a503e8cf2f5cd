"""All hours of a market as the learners see them: features once in float32, labels beside them.

Arrays are (hours, instruments, ...); row i is asof `first + i`. They may be memory-mapped: only slices are
read.
"""

import hashlib
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trading.clock import DAY_H
from trading.market import Flags, Floats, Grid
from trading.models.rows import Features, Rows
from trading.universe import Reason, Universe


class History(NamedTuple):
    """Features, labels and masks of every hour that may be trained on or predicted."""

    first: int
    instruments: tuple[str, ...]
    names: tuple[str, ...]
    """Feature columns, those of the market as a whole last."""
    features: Features
    """(hours, instruments, columns), NaN where unknown."""
    sigma_24: Floats
    """(hours, instruments): daily volatility known at asof, a fraction."""
    returns: Floats
    """(hours, instruments, horizons), NaN where a label is not settled inside the bars."""
    scaled: Floats
    """(hours, instruments, horizons)."""
    held: Floats
    """(hours, instruments): return over the planned hold."""
    eligible: Flags
    """(hours, instruments): the universe; also what market-wide numbers are taken over."""
    sample: Flags
    """(hours, instruments): rows that may be trained on."""
    predicted: Flags
    """(hours, instruments): rows that are asked about out of sample."""
    known: NDArray[np.int64]
    """(instruments,): asof of each instrument's first bar."""

    @property
    def hours(self) -> int:
        return int(self.sigma_24.shape[0])

    @property
    def last(self) -> int:
        return self.first + self.hours - 1

    def slice(self, first: int, stop: int) -> slice:
        """Rows of asof hours first..stop-1, cut to what there is."""
        return slice(max(first - self.first, 0), max(min(stop - self.first, self.hours), 0))

    def rows(self, first: int, stop: int, stride_h: int, history_h_min: int) -> Rows:
        """Training rows of asof hours first..stop-1: on the stride, sampled, every label settled.

        Only instruments whose first bar lies `history_h_min` before `stop` teach.
        """
        span = self.slice(first, stop)
        hours = np.arange(span.start, span.stop)
        keep = self.sample[span] & ((hours + self.first) % stride_h == 0)[:, None]
        keep &= ~np.isnan(self.scaled[span]).any(axis=2) & (self.known + history_h_min <= stop)
        t, a = np.nonzero(keep)
        t += span.start
        return Rows(
            asof=self.first + t.astype(np.int64),
            column=a.astype(np.int16),
            features=np.ascontiguousarray(self.features[t, a]),
            sigma_24=self.sigma_24[t, a],
            returns=self.returns[t, a],
            scaled=self.scaled[t, a],
            held=self.held[t, a],
        )

    def span_digest(self, first: int, stop: int) -> str:
        """SHA-256 of all that hours first..stop-1 could teach."""
        span = self.slice(first, stop)
        digest = hashlib.sha256(repr((self.first + span.start, self.instruments, self.names)).encode())
        arrays = (
            self.features,
            self.sigma_24,
            self.returns,
            self.scaled,
            self.eligible,
            self.sample,
        )
        for array in arrays:
            digest.update(np.ascontiguousarray(array[span]).data)
        digest.update(self.known.tobytes())
        return digest.hexdigest()


def masks(grid: Grid, universe: Universe, unusable: Flags) -> tuple[Flags, Flags]:
    """Rows that may teach and rows that are asked about, (hours, instruments).

    Both are old enough and on no list of exclusions; volume and spread do not matter, for what is held is
    asked about too. A row teaches only where the coin trades and its bars are usable.
    """
    never = (Reason.NOT_LISTED, Reason.EXCLUDED, Reason.TOO_YOUNG)
    asked, alive = np.zeros(grid.close.shape, dtype=bool), np.zeros(grid.close.shape, dtype=bool)
    start = universe.day_first - grid.first
    for mask, out in ((asked, never), (alive, (*never, Reason.STALE))):
        mask[start:] = np.repeat(~np.isin(universe.reason, out), DAY_H, axis=0)[: grid.hours - start]
    return alive & ~unusable, asked
