"""P(up) without the drift of the months that taught it, beside the specification: Brier skill by horizon.

    python benchmarks/drift.py --home HOME [--venue binance] [--preset full] --from 2020-05-01 --to 2022-12-31

Research, not product: a candidate that `docs/governance/MODEL_ASSUMPTIONS.md` registers. The stack is fitted
again for every month of a finished walk, from its prediction log, with no intercept in its logistic or its
calibration; `t` is that of the mean difference of Brier scores, days as observations. Each run is a look at a
result: write it down.
"""

import argparse
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl

from adapters.evaluations import walked
from trading.clock import TradingHour
from trading.evaluation.days import mean
from trading.evaluation.outcomes import EVEN, Heard, heard
from trading.evaluation.skill import measure
from trading.market import Floats
from trading.models.calibration import P_MAX, P_MIN, logistic
from trading.models.evidence import evidence
from trading.models.families import DISSIMILARITY, FAMILIES, LEARNERS
from trading.models.labels import HORIZONS_H
from trading.models.prediction_log import STACK
from trading.models.presets import preset
from trading.models.splits import Fold, month_of, month_start, stack_folds
from trading.models.stacking import SHRINK, SHRINK_BESIDE, Evidence, beside, dot, nonnegative_logistic
from trading.models.weights import row_weights

ADDED = 20.0
"""Outcomes whose best slope is 1, added to those that calibrate."""
STEPS_MAX = 50


class Head(NamedTuple):
    """One horizon without drift."""

    means: Floats
    widths: Floats
    theta: Floats
    slope: float

    def score(self, rows: Evidence, h: int) -> Floats:
        rest = (beside(rows, h) - self.means) / self.widths
        models = rows.logits.shape[1]
        return dot(rows.logits[:, :, h], self.theta[:models]) + dot(rest, self.theta[models:])

    def predict(self, rows: Evidence, h: int) -> Floats:
        return np.clip(logistic(self.slope * self.score(rows, h)), P_MIN, P_MAX)


def fitted(h: int, rows: Evidence, fold: Fold, stride_h: int) -> Head:
    settled, known = rows.asof + max(HORIZONS_H), ~np.isnan(rows.returns).any(axis=1)
    train = rows.take(known & fold.fits(rows.asof, settled))
    later = rows.take(known & fold.calibrates(rows.asof, settled))
    means = beside(train, h).mean(axis=0)
    widths = np.maximum(beside(train, h).std(axis=0), 1e-6)
    design = np.column_stack((train.logits[:, :, h], (beside(train, h) - means) / widths))
    models = train.logits.shape[1]
    free = np.arange(design.shape[1]) >= models
    prior = np.where(free, 0.0, 1.0 / models)
    pull = np.where(free, SHRINK_BESIDE, SHRINK)
    up, weights = risen(train, h), weighed(train, h, fold, stride_h)
    head = Head(means, widths, nonnegative_logistic(design, up, weights, prior, pull, free), 1.0)
    score, judged = head.score(later, h), weighed(later, h, fold, stride_h)
    return head._replace(slope=slope_of(score, risen(later, h), judged))


def risen(rows: Evidence, h: int) -> Floats:
    return (rows.returns[:, h] > 0).astype(np.float64)


def weighed(rows: Evidence, h: int, fold: Fold, stride_h: int) -> Floats:
    """Weights that add up to outcomes."""
    return row_weights(rows.asof, HORIZONS_H[h], fold.test_first) * min(stride_h, HORIZONS_H[h])


def slope_of(score: Floats, up: Floats, weights: Floats) -> float:
    """Newton's method; the added outcomes lie as the others do, so their pull is that much curvature."""
    slope = 1.0
    for _ in range(STEPS_MAX):
        p = logistic(slope * score)
        curvature = float(np.sum(weights * p * (1 - p) * score**2))
        pull = ADDED * curvature / float(weights.sum())
        step = (float(np.sum(weights * (up - p) * score)) - pull * (slope - 1.0)) / (curvature + pull)
        slope += step
        if abs(step) < 1e-10:
            break
    return max(slope, 0.0)


def spoken(of: Heard, rows: Evidence, folds: list[Fold], stride_h: int) -> Floats:
    """P(up) of the candidate for every heard row, (rows, horizons)."""
    said = np.full((len(rows.asof), len(HORIZONS_H)), np.nan)
    for fold in folds:
        inside = (rows.asof >= fold.fit_first) & (rows.asof < fold.test_first)
        past = rows.take(inside & (rows.asof % stride_h == 0))
        asked = (rows.asof >= fold.test_first) & (rows.asof < fold.test_end)
        for h in range(len(HORIZONS_H)):
            said[asked, h] = fitted(h, past, fold, stride_h).predict(rows.take(asked), h)
    width = int(rows.column.max()) + 1
    order = {key: row for row, key in enumerate((rows.asof * width + rows.column).tolist())}
    return said[[order[key] for key in (of.asof * width + of.column).tolist()]]


def show(of: Heard, candidate: Floats) -> None:
    print(f"{'hours':>6}{'rows':>10}{'spec %':>9}{'even %':>9}{'drift-free %':>14}{'against spec, t':>17}")
    for h, horizon_h in enumerate(HORIZONS_H):
        spec, settled = of.said(STACK, h)
        other = spec._replace(p=candidate[settled, h])
        gain = mean((spec.p - spec.up) ** 2 - (other.p - spec.up) ** 2, spec.asof)
        skills = [100.0 * (measure(one).brier_skill or 0.0) for one in (spec, of.said(EVEN, h)[0], other)]
        t = gain.t if gain else float("nan")
        print(f"{horizon_h:6}{len(spec.asof):10,}{skills[0]:9.2f}{skills[1]:9.2f}{skills[2]:14.2f}{t:17.1f}")


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--home", type=Path, required=True)
    options.add_argument("--venue", default="binance")
    options.add_argument("--preset", default="full")
    options.add_argument("--from", dest="start", required=True)
    options.add_argument("--to", required=True)
    given = options.parse_args()
    first, last = (hour_of(text) for text in (given.start, given.to))
    of, walk = walked(given.home, given.venue, given.preset), preset(given.preset).walk
    begin = month_start(month_of(first) - walk.log_months)
    models = [name for name in FAMILIES if name != DISSIMILARITY] + [STACK]
    said = {name: of.log.read(name, begin, last + 23) for name in models}
    rows = evidence(said, LEARNERS, of.history, begin, last + 24)
    asked = {name: frame.filter(pl.col("asof") >= first) for name, frame in said.items()}
    judged = heard(asked, LEARNERS, of.history, first, last + 24)
    folds = list(stack_folds(begin, last + 23, walk))
    show(judged, spoken(judged, rows, folds, walk.stride_h))


def hour_of(text: str) -> int:
    return TradingHour.at(datetime.fromisoformat(text).replace(tzinfo=UTC)).number


if __name__ == "__main__":
    main()
