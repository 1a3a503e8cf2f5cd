"""No training interval meets a test interval, however long its label; folds follow the calendar."""

from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading.clock import TradingHour
from trading.errors import UsageError
from trading.models.splits import SplitRules, month_of, month_start, walk_forward


def hour(year: int, month: int, day: int = 1) -> int:
    return TradingHour.at(datetime(year, month, day, tzinfo=UTC)).number


RULES = st.builds(
    lambda calibrate, extra, more, gap: SplitRules(
        calibrate + extra + more, calibrate + extra, calibrate, gap
    ),
    st.integers(1, 4),
    st.integers(1, 9),
    st.integers(0, 6),
    st.integers(0, 200),
)


@given(
    rules=RULES,
    first=st.integers(hour(2018, 1), hour(2019, 1)),
    months=st.integers(14, 40),
    seed=st.integers(0, 2**32 - 1),
    longest_h=st.integers(0, 800),
)
def test_no_label_reaches_a_later_block_within_the_gap(rules, first, months, seed, longest_h):
    last = month_start(month_of(first) + months) - 1
    rng = np.random.default_rng(seed)
    asof = np.sort(rng.integers(first, last + 1, 400))
    label_end = asof + rng.integers(0, longest_h + 1, asof.size)
    for fold in walk_forward(first, last, rules):
        fits, calibrates = fold.fits(asof, label_end), fold.calibrates(asof, label_end)
        assert (label_end[fits] < fold.calibrate_first - rules.gap_h).all()
        assert (label_end[calibrates] < fold.test_first - rules.gap_h).all()
        assert (label_end[fits | calibrates] <= fold.trained_through).all()
        assert fold.trained_through + rules.gap_h <= fold.test_first
        assert not (fits & calibrates).any()
        assert (asof[fits] >= first).all()


@given(rules=RULES, first=st.integers(hour(2018, 1), hour(2019, 1)), months=st.integers(14, 40))
def test_test_months_follow_each_other_without_overlap_or_hole(rules, first, months):
    last = month_start(month_of(first) + months) - 1
    folds = list(walk_forward(first, last, rules))
    for fold, following in pairwise(folds):
        assert fold.test_end == following.test_first
    for fold in folds:
        assert TradingHour(fold.test_first).asof.day == 1
        assert fold.fit_first < fold.calibrate_first < fold.test_first < fold.test_end <= last + 1


def test_nothing_useful_is_thrown_away():
    fold = next(walk_forward(hour(2020, 1), hour(2022, 12), SplitRules()))
    asof = np.arange(hour(2020, 1), hour(2022, 12))
    settled = np.flatnonzero(fold.fits(asof, asof + 24))
    assert asof[settled[-1]] + 24 + 49 + 1 == fold.calibrate_first


def test_the_first_fold_waits_for_a_year_of_rows_and_the_window_stops_growing_at_eighteen_months():
    folds = list(walk_forward(hour(2020, 1), hour(2022, 12, 31), SplitRules()))
    assert folds[0].test_first == hour(2021, 1)
    assert folds[0].fit_first == hour(2020, 1)
    assert folds[-1].test_first == hour(2022, 12)
    assert folds[-1].fit_first == hour(2021, 6)
    assert folds[-1].calibrate_first == hour(2022, 9)


def test_rules_without_room_to_fit_are_refused():
    with pytest.raises(UsageError, match="calibrate_months"):
        list(walk_forward(hour(2020, 1), hour(2022, 1), SplitRules(calibrate_months=12)))
