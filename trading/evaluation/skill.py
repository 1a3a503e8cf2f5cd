"""How good probabilities and expected returns were, beside the rate of rises that was known at the time."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trading.clock import DAY_H
from trading.evaluation.days import Estimate, Hours, correlation, mean, rank_correlation, slope
from trading.market import Floats

BINS = 10
P_MIN = 1e-6
BLOCK_D = 10
REPETITIONS = 400
SEED = 20_190_601
TAIL = 0.05


class Said(NamedTuple):
    """One model at one horizon and what came of it; all (rows,), sorted by asof."""

    asof: Hours
    p: Floats
    e: Floats
    """Expected log return."""
    returns: Floats
    unit: Floats
    """Volatility expected over the horizon: returns are compared in this unit."""
    base: Floats
    """The rolling rate of rises, known at asof."""

    def take(self, keep: NDArray[np.bool_]) -> "Said":
        return Said._make(part[keep] for part in self)

    @property
    def up(self) -> Floats:
        return (self.returns > 0.0).astype(np.float64)


class Skill(NamedTuple):
    """The figures of one model at one horizon; None where a figure has no meaning."""

    rows: int
    brier_skill: float | None
    """1 - Brier score / that of the rolling rate."""
    log_skill: float | None
    """The same of log loss."""
    gain: Estimate | None
    """Mean Brier score of the rolling rate less the model's: Diebold and Mariano's difference."""
    ece: float
    """Expected calibration error over ten bins of equal mass."""
    reliability: Estimate | None
    """Slope of outcomes on probabilities: 1 is calibrated."""
    ic: Estimate | None
    """Correlation of expected and realised returns in units of their volatility."""
    rank_ic: Estimate | None
    """Spearman's, across the coins of an hour, averaged."""
    r_squared: float | None
    """Of expected returns, against expecting zero."""
    e_slope: Estimate | None
    """Slope of realised on expected returns."""


def measure(said: Said) -> Skill:
    """All figures of at least one row."""
    up, r, e = said.up, said.returns, said.e
    brier, base = (said.p - up) ** 2, (said.base - up) ** 2
    squares = float(np.sum(r * r))
    return Skill(
        rows=len(up),
        brier_skill=_skill(brier, base),
        log_skill=_skill(log_losses(said.p, up), log_losses(said.base, up)),
        gain=mean(base - brier, said.asof),
        ece=calibration_error(said.p, up),
        reliability=slope(said.p, up, said.asof),
        ic=correlation(e / said.unit, r / said.unit, said.asof),
        rank_ic=rank_correlation(e / said.unit, r / said.unit, said.asof),
        r_squared=1.0 - float(np.sum((r - e) ** 2)) / squares if squares > 0.0 else None,
        e_slope=slope(e, r, said.asof),
    )


def _skill(losses: Floats, base: Floats) -> float | None:
    reference = float(base.mean())
    return 1.0 - float(losses.mean()) / reference if reference > 0.0 else None


def log_losses(p: Floats, up: Floats) -> Floats:
    """-ln of the probability given to what happened, each row."""
    told = np.where(up > 0.5, p, 1.0 - p)
    return np.asarray(-np.log(np.maximum(told, P_MIN)), dtype=np.float64)


def bins(values: Floats) -> NDArray[np.int64]:
    """The bin of each value, of `BINS` of equal mass; equal values share a bin."""
    edges = np.quantile(values, np.arange(1, BINS) / BINS)
    return np.searchsorted(edges, values, side="left").astype(np.int64)


def calibration_error(p: Floats, up: Floats) -> float:
    """Mean |share of rises - mean probability| over bins, weighted by their rows."""
    place = bins(p)
    miss = np.bincount(place, weights=up - p, minlength=BINS)
    return float(np.abs(miss).sum()) / len(p)


def calibration_interval(said: Said) -> tuple[float, float]:
    """90 % interval of the calibration error: blocks of ten days resampled, all coins together.

    A resampled error is never below what noise alone gives, so the interval lies high: it errs on the safe
    side.
    """
    day = said.asof // DAY_H - said.asof.min() // DAY_H
    days = int(day.max()) + 1
    at = day * BINS + bins(said.p)
    miss = np.bincount(at, weights=said.up - said.p, minlength=days * BINS).reshape(days, BINS)
    count = np.bincount(day, minlength=days)
    random, blocks = np.random.default_rng(SEED), -(-days // BLOCK_D)
    draws = []
    for _ in range(REPETITIONS):
        start = random.integers(days, size=(blocks, 1))
        chosen = ((start + np.arange(BLOCK_D)) % days).ravel()[:days]
        rows = max(int(count[chosen].sum()), 1)
        draws.append(float(np.abs(miss[chosen].sum(axis=0)).sum()) / rows)
    low, high = np.quantile(draws, [TAIL, 1.0 - TAIL])
    return float(low), float(high)


class Bin(NamedTuple):
    """One tenth of the rows."""

    rows: int
    told: float
    """Mean of what was said."""
    came: Estimate | None
    """Mean of what came of it."""


def by_bin(values: Floats, outcomes: Floats, asof: Hours) -> list[Bin]:
    """Outcomes by tenths of what was said, the lowest first; empty ones are left out."""
    place = bins(values)
    inside = (place == k for k in range(BINS))
    return [
        Bin(int(rows.sum()), float(values[rows].mean()), mean(outcomes[rows], asof[rows]))
        for rows in inside
        if rows.any()
    ]


def daily_gain(losses: Floats, asof: Hours) -> tuple[Hours, Floats]:
    """Days (since the epoch) and the sum of row means up to each: the path of a difference over time."""
    day, position = np.unique(asof // DAY_H, return_inverse=True)
    daily = np.bincount(position, weights=losses) / np.bincount(position)
    return day, np.cumsum(daily)
