"""The hourly marks of a portfolio as columns in memory, so that a chart of years costs no query of years.

Marks are append-only: what was read once holds for ever, and each question reads only what is new.
"""

from collections import OrderedDict
from datetime import UTC, datetime
from threading import Lock
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from adapters.storage.base import PortfolioKey
from adapters.storage.states import Mark
from trading.clock import TradingHour

POINTS_MAX = 2_000
PORTFOLIOS_MAX = 64
"""Held at once; five years of one are 3 MB."""

COLUMNS = (
    *(Mark.equity, Mark.units, Mark.cash, Mark.exposure, Mark.positions),
    *(Mark.flow, Mark.peak, Mark.lifetime_peak, Mark.tier, Mark.triggers),
)


class Marks(NamedTuple):
    """One row an hour that was marked, in time; amounts in 1e-8 quote."""

    hour: NDArray[np.int64]
    """asof, hours since the epoch."""
    values: NDArray[np.int64]
    """(hours, columns), in the order of `COLUMNS`."""

    def column(self, name: str) -> NDArray[np.int64]:
        column: NDArray[np.int64] = self.values[:, NAMES.index(name)]
        return column

    def between(self, first: int, last: int) -> "Marks":
        low, high = np.searchsorted(self.hour, [first, last + 1])
        return Marks(self.hour[low:high], self.values[low:high])


NAMES = tuple(column.key for column in COLUMNS)
NOTHING = Marks(np.empty(0, np.int64), np.empty((0, len(NAMES)), np.int64))


class MarksCache:
    """The marks of the portfolios asked for lately."""

    def __init__(self) -> None:
        self._held: OrderedDict[PortfolioKey, Marks] = OrderedDict()
        self._lock = Lock()

    def of(self, session: Session, key: PortfolioKey) -> Marks:
        """Every mark of a portfolio up to now."""
        with self._lock:
            held = self._held.get(key, NOTHING)
        new = _after(session, key, int(held.hour[-1]) if held.hour.size else None)
        if new.hour.size:
            held = Marks(np.concatenate((held.hour, new.hour)), np.concatenate((held.values, new.values)))
        with self._lock:
            # Another question may have got further meanwhile.
            if held.hour.size >= self._held.get(key, NOTHING).hour.size:
                self._held[key] = held
            self._held.move_to_end(key)
            while len(self._held) > PORTFOLIOS_MAX:
                self._held.popitem(last=False)
        return held


def _after(session: Session, key: PortfolioKey, hour: int | None) -> Marks:
    query = select(Mark.asof, *COLUMNS).where(Mark.track == key.track, Mark.portfolio == key.portfolio)
    if hour is not None:
        query = query.where(Mark.asof > TradingHour(hour).asof)
    rows = session.execute(query.order_by(Mark.asof)).all()
    if not rows:
        return NOTHING
    hours = np.array([TradingHour.at(row[0]).number for row in rows], np.int64)
    return Marks(hours, np.array([row[1:] for row in rows], np.int64))


def drawdown(equity: NDArray[np.int64], peak: NDArray[np.int64]) -> NDArray[np.float64]:
    """Fraction below the peak, 0 or positive; both sides are rescaled by flows, so it is of unit value."""
    return np.where(peak > 0, (peak - equity) / np.maximum(peak, 1), 0.0)


def thinned(rows: int) -> NDArray[np.int64]:
    """Last row of each bucket, where `rows` rows become at most `POINTS_MAX` buckets of one size."""
    size = -(-rows // POINTS_MAX) if rows else 1
    # Counted from the end, so that the newest row is always shown.
    return np.arange(rows - 1, -1, -size, dtype=np.int64)[::-1]


def worst(values: NDArray[np.float64], ends: NDArray[np.int64]) -> NDArray[np.float64]:
    """The largest value of each bucket that ends at these rows."""
    if not ends.size:
        return values[:0]
    starts = np.concatenate(([0], ends[:-1] + 1))
    return np.asarray(np.maximum.reduceat(values, starts))


def asof_of(hour: int) -> datetime:
    return TradingHour(hour).asof.astimezone(UTC)
