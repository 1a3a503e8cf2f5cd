"""Trials that move together count once; scipy and scikit-learn agree on every step."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.cluster.hierarchy import cut_tree, linkage
from scipy.spatial.distance import squareform
from sklearn.metrics import silhouette_samples

from trading.evaluation.trials import clusters, distances, effective, joined, linked, silhouettes
from trading.ledger.performance import Floats
from trading.ledger.statistics import dsr, moments


def blocks(sizes: tuple[int, ...], seed: int = 3, noise: float = 0.3) -> Floats:
    """Daily returns of groups of trials that share a cause."""
    random = np.random.default_rng(seed)
    causes = random.normal(0.0, 0.01, (500, len(sizes)))
    columns = [
        causes[:, k] + random.normal(0.0, 0.01 * noise, 500) for k, n in enumerate(sizes) for _ in range(n)
    ]
    return np.column_stack(columns)


@pytest.mark.parametrize("sizes", [(3, 3), (5, 2, 4), (2, 2, 2, 2)])
def test_planted_groups_are_found(sizes: tuple[int, ...]):
    wanted = np.repeat(np.cumsum((0, *sizes[:-1])), sizes)
    assert clusters(blocks(sizes)).tolist() == wanted.tolist()


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), count=st.integers(3, 9))
def test_linkage_and_silhouettes_are_scipys_and_scikit_learns(seed: int, count: int):
    trials = np.random.default_rng(seed).normal(size=(40, count))
    away = distances(trials)
    tree = linkage(squareform(away, checks=False), "average")
    for merges, labels in enumerate(linked(away), 1):
        theirs = cut_tree(tree, n_clusters=count - merges)[:, 0]
        assert same_partition(labels.tolist(), theirs.tolist())
        if count - merges > 1:
            expected = silhouette_samples(away, labels, metric="precomputed")
            assert silhouettes(away, labels) == pytest.approx(expected, abs=1e-12)


def same_partition(one: list[int], two: list[int]) -> bool:
    return len(set(zip(one, two, strict=True))) == len(set(one)) == len(set(two))


def test_distance_is_that_of_the_correlation():
    trials = blocks((1, 1, 1))
    assert distances(trials) == pytest.approx(np.sqrt((1 - np.corrcoef(trials.T)) / 2), abs=1e-7)


def test_copies_are_one_trial_and_deflate_nothing():
    one = blocks((1,))
    copies = np.repeat(one, 5, axis=1)
    of = effective(copies, moments(one[:, 0]))
    assert (of.known, of.different) == (5, 1)
    assert of.dsr == pytest.approx(dsr(moments(one[:, 0]), 1))


def test_many_copies_of_few_ideas_deflate_as_the_few_do():
    many, few = blocks((6, 6, 6), noise=0.01), blocks((6, 6, 6), noise=0.01)[:, ::6]
    of = moments(many[:, 0])
    found = effective(many, of)
    variance = float(np.var([moments(column).sharpe for column in few.T], ddof=1))
    assert found.different == 3
    assert found.dsr == pytest.approx(dsr(of, 3, variance), abs=0.01)


def test_a_clusters_record_weighs_its_trials_by_the_inverse_of_their_variance():
    quiet, loud = np.array([0.01, -0.01, 0.02, 0.0]), np.array([0.1, 0.2, -0.3, 0.0])
    weights = 1 / np.array([quiet.var(), loud.var()])
    expected = (quiet * weights[0] + loud * weights[1]) / weights.sum()
    assert joined(np.column_stack([quiet, loud])) == pytest.approx(expected)


def test_trials_that_never_traded_are_one_cluster_apart_from_the_others():
    trials = np.column_stack([np.zeros((500, 2)), blocks((3,))])
    assert clusters(trials).tolist() == [0, 0, 2, 2, 2]
    assert not joined(trials[:, :2]).any()
