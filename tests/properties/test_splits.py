"""No training interval meets a test interval, however long its label; folds follow the calendar."""

from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from trading.clock import TradingHour
from trading.models.presets import Walk
from trading.models.splits import base_folds, month_of, month_start, stack_folds


def hour(year: int, month: int, day: int = 1) -> int:
    return TradingHour.at(datetime(year, month, day, tzinfo=UTC)).number


RULES = st.builds(
    lambda calibrate, extra, more, log, gap: Walk(
        train_months=calibrate + extra + more,
        train_months_min=calibrate + extra,
        calibrate_months=calibrate,
        log_months=calibrate + log,
        gap_h=gap,
    ),
    st.integers(1, 4),
    st.integers(1, 9),
    st.integers(0, 6),
    st.integers(1, 6),
    st.integers(0, 200),
)
FIRST, MONTHS, EVERY = st.integers(hour(2018, 1), hour(2019, 1)), st.integers(14, 40), st.sampled_from((1, 3))


def folds_of(rules, first, months, every):
    """The folds of a learner, and those of the stack over it."""
    last = month_start(month_of(first) + months) - 1
    folds = list(base_folds(first, last, every, rules))
    return folds, list(stack_folds(folds[0].test_first, last, rules)) if folds else [], last


@given(
    rules=RULES,
    first=FIRST,
    months=MONTHS,
    every=EVERY,
    seed=st.integers(0, 2**32 - 1),
    longest_h=st.integers(0, 800),
)
def test_no_label_reaches_a_later_block_within_the_gap(rules, first, months, every, seed, longest_h):
    folds, stacks, last = folds_of(rules, first, months, every)
    rng = np.random.default_rng(seed)
    asof = np.sort(rng.integers(first, last + 1, 400))
    label_end = asof + rng.integers(0, longest_h + 1, asof.size)
    for fold in folds + stacks:
        fits, calibrates = fold.fits(asof, label_end), fold.calibrates(asof, label_end)
        whole = fold.whole.fits(asof, label_end)
        assert (label_end[fits] < fold.calibrate_first - rules.gap_h).all()
        assert (label_end[calibrates] < fold.test_first - rules.gap_h).all()
        assert (label_end[fits | calibrates | whole] <= fold.trained_through).all()
        assert fold.trained_through + rules.gap_h <= fold.test_first
        assert not (fits & calibrates).any()
        assert not (fits | calibrates)[~whole].any()
        assert not fold.whole.calibrates(asof, label_end).any()
        assert (asof[whole] >= first).all()


@given(rules=RULES, first=FIRST, months=MONTHS, every=EVERY)
def test_test_blocks_follow_each_other_without_overlap_or_hole(rules, first, months, every):
    folds, stacks, last = folds_of(rules, first, months, every)
    for chain in (folds, stacks):
        for fold, following in pairwise(chain):
            assert fold.test_end == following.test_first
        for fold in chain:
            assert TradingHour(fold.test_first).asof.day == 1
            assert fold.fit_first < fold.calibrate_first < fold.test_first < fold.test_end <= last + 1
        assert not chain or chain[-1].test_end == last + 1
    asked = [month for fold in folds for month in fold.months]
    assert asked == list(range(month_of(last) + 1 - len(asked), month_of(last) + 1))
    for stack in stacks:
        assert stack.fit_first >= folds[0].test_first, "the stack reads predictions out of sample only"


def test_nothing_useful_is_thrown_away():
    fold = next(base_folds(hour(2020, 1), hour(2022, 12), 1, Walk()))
    asof = np.arange(hour(2020, 1), hour(2022, 12))
    settled = np.flatnonzero(fold.whole.fits(asof, asof + 24))
    assert asof[settled[-1]] + 24 + 49 + 1 == fold.test_first


def test_the_first_fold_waits_for_a_year_of_rows_and_the_window_stops_growing_at_eighteen_months():
    folds = list(base_folds(hour(2020, 1), hour(2022, 12, 31), 1, Walk()))
    assert folds[0].test_first == hour(2021, 1)
    assert folds[0].fit_first == hour(2020, 1)
    assert folds[-1].test_first == hour(2022, 12)
    assert folds[-1].fit_first == hour(2021, 6)
    assert folds[-1].calibrate_first == hour(2022, 9)


def test_nets_are_trained_at_the_first_chance_and_then_at_every_quarter():
    folds = list(base_folds(hour(2020, 2, 3), hour(2021, 10, 31), 3, Walk()))
    assert [fold.test_first for fold in folds] == [
        hour(2021, 3),
        hour(2021, 4),
        hour(2021, 7),
        hour(2021, 10),
    ]


def test_the_first_stack_waits_for_a_year_of_predictions():
    stacks = list(stack_folds(hour(2021, 1), hour(2022, 6, 30), Walk()))
    assert stacks[0].test_first == hour(2022, 1)
    assert stacks[0].fit_first == hour(2021, 1)
    assert stacks[0].calibrate_first == hour(2021, 10)
