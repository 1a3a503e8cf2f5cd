"""The meta-learner: what the five learners and the regime say together, six outputs and a veto.

P_h   an L2 logistic on the learners' log odds, non-negative and shrunk toward equal weights, with the regime,
      disagreement, volatility, bitcoin's slope, and regime times mean log odds beside them; calibrated later.
E_h   a non-negative ridge on the learners' z less their means in the fitting block (the mean is the drift of
      those months, not skill), shrunk by how sure its slope is on later rows.

Fitted on the prediction log from T - 12 months to T - 3 months, calibrated on the three months before T, both
purged; nothing is fitted again afterwards. A learner of weight zero stays in the log.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from trading.clock import DAY_H
from trading.codes import BUCKET
from trading.market import Floats
from trading.models.artefact import Artefact
from trading.models.calibration import P_MAX, P_MIN, Buckets, Curve, buckets, curve, logistic, shrunk_slope
from trading.models.labels import HORIZONS_H
from trading.models.regime import CRASH, HIGH_VOL, TRENDING
from trading.models.splits import Fold
from trading.models.weights import row_weights

DAY = HORIZONS_H.index(DAY_H)
HOLD_H = 72
"""The planned hold: the cost gate compares what it may return, since costs are paid once a hold."""
HOLD_SLOPE_MAX = 2.5
SHRINK = 2.0
"""Pull of a learner's weight toward 1 / learners, in independent outcomes times variance."""
SHRINK_BESIDE = 100.0
"""Pull of everything else, standardised, toward zero."""
SHOWN = (TRENDING, HIGH_VOL, CRASH)
"""Regimes with a coefficient; range is what is left."""
ROWS_MIN = 500
STEPS_MAX, SWEEPS_MAX = 30, 200


class Evidence(NamedTuple):
    """Rows of the prediction log in which every learner has spoken, sorted by asof and column."""

    asof: NDArray[np.int64]
    column: NDArray[np.int16]
    logits: Floats
    """(rows, learners, horizons)."""
    z: Floats
    """(rows, learners, horizons)."""
    regimes: Floats
    """(rows, classes)."""
    sigma_24: Floats
    slope: Floats
    """bitcoin's slope over a week, (rows,), 0 where unknown."""
    returns: Floats
    """(rows, horizons), NaN where not settled."""
    held: Floats

    def take(self, keep: NDArray[np.bool_]) -> "Evidence":
        return Evidence._make(part[keep] for part in self)


class Head(NamedTuple):
    """One horizon."""

    weights: Floats
    """On the learners' log odds, (learners,)."""
    beside: Floats
    """On the standardised rest, (columns,)."""
    intercept: float
    curve: Curve
    sizes: Floats
    """On the learners' centred z, (learners,)."""
    centres: Floats
    slope: float
    """What is left of an expected return after shrinking."""


class Stack(NamedTuple):
    """A fitted meta-learner."""

    learners: tuple[str, ...]
    trained_through: int
    means: Floats
    """Of the columns beside the log odds, for each horizon; (horizons, columns)."""
    widths: Floats
    heads: tuple[Head, ...]
    hold_slope: float
    buckets: Buckets

    def artefact(self, meta: dict[str, Any]) -> Artefact:
        """All numbers as JSON; there is no graph."""
        heads = [{**head._asdict(), "curve": head.curve._asdict()} for head in self.heads]
        numbers = {**self._asdict(), "heads": heads, "buckets": self.buckets._asdict()}
        return Artefact("stack", meta | plain(numbers), {})

    @classmethod
    def parse(cls, artefact: Artefact) -> "Stack":
        meta = artefact.meta
        heads = tuple(
            Head(
                weights=np.array(head["weights"]),
                beside=np.array(head["beside"]),
                intercept=head["intercept"],
                curve=Curve(np.array(head["curve"]["at"]), np.array(head["curve"]["p"])),
                sizes=np.array(head["sizes"]),
                centres=np.array(head["centres"]),
                slope=head["slope"],
            )
            for head in meta["heads"]
        )
        return cls(
            learners=tuple(meta["learners"]),
            trained_through=meta["trained_through"],
            means=np.array(meta["means"]),
            widths=np.array(meta["widths"]),
            heads=heads,
            hold_slope=meta["hold_slope"],
            buckets=Buckets(np.array(meta["buckets"]["edges"]), np.array(meta["buckets"]["open"])),
        )

    def predict(self, asked: Evidence) -> dict[str, Floats]:
        """p1, p4, p24, e1, e4, e24, e_hold and veto of every row, the same bits for any number of rows."""
        outputs: dict[str, Floats] = {}
        raw = np.zeros(len(asked.asof))
        for h, (horizon_h, head) in enumerate(zip(HORIZONS_H, self.heads, strict=True)):
            rest = (beside(asked, h) - self.means[h]) / self.widths[h]
            score = dot(asked.logits[:, :, h], head.weights) + dot(rest, head.beside) + head.intercept
            outputs[f"p{horizon_h}"] = head.curve.apply(score)
            unit = asked.sigma_24 * np.sqrt(horizon_h / DAY_H)
            raw = dot(asked.z[:, :, h] - head.centres, head.sizes) * unit
            outputs[f"e{horizon_h}"] = raw * head.slope
        outputs["e_hold"] = raw * self.hold_slope
        outputs["veto"] = np.where(self.buckets.admits(raw), 0.0, float(BUCKET))
        return outputs


def plain(value: Any) -> Any:
    """Arrays and tuples as lists of numbers, for JSON."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, dict):
        return {key: plain(of) for key, of in value.items()}
    return [plain(of) for of in value] if isinstance(value, list | tuple) else value


def fit(evidence: Evidence, fold: Fold, learners: tuple[str, ...], stride_h: int) -> Stack | None:
    """Fit and calibrate; rows not settled a gap before their block ends teach nothing. None with too few."""
    settled = evidence.asof + max(HORIZONS_H)
    known = ~np.isnan(evidence.returns).any(axis=1)
    train = evidence.take(known & fold.fits(evidence.asof, settled))
    later = evidence.take(known & fold.calibrates(evidence.asof, settled))
    if min(train.asof.size, later.asof.size) < ROWS_MIN:
        return None
    means = np.array([beside(train, h).mean(axis=0) for h in range(len(HORIZONS_H))])
    widths = np.array([np.maximum(beside(train, h).std(axis=0), 1e-6) for h in range(len(HORIZONS_H))])
    heads = tuple(
        _head(h, train, later, means[h], widths[h], fold.test_first, stride_h) for h in range(len(HORIZONS_H))
    )
    day = heads[DAY]
    expected = dot(later.z[:, :, DAY] - day.centres, day.sizes) * later.sigma_24
    settled_hold = fold.calibrates(later.asof, later.asof + HOLD_H) & ~np.isnan(later.held)
    hold = shrunk_slope(
        expected[settled_hold],
        later.held[settled_hold],
        row_weights(later.asof[settled_hold], HOLD_H, fold.test_first),
        later.asof[settled_hold],
        HOLD_H + DAY_H,
        HOLD_SLOPE_MAX,
    )
    return Stack(
        learners=learners,
        trained_through=fold.trained_through,
        means=means,
        widths=widths,
        heads=heads,
        hold_slope=min(hold, HOLD_SLOPE_MAX * day.slope),
        buckets=buckets(expected, later.returns[:, DAY], later.asof, 2 * DAY_H),
    )


def _head(
    h: int, train: Evidence, later: Evidence, means: Floats, widths: Floats, now: int, stride_h: int
) -> Head:
    """One horizon: fit on the earlier block, calibrate on the later one."""
    horizon_h = HORIZONS_H[h]
    # Rows are taken every `stride_h` hours: times that, weights of overlapping labels add up to outcomes.
    weights = row_weights(train.asof, horizon_h, now) * min(stride_h, horizon_h)
    logits, rest = train.logits[:, :, h], (beside(train, h) - means) / widths
    up = (train.returns[:, h] > 0).astype(np.float64)
    models, extra = logits.shape[1], rest.shape[1]
    prior = np.concatenate((np.full(models, 1.0 / models), np.zeros(extra + 1)))
    pull = np.concatenate((np.full(models, SHRINK), np.full(extra, SHRINK_BESIDE), [1e-6]))
    free = np.arange(prior.size) >= models
    design = np.column_stack((logits, rest, np.ones(up.size)))
    theta = nonnegative_logistic(design, up, weights, prior, pull, free)
    z = train.z[:, :, h]
    centres = np.average(z, axis=0, weights=weights)
    unit = train.sigma_24 * np.sqrt(horizon_h / DAY_H)
    sizes = nonnegative_ridge(z - centres, train.returns[:, h] / unit, weights, prior[:models], pull[:models])

    judged = row_weights(later.asof, horizon_h, now)
    rose = (later.returns[:, h] > 0).astype(np.float64)
    scored = dot(later.logits[:, :, h], theta[:models])
    scored += dot((beside(later, h) - means) / widths, theta[models:-1]) + theta[-1]
    base_rate = float(np.clip(np.average(up, weights=weights), P_MIN, P_MAX))
    expected = dot(later.z[:, :, h] - centres, sizes) * later.sigma_24 * np.sqrt(horizon_h / DAY_H)
    realised = later.returns[:, h]
    return Head(
        weights=theta[:models],
        beside=theta[models:-1],
        intercept=float(theta[-1]),
        curve=curve(scored, rose, judged, base_rate, later.asof, later.column, realised, horizon_h),
        sizes=sizes,
        centres=centres,
        slope=shrunk_slope(expected, realised, judged, later.asof, horizon_h + DAY_H),
    )


def beside(rows: Evidence, h: int) -> Floats:
    """(rows, columns): regimes, disagreement, log volatility, bitcoin's slope, regime times mean log odds."""
    logits = rows.logits[:, :, h]
    models = logits.shape[1]
    mean = dot(logits, np.full(models, 1.0 / models))
    spread = np.sqrt(dot((logits - mean[:, None]) ** 2, np.full(models, 1.0 / models)))
    shown = rows.regimes[:, list(SHOWN)]
    return np.column_stack((shown, spread, np.log(rows.sigma_24), rows.slope, shown * mean[:, None]))


def dot(columns: Floats, weights: Floats) -> Floats:
    """(rows, columns) times (columns,), column by column: a matrix product's bits depend on its shape."""
    total = np.zeros(len(columns))
    for k in range(columns.shape[1]):
        total = total + columns[:, k] * weights[k]
    return total


def nonnegative_logistic(
    design: Floats, up: Floats, weights: Floats, prior: Floats, pull: Floats, free: NDArray[np.bool_]
) -> Floats:
    """Coefficients (columns,) of a weighted logistic pulled toward `prior`, >= 0 where not `free`."""
    theta = prior.copy()
    for _ in range(STEPS_MAX):
        p = logistic(design @ theta)
        curvature = (design * (weights * p * (1.0 - p))[:, None]).T @ design + np.diag(pull)
        downhill = design.T @ (weights * (up - p)) - pull * (theta - prior)
        moved = _nonnegative(curvature, downhill + curvature @ theta, theta, free)
        if np.abs(moved - theta).max() < 1e-9:
            return moved
        theta = moved
    return theta


def nonnegative_ridge(z: Floats, target: Floats, weights: Floats, prior: Floats, pull: Floats) -> Floats:
    """Coefficients (columns,) >= 0 of a weighted least-squares fit pulled toward `prior`."""
    curvature = (z * weights[:, None]).T @ z + np.diag(pull)
    linear = z.T @ (weights * target) + pull * prior
    return _nonnegative(curvature, linear, prior, np.zeros(prior.size, dtype=bool))


def _nonnegative(curvature: Floats, linear: Floats, start: Floats, free: NDArray[np.bool_]) -> Floats:
    """The x that minimises x'Cx / 2 - b'x with x >= 0 where not `free`, one coordinate after the other."""
    x = start.copy()
    for _ in range(SWEEPS_MAX):
        before = x.copy()
        for k in range(x.size):
            step = (linear[k] - curvature[k] @ x) / curvature[k, k]
            x[k] = x[k] + step if free[k] else max(0.0, x[k] + step)
        if np.abs(x - before).max() < 1e-12:
            break
    return x
