"""Walk-forward folds on calendar months, with a gap that no label may bridge.

A fold predicts its test block; what may teach it lies before:

    fit_first ............ calibrate_first ............ test_first ....... test_end
    |  fit, label_end + gap <  |   calibrate, label_end + gap <  |   test, never seen  |

A learner fits on both training blocks (`whole`), the regime classifier and the stack judge and calibrate
themselves on the second. Both are purged by the end of their labels, not by their start, so labels of any
length are safe. Train-before-test only: there is nothing after a test block that could be trained on, hence
no embargo.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trading.clock import TradingHour
from trading.models.presets import Walk

Hours = NDArray[np.int64]


class Fold(NamedTuple):
    """One block out of sample and the spans that may teach about it; asof hours, ends exclusive."""

    fit_first: int
    calibrate_first: int
    test_first: int
    test_end: int
    gap_h: int

    def fits(self, asof: Hours, label_end: Hours) -> NDArray[np.bool_]:
        """Rows that may fit the model: settled a gap before calibration begins."""
        return (asof >= self.fit_first) & (label_end + self.gap_h < self.calibrate_first)

    def calibrates(self, asof: Hours, label_end: Hours) -> NDArray[np.bool_]:
        """Rows that may calibrate it: after the fit, settled a gap before the test block begins."""
        return (asof >= self.calibrate_first) & (label_end + self.gap_h < self.test_first)

    @property
    def whole(self) -> "Fold":
        """The fold of a learner that keeps nothing back for calibration."""
        return self._replace(calibrate_first=self.test_first)

    @property
    def months(self) -> list[int]:
        """Months of the test block."""
        return list(range(month_of(self.test_first), month_of(self.test_end - 1) + 1))

    @property
    def trained_through(self) -> int:
        """Last asof whose outcome the fold may know."""
        return self.test_first - self.gap_h - 1


def base_folds(first: int, last: int, every: int, walk: Walk) -> Iterator[Fold]:
    """Folds of a learner that is trained anew every `every` months of the calendar, rows being known from
    `first` on.

    The first fold begins as soon as there are `train_months_min` to train on, in the middle of a quarter too;
    the last may be unfinished.
    """
    begin = month_of(first - 1) + 1 + walk.train_months_min
    starts = [m for m in range(begin, month_of(last) + 1) if m == begin or m % every == 0]
    for start, end in pairwise([*starts, month_of(last) + 1]):
        yield Fold(
            fit_first=max(month_start(start - walk.train_months), first),
            calibrate_first=month_start(start - walk.calibrate_months),
            test_first=month_start(start),
            test_end=min(month_start(end), last + 1),
            gap_h=walk.gap_h,
        )


def stack_folds(first: int, last: int, walk: Walk) -> Iterator[Fold]:
    """Monthly folds of the stack, which is taught by the prediction log that begins at `first`."""
    for month in range(month_of(first) + walk.log_months, month_of(last) + 1):
        yield Fold(
            fit_first=month_start(month - walk.log_months),
            calibrate_first=month_start(month - walk.calibrate_months),
            test_first=month_start(month),
            test_end=min(month_start(month + 1), last + 1),
            gap_h=walk.gap_h,
        )


def month_of(asof: int) -> int:
    """Months since year 0 of the asof; the first asof of a month is 00:00 of its first day."""
    time = TradingHour(asof).asof
    return time.year * 12 + time.month - 1


def month_start(month: int) -> int:
    """First asof of a month."""
    return TradingHour.at(datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC)).number
