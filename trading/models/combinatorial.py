"""Combinatorial purged cross-validation: hours in groups, each pair of groups tested by what the rest taught.

Every group is tested in several splits, so their answers join to several whole paths, each of them out of
sample from end to end: a distribution where a walk-forward has one record. Teaching rows lie before and after
what is tested; the ones after could not be known then, so this says how much a Sharpe ratio varies and not
what would have been earned.

Source: López de Prado, Advances in Financial Machine Learning (2018), chapters 7 and 12.
"""

from itertools import combinations, pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trading.clock import DAY_H
from trading.errors import UsageError

GROUPS, TESTED = 8, 2
"""28 splits, 7 paths."""
Hours = NDArray[np.int64]


class Span(NamedTuple):
    """Asof hours, the end exclusive."""

    first: int
    end: int


class Split(NamedTuple):
    """Which groups a model is asked about, and which one calibrates it; the others fit it."""

    tested: tuple[int, ...]
    calibrated: int


class Apart(NamedTuple):
    """How far teaching rows keep from a block that they must not know."""

    settle_h: int
    """Hours until a row's label is known."""
    gap_h: int
    """From the last label before a block to its first row."""
    embargo_h: int
    """From the last label of a block to the first row after it: the memory of features."""

    def teaches(self, asof: Hours, blocks: list[Span]) -> NDArray[np.bool_]:
        """Rows that know nothing of any block, and of which no block knows anything."""
        keep = np.ones(len(asof), dtype=bool)
        for block in blocks:
            before = asof + self.settle_h + self.gap_h < block.first
            keep &= before | (asof >= block.end + self.settle_h + self.embargo_h)
        return keep


def spans(first: int, end: int, groups: int = GROUPS) -> list[Span]:
    """Groups of whole days, as equal as may be."""
    days = (end - first) // DAY_H
    if days < groups:
        raise UsageError(f"{days} days cannot be cut into {groups} groups; give more hours")
    edges = [first + days * g // groups * DAY_H for g in range(groups)] + [end]
    return [Span(*edge) for edge in pairwise(edges)]


def splits(groups: int = GROUPS, tested: int = TESTED) -> list[Split]:
    """Every choice of tested groups; the newest of the others calibrates."""
    return [
        Split(chosen, max(set(range(groups)) - set(chosen))) for chosen in combinations(range(groups), tested)
    ]


def paths(groups: int = GROUPS, tested: int = TESTED) -> list[list[int]]:
    """For each path, the split that answers for each group: its k-th test is part of path k."""
    every = splits(groups, tested)
    tests = [[s for s, split in enumerate(every) if group in split.tested] for group in range(groups)]
    return [list(path) for path in zip(*tests, strict=True)]
