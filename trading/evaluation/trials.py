"""How many trials were really different: those whose returns move together count once.

Trials are joined by average linkage over sqrt((1 - rho) / 2), and cut into the number of clusters whose
silhouettes have the highest mean over deviation. A cluster's record is the mean of its trials, each by the
inverse of its variance; the deflated Sharpe ratio then counts clusters, with the variance across theirs.

Sources: López de Prado and Lewis, Detection of False Investment Strategies Using Unsupervised Learning
Methods, Quantitative Finance 19 (2019), which cuts by k-means; Rousseeuw, Silhouettes, J. of Comp. and
Applied Math. 20 (1987).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trading.ledger.performance import Floats
from trading.ledger.statistics import Moments, dsr, moments

ALIKE = 1e-6
"""Trials all closer than this are one."""
Labels = NDArray[np.int64]


class Effective(NamedTuple):
    """The trials of a suite whose daily returns are known, clustered."""

    known: int
    labels: Labels
    """(known,): the first trial of each one's cluster."""
    dsr: float
    """Deflated Sharpe ratio that counts clusters."""

    @property
    def different(self) -> int:
        """N_eff."""
        return len(np.unique(self.labels))


def effective(trials: Floats, of: Moments) -> Effective:
    """Cluster daily returns (days, trials) and deflate the Sharpe ratio of `of` by the clusters."""
    labels = clusters(trials)
    ratios = [moments(joined(trials[:, labels == one])).sharpe for one in np.unique(labels)]
    variance = float(np.var(ratios, ddof=1)) if len(ratios) > 1 else None
    return Effective(trials.shape[1], labels, dsr(of, len(ratios), variance))


def joined(trials: Floats) -> Floats:
    """One record (days,) of a cluster (days, trials); trials that never moved weigh nothing beside others."""
    variance = trials.var(axis=0)
    weights = np.divide(1.0, variance, out=np.zeros_like(variance), where=variance > 0.0)
    mean: Floats = trials @ weights / max(float(weights.sum()), 1e-300)
    return mean


def clusters(trials: Floats) -> Labels:
    """The first trial of each one's cluster, (trials,)."""
    away = distances(trials)
    best, found = -np.inf, np.zeros(len(away), dtype=np.int64)
    if away.max() < ALIKE:
        return found
    for labels in linked(away):
        if 1 < len(np.unique(labels)) < len(away):
            widths = silhouettes(away, labels)
            quality = float(widths.mean() / max(float(widths.std()), ALIKE))
            if quality > best:
                best, found = quality, labels
    return found if best > -np.inf else np.arange(len(away))


def distances(trials: Floats) -> Floats:
    """(trials, trials); those that never moved are alike, and unrelated to the others."""
    spread = trials.std(axis=0)
    still = spread == 0.0
    scores = (trials - trials.mean(axis=0)) / np.where(still, 1.0, spread)
    rho = np.clip(scores.T @ scores / len(trials), -1.0, 1.0)
    rho[np.ix_(still, still)] = 1.0
    np.fill_diagonal(rho, 1.0)
    return np.asarray(np.sqrt((1.0 - rho) / 2.0))


def linked(away: Floats) -> list[Labels]:
    """Labels after each merge of average linkage, from all apart to all in one; ties take the first pair."""
    count = len(away)
    labels, steps = np.arange(count), []
    for _ in range(count - 1):
        names = np.unique(labels)
        member = (labels[None, :] == names[:, None]).astype(np.float64)
        sizes = member.sum(axis=1)
        between = member @ away @ member.T / np.outer(sizes, sizes)
        between[np.tril_indices(len(names))] = np.inf
        left, right = np.unravel_index(int(between.argmin()), between.shape)
        labels = np.where(labels == names[right], names[left], labels)
        steps.append(labels)
    return steps


def silhouettes(away: Floats, labels: Labels) -> Floats:
    """(trials,): how much nearer the own cluster is than the next, in -1..1; 0 for a trial alone."""
    names, own = np.unique(labels, return_inverse=True)
    member = (own[:, None] == np.arange(len(names))[None, :]).astype(np.float64)
    totals, sizes, every = away @ member, member.sum(axis=0), np.arange(len(away))
    inside = totals[every, own] / np.maximum(sizes[own] - 1.0, 1.0)
    others = totals / sizes
    others[every, own] = np.inf
    nearest = others.min(axis=1)
    greater = np.maximum(inside, nearest)
    widths = np.divide(nearest - inside, greater, out=np.zeros_like(greater), where=greater > 0.0)
    return np.asarray(np.where(sizes[own] > 1.0, widths, 0.0))
