"""Walk-forward folds on calendar months, with a gap that no label may bridge.

A fold of month T fits on rows from T - 18 months on, calibrates on the last three months before T and
predicts T:

    fit_first ............ calibrate_first ............ test_first ....... test_end
    |  fit, label_end + gap <  |   calibrate, label_end + gap <  |   test, never seen  |

Both training blocks are purged by the end of their labels, not by their start, so labels of any length are
safe. Train-before-test only: there is nothing after a test block that could be trained on, hence no embargo.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trading.clock import TradingHour
from trading.errors import UsageError
from trading.models.presets import Walk

Hours = NDArray[np.int64]


class SplitRules(NamedTuple):
    """Cadence of the walk-forward, fixed beforehand."""

    train_months: int = 18
    train_months_min: int = 12
    calibrate_months: int = 3
    gap_h: int = 49
    """Hours between a settled label and the next block: two days, and the hour until the next open."""


class Fold(NamedTuple):
    """One month out of sample and the spans that may teach about it; asof hours, ends exclusive."""

    fit_first: int
    calibrate_first: int
    test_first: int
    test_end: int
    gap_h: int

    def fits(self, asof: Hours, label_end: Hours) -> NDArray[np.bool_]:
        """Rows that may fit the model: settled a gap before calibration begins."""
        return (asof >= self.fit_first) & (label_end + self.gap_h < self.calibrate_first)

    def calibrates(self, asof: Hours, label_end: Hours) -> NDArray[np.bool_]:
        """Rows that may calibrate it: after the fit, settled a gap before the test month begins."""
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


def walk_forward(first: int, last: int, rules: SplitRules) -> Iterator[Fold]:
    """The folds whose month lies in asof hours first..last, rows being available from `first` on.

    The last month may be unfinished. Months with less than `train_months_min` of rows before them have no
    fold; a rule with no room for fitting is a `UsageError`.
    """
    if not 0 < rules.calibrate_months < rules.train_months_min <= rules.train_months:
        raise UsageError("a walk-forward needs calibrate_months < train_months_min <= train_months")
    for month in range(month_of(first), month_of(last) + 1):
        test_first = month_start(month)
        if month_start(month - rules.train_months_min) < first:
            continue
        yield Fold(
            fit_first=max(month_start(month - rules.train_months), first),
            calibrate_first=month_start(month - rules.calibrate_months),
            test_first=test_first,
            test_end=min(month_start(month + 1), last + 1),
            gap_h=rules.gap_h,
        )


def base_folds(first: int, last: int, every: int, walk: Walk) -> Iterator[Fold]:
    """Folds of a learner that is trained anew every `every` months of the calendar, rows being known from
    `first` on.

    The first fold begins as soon as there is enough to train on, in the middle of a quarter too. The last
    `calibrate_months` may judge a learner; one that needs no judging fits up to the test block by `whole`.
    """
    begin = month_of(first - 1) + 1 + walk.train_months_min
    starts = [m for m in range(begin, month_of(last) + 1) if m == begin or m % every == 0]
    for start, end in zip(starts, [*starts[1:], month_of(last) + 1], strict=True):
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
