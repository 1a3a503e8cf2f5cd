"""Walk forward month by month: features once, a model a month, predictions that nobody could have peeked at.

Only the training rows of the last 18 months and the panel of one month are in memory. A month's model is kept
in a `FoldStore` under the digest of its rows and preset, so an interrupted walk resumes and a changed bar
retrains.
"""

import hashlib
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trading.clock import DAY_H
from trading.errors import UsageError
from trading.features.compute import Panel, compute
from trading.features.library import LOOKBACK
from trading.market import Flags, Floats, Grid
from trading.models.gradient_boosting import HOLD_H, Boosted, Preset, fit, fold_key
from trading.models.labels import HORIZONS_H, labels
from trading.models.protocol import FoldStore, Predictions, nothing
from trading.models.rows import Features, Rows
from trading.models.splits import Fold, SplitRules, month_of, month_start, walk_forward
from trading.universe import Reason, Universe

STRIDE_H = 3
HISTORY_H_MIN = 365 * DAY_H
"""An instrument teaches once its history is this long; younger ones are predicted all the same."""
ROWS_MIN = 2_000
"""Fewer training or calibration rows than this teach nothing: the month has no predictions."""

Progress = Callable[[int, int], None]


class Market(NamedTuple):
    """What a walk-forward reads, one row an hour."""

    grid: Grid
    eligible: Flags
    """The universe, for market breadth."""
    sample: Flags
    """Rows that may be trained on."""


class Month(NamedTuple):
    """The features of one month, or of the part of it that is known."""

    first: int
    """Asof of the panel's first row."""
    panel: Panel

    @property
    def hours(self) -> int:
        return int(self.panel.values.shape[1])

    @property
    def end(self) -> int:
        return self.first + self.hours

    @property
    def names(self) -> tuple[str, ...]:
        return self.panel.names + self.panel.market_names

    @property
    def sigma_24(self) -> Floats:
        return self.panel.column("sigma_24")


def training_sample(grid: Grid, universe: Universe, unusable: Flags) -> Flags:
    """Rows fit for training: old enough, not excluded, alive, usable; volume and spread do not matter.

    All arrays are (hours, instruments); `unusable` is the data-quality mask.
    """
    out = (Reason.NOT_LISTED, Reason.EXCLUDED, Reason.STALE, Reason.TOO_YOUNG)
    sample = np.zeros(grid.close.shape, dtype=bool)
    start = universe.day_first - grid.first
    held = np.repeat(~np.isin(universe.reason, out), DAY_H, axis=0)
    sample[start:] = held[: grid.hours - start]
    return sample & ~unusable


def walkforward(
    market: Market,
    first: int,
    last: int,
    store: FoldStore,
    progress: Progress,
    rules: SplitRules | None = None,
    preset: Preset | None = None,
) -> Predictions:
    """Predictions for asof hours first..last, whole months at a time, from models that knew nothing later.

    Needs `LOOKBACK` hours and `train_months_min` months of rows before `first`; hours without them are NaN.
    `progress(done, total)` is called after every month. Hours outside the grid are a `UsageError`.
    """
    if not market.grid.first <= first <= last <= market.grid.last:
        raise UsageError(f"predictions for hours {first}..{last} need bars up to the last of them")
    rules, preset = rules or SplitRules(), preset or Preset()
    predictions = nothing(first, last - first + 1, len(market.grid.instruments))
    begin = max(month_start(month_of(first) - rules.train_months), market.grid.first + LOOKBACK - 1)
    folds = {month_of(fold.test_first): fold for fold in walk_forward(begin, last, rules)}
    months = range(month_of(begin), month_of(last) + 1)
    taught: deque[Rows] = deque(maxlen=rules.train_months)
    release = hashlib.sha256()
    for done, number in enumerate(months, 1):
        month = _month(market, max(month_start(number), begin), min(month_start(number + 1) - 1, last))
        model = None
        if number in folds and month.end > first:
            model = _model(folds[number], list(taught), market.grid, month.names, store, preset, release)
        if model is not None:
            _predict(model, month, predictions)
        taught.append(_rows(market, month))
        progress(done, len(months))
    return predictions._replace(release=f"lightgbm-{release.hexdigest()[:16]}")


def _month(market: Market, first: int, last: int) -> Month:
    """Features of asof hours first..last."""
    grid = market.grid
    start = max(first - LOOKBACK + 1, grid.first)
    eligible = market.eligible[start - grid.first : last + 1 - grid.first]
    return Month(first, compute(grid.rows(start, last + 1), eligible, first - start))


def _model(
    fold: Fold,
    taught: list[Rows],
    grid: Grid,
    names: tuple[str, ...],
    store: FoldStore,
    preset: Preset,
    release: "hashlib._Hash",
) -> Boosted | None:
    """The fold's model, loaded or trained and saved; None where there is too little to learn from."""
    rows = Rows._make(np.concatenate(parts) for parts in zip(*taught, strict=True))
    known = np.argmax(grid.valid, axis=0) + grid.first
    rows = rows.take(known[rows.column] + HISTORY_H_MIN <= fold.trained_through)
    label_end = rows.asof + max(HORIZONS_H)
    train = rows.take(fold.fits(rows.asof, label_end))
    calibrate = rows.take(fold.calibrates(rows.asof, label_end))
    settled = fold.calibrates(calibrate.asof, calibrate.asof + HOLD_H)
    calibrate = calibrate._replace(held=np.where(settled, calibrate.held, np.nan))
    if min(train.asof.size, calibrate.asof.size) < ROWS_MIN:
        return None
    key = fold_key(train, calibrate, fold.trained_through, names, preset)
    release.update(key.encode())
    content = store.load(key)
    if content is None:
        content = fit(train, calibrate, fold.trained_through, preset).dump()
        store.save(key, content)
    return Boosted.parse(content)


def _rows(market: Market, month: Month) -> Rows:
    """Training rows of a month: every third hour, sampled, with every label settled inside the grid."""
    grid = market.grid
    row = month.first - grid.first
    window = grid.rows(month.first, min(month.end + HOLD_H + 1, grid.last + 1))
    sigma = np.full(window.close.shape, np.nan)
    sigma[: month.hours] = month.sigma_24
    *labelled, hold = labels(window, (*HORIZONS_H, HOLD_H), sigma)
    on_stride = (month.first + np.arange(month.hours)) % STRIDE_H == 0
    keep = market.sample[row : row + month.hours] & on_stride[:, None]
    for label in labelled:
        keep &= ~np.isnan(label.scaled[: month.hours])
    t, a = np.nonzero(keep)
    return Rows(
        asof=month.first + t.astype(np.int64),
        column=a.astype(np.int16),
        features=_matrix(month.panel, t, a),
        sigma_24=sigma[t, a],
        returns=np.column_stack([label.returns[t, a] for label in labelled]),
        scaled=np.column_stack([label.scaled[t, a] for label in labelled]),
        held=hold.returns[t, a],
    )


def _predict(model: Boosted, month: Month, predictions: Predictions) -> None:
    """Fill in the month's hours that are wanted, wherever volatility is known."""
    skip = max(predictions.first - month.first, 0)
    t, a = np.nonzero(~np.isnan(month.sigma_24))
    t, a = t[t >= skip], a[t >= skip]
    chances, expected = model.predict(month.first + skip, _matrix(month.panel, t, a), month.sigma_24[t, a])
    row = t + month.first - predictions.first
    for column, p in zip((predictions.p1, predictions.p4, predictions.p24), chances, strict=True):
        column[row, a] = p
    of_horizons = (predictions.e1, predictions.e4, predictions.e24, predictions.e_hold)
    for column, e in zip(of_horizons, expected, strict=True):
        column[row, a] = e
    hours = slice(month.first + skip - predictions.first, month.end - predictions.first)
    predictions.trained_through[hours] = model.trained_through


def _matrix(panel: Panel, t: NDArray[np.int64], a: NDArray[np.int64]) -> Features:
    """Features of the hours t and instruments a, market-wide ones last; float32, as every model sees them."""
    own = panel.values[:, t, a].astype(np.float32)
    shared = panel.market[:, t].astype(np.float32)
    return np.ascontiguousarray(np.concatenate((own, shared)).T)
