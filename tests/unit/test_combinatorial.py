"""Splits and paths are those of the book, and nothing that teaches touches what is tested."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading.clock import DAY_H
from trading.errors import UsageError
from trading.models.combinatorial import Apart, Span, paths, spans, splits

BOOK = (
    (1, 2, 3, 4, 5),
    (1, 6, 7, 8, 9),
    (2, 6, 10, 11, 12),
    (3, 7, 10, 13, 14),
    (4, 8, 11, 13, 15),
    (5, 9, 12, 14, 15),
)
"""Figures 12.1 and 12.2 of the book: for six groups, the splits that test each of them, path by path."""


def test_six_groups_make_the_fifteen_splits_and_five_paths_of_the_book():
    assert len(splits(6, 2)) == 15
    assert [[split + 1 for split in path] for path in paths(6, 2)] == [
        list(column) for column in zip(*BOOK, strict=True)
    ]


def test_eight_groups_make_28_splits_and_seven_paths_that_use_each_answer_once():
    assert (len(splits()), len(paths())) == (28, 7)
    used = [(split, group) for path in paths() for group, split in enumerate(path)]
    assert len(used) == len(set(used)) == 56
    assert all(group in splits()[split].tested for split, group in used)


def test_a_split_is_calibrated_by_a_group_that_it_does_not_test():
    assert all(split.calibrated not in split.tested for split in splits())
    assert splits()[-1] == ((6, 7), 5)


@given(
    st.integers(0, 400),
    st.integers(1, 30),
    st.integers(0, 30),
    st.integers(0, 60),
    st.lists(st.tuples(st.integers(0, 300), st.integers(1, 80)), min_size=1, max_size=3),
)
def test_no_label_and_no_feature_of_a_teaching_row_touches_a_tested_one(
    asof: int, settle: int, gap: int, embargo: int, cut: list[tuple[int, int]]
):
    """Hour by hour: what a row knows, its gap included, against the label of every tested hour."""
    blocks = [Span(first, first + hours) for first, hours in cut]
    known, until = asof - embargo, asof + settle + gap
    meets = any(
        known <= tested + settle and tested <= until
        for block in blocks
        for tested in range(block.first, block.end)
    )
    assert bool(Apart(settle, gap, embargo).teaches(np.array([asof]), blocks)[0]) != meets


def test_groups_cover_every_hour_once_in_whole_days():
    first, end = 17, 17 + 100 * DAY_H + 5
    cut = spans(first, end, 8)
    assert [span.first for span in cut[1:]] == [span.end for span in cut[:-1]]
    assert (cut[0].first, cut[-1].end) == (first, end)
    assert all((span.first - first) % DAY_H == 0 for span in cut)
    with pytest.raises(UsageError):
        spans(0, 7 * DAY_H, 8)
