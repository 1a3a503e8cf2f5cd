"""Does the future reach a decision? Asked of features, fits, predictions and orders, on bars and in worlds.

The models are those of the walk at the preset `smoke`: a leak is a property of the code, not of its size. A
suite that finds nothing proves little unless it finds what was planted, so it must also see an edge that is
there, and features that show the next bar must explode.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from trading.clock import DAY_H
from trading.errors import DataError
from trading.evaluation.checks import Check, at_least, at_most
from trading.evaluation.worlds import moves, seen, world
from trading.features.library import LOOKBACK
from trading.ledger.statistics import dsr, moments
from trading.market import Floats, Grid
from trading.models.families import FAMILIES, Asked, seed_of
from trading.models.history import History
from trading.models.labels import HORIZONS_H
from trading.models.presets import preset
from trading.models.rows import Features
from trading.models.runtime import Runtime
from trading.models.splits import Fold, base_folds

SEED = 20_190_601
HOURS_ALONE = 40
DRAWS = 20
WORLDS = 20
MOMENTUM = 0.6
COST = 0.009
"""A round trip: fees, spread and slippage of both sides."""
SHIFTS_H = (1, 2, 6, 24)
LEARNER = "lightgbm"
"""The quickest learner stands for all where many fits are needed."""
HOUR, DAY = HORIZONS_H.index(1), HORIZONS_H.index(DAY_H)
EXPLODES = 0.5
SIZE = preset("smoke")

See = Callable[[Grid], History]
Beat = Callable[[str], None]


class Leakage(NamedTuple):
    """What was asked and found."""

    checks: list[Check]
    shuffled: list[float]
    """Correlations at 24 h of learners taught shuffled labels."""
    paid: list[float]
    """What a day's trade of each of them kept beyond the market's own day, after `COST`."""
    honest: float
    """Of the learner taught the true ones."""
    shifts: list[tuple[int, float, float]]
    """Bars that features lag by (-1: they lead), and the correlations at 1 and 24 h."""
    dsr: list[float]
    """Deflated Sharpe ratios of worlds without an edge."""


def leakage(grid: Grid, families: Iterable[str], beat: Beat, see: See = seen) -> Leakage:
    """The whole suite on a window of bars; `see` turns bars into rows."""
    hours, planted = moves(grid), SEED + 1
    checks = [*alone(grid, see, beat), *perturbed(grid, families, see, beat)]
    beat("planting an edge")
    edge = see(world(grid, hours, planted, MOMENTUM))
    fold = fold_of(edge)
    found, paid = shuffles(edge, fold, beat)
    honest = correlation(edge, DAY, answers(edge, fold, LEARNER))
    nature = planted_correlation(edge, fold)
    checks += [
        at_most("mean correlation of 20 label shuffles, in errors", from_zero(found), 2.0, "{:.2f}"),
        at_most(
            "what their trades keep beyond the market, less its cost, in errors from minus the cost",
            from_zero([net + COST for net in paid]),
            2.0,
            "{:.2f}",
        ),
        at_least("the true labels' beyond their 95th percentile", honest, float(np.quantile(found, 0.95))),
        at_least("planted edge recovered, at least half of its correlation", honest, nature / 2),
    ]
    shifts = shifted(edge, fold, beat)
    checks += judged(shifts)
    luck = [lucky(see(world(grid, hours, SEED + 2 + i)), beat, i) for i in range(WORLDS)]
    share = sum(value >= 0.95 for value in luck) / WORLDS
    checks.append(at_most("share of worlds without an edge whose DSR reaches 0.95", share, 0.05, "{:.2f}"))
    return Leakage(checks, found, paid, honest, shifts, luck)


def fold_of(history: History) -> Fold:
    """The last whole month of a window, and what may teach about it."""
    folds = list(base_folds(history.first, history.last, 1, SIZE.walk))
    if not folds:
        raise DataError("the window has no month to predict")
    return folds[0]


def alone(grid: Grid, see: See, beat: Beat) -> list[Check]:
    """Features of hours seen with nothing but their window, against those of the whole grid, bit for bit."""
    whole, random = see(grid), np.random.default_rng(SEED)
    chosen = random.choice(np.arange(whole.first, whole.last + 1), HOURS_ALONE, replace=False)
    wrong = 0
    for done, asof in enumerate(sorted(int(hour) for hour in chosen)):
        beat(f"hours alone {done + 1}/{HOURS_ALONE}")
        window = see(grid.rows(asof - LOOKBACK + 1, asof + 1))
        wrong += not same(window.features[-1], whole.features[asof - whole.first])
    return [at_most(f"of {HOURS_ALONE} hours seen alone, those with other features", wrong, 0, "{:.0f}")]


def perturbed(grid: Grid, families: Iterable[str], see: See, beat: Beat) -> list[Check]:
    """Bars after the middle of the last month scrambled, then blanked: nothing before may move."""
    before = see(grid)
    fold = fold_of(before)
    since = (fold.test_first + fold.test_end) // 2
    after = see(spoilt(grid, since))
    rows = since - before.first
    checks = [_equal("features before the change", same(before.features[:rows], after.features[:rows]))]
    for name in families:
        beat(f"changing the future of {name}")
        one, two = (learned(history, fold, name) for history in (before, after))
        said = [_said_before(asked, since) for _, asked in (one, two)]
        checks.append(_equal(f"{name}: the fit", one[0] == two[0]))
        checks.append(_equal(f"{name}: predictions before the change", said[0] == said[1]))
    return checks


def _said_before(asked: Asked, since: int) -> bytes:
    """Every bit of what was said before an asof."""
    before = asked.asof < since
    parts: list[NDArray[Any]] = [asked.asof, asked.column, *asked.outputs.values()]
    return b"".join(np.ascontiguousarray(part[before]).tobytes() for part in parts)


def _equal(what: str, holds: bool) -> Check:
    return Check(f"{what}, when later bars change", "the same bits", "the same" if holds else "others", holds)


def same(one: Features, two: Features) -> bool:
    """Bit for bit, NaN included."""
    return (
        one.shape == two.shape and np.ascontiguousarray(one).tobytes() == np.ascontiguousarray(two).tobytes()
    )


def spoilt(grid: Grid, since: int) -> Grid:
    """Other bars from an asof on: scrambled, and nothing at all for the second half."""
    random, row = np.random.default_rng(SEED), since - grid.first
    blank = row + (grid.hours - row) // 2
    arrays = {}
    for name in ("open", "high", "low", "close", "volume"):
        array = getattr(grid, name).copy()
        array[row:] *= random.uniform(0.5, 2.0, array[row:].shape)
        array[blank:] = 0.0 if name == "volume" else np.nan
        arrays[name] = array
    return grid._replace(**arrays)


def learned(history: History, fold: Fold, name: str) -> tuple[str, Asked]:
    """A family's digest and answers for a fold."""
    family = FAMILIES[name]
    artefact = family.learn(history, fold, SIZE, seed_of(SIZE, fold), _unheard)
    if artefact is None:
        raise DataError(f"the window has too little to teach {name}")
    return artefact.digest, family.ask(history, fold, Runtime(artefact))


def _unheard(what: str) -> None:
    """Fits of this size take less than a breath."""


def answers(history: History, fold: Fold, name: str) -> Asked:
    return learned(history, fold, name)[1]


def correlation(history: History, h: int, asked: Asked) -> float:
    """Of z with what came, over the fold's month; 0 where nothing was told apart."""
    truth = history.scaled[asked.asof - history.first, asked.column, h]
    return _correlation(asked.outputs[f"z{HORIZONS_H[h]}"], truth)


def _correlation(told: Floats, truth: Floats) -> float:
    known = ~np.isnan(truth) & ~np.isnan(told)
    if known.sum() < 2 or told[known].std() == 0.0:
        return 0.0
    return float(np.corrcoef(told[known], truth[known])[0, 1])


def planted_correlation(history: History, fold: Fold) -> float:
    """Of the planted cause itself, the mean hour of the day before, with the day that follows."""
    span = history.slice(fold.test_first, fold.test_end)
    cause = history.features[span, :, history.names.index("ret_24h")].astype(np.float64)
    return _correlation((cause / history.sigma_24[span]).ravel(), history.scaled[span, :, DAY].ravel())


def shuffles(history: History, fold: Fold, beat: Beat) -> tuple[list[float], list[float]]:
    """Of learners taught labels whose days are permuted: correlations, and what their trades kept."""
    random, found, paid = np.random.default_rng(SEED), [], []
    span = history.slice(fold.fit_first, fold.test_first - fold.gap_h)
    days = (span.stop - span.start) // DAY_H
    rows = slice(span.start, span.start + days * DAY_H)
    for draw in range(DRAWS):
        beat(f"shuffling labels {draw + 1}/{DRAWS}")
        order = (random.permutation(days)[:, None] * DAY_H + np.arange(DAY_H)).ravel() + span.start
        returns, scaled = np.array(history.returns), np.array(history.scaled)
        returns[rows], scaled[rows] = returns[order], scaled[order]
        taught = answers(history._replace(returns=returns, scaled=scaled), fold, LEARNER)
        found.append(correlation(history, DAY, taught))
        _, bought, came = midnights(history, taught)
        paid.append(float(came[bought].mean() - came.mean()) - COST if bought.any() else -COST)
    return found, paid


def from_zero(values: list[float]) -> float:
    """How many standard errors the mean lies from zero."""
    error = float(np.std(values, ddof=1)) / np.sqrt(len(values))
    return abs(float(np.mean(values))) / error if error > 0.0 else 0.0


def midnights(history: History, asked: Asked) -> tuple[NDArray[np.int64], NDArray[np.bool_], Floats]:
    """Asof of the answers at midnight, which of them should rise, and what the next day returned."""
    midnight = asked.asof % DAY_H == 0
    came = np.nan_to_num(history.returns[asked.asof - history.first, asked.column, DAY])[midnight]
    return asked.asof[midnight], asked.outputs[f"z{DAY_H}"][midnight] > 0.0, np.expm1(came)


def shifted(history: History, fold: Fold, beat: Beat) -> list[tuple[int, float, float]]:
    """Correlations when every feature is older by some bars, and when it shows the next bar."""
    found = []
    for bars in (-1, 0, *SHIFTS_H):
        beat(f"features {bars} bars late")
        moved = np.full_like(history.features, np.nan)
        if bars < 0:
            moved[:bars] = history.features[-bars:]
        else:
            moved[bars:] = history.features[: len(moved) - bars]
        asked = answers(history._replace(features=moved), fold, LEARNER)
        found.append((bars, correlation(history, HOUR, asked), correlation(history, DAY, asked)))
    return found


def judged(shifts: list[tuple[int, float, float]]) -> list[Check]:
    """What the shifts have to show."""
    hour = {bars: ic for bars, ic, _ in shifts}
    day = {bars: ic for bars, _, ic in shifts}
    return [
        at_least("features that show the next bar explode: correlation at 1 h", hour[-1], EXPLODES),
        at_most("... and the honest ones do not", hour[0], EXPLODES / 2),
        at_most("features a day old know less than fresh ones, 24 h", day[max(SHIFTS_H)], day[0]),
    ]


def lucky(history: History, beat: Beat, run: int) -> float:
    """The deflated Sharpe ratio of buying, each midnight for a day, what should rise; no costs."""
    beat(f"worlds without an edge {run + 1}/{WORLDS}")
    fold = fold_of(history)
    asof, bought, came = midnights(history, answers(history, fold, LEARNER))
    day = (asof - fold.test_first) // DAY_H
    daily = np.bincount(day, weights=np.where(bought, came, 0.0)) / len(history.instruments)
    return dsr(moments(daily), WORLDS)


def early(said: Mapping[str, pl.DataFrame], gap_h: int) -> Check:
    """Rows of the log from models that may know their outcome."""
    late = sum(
        frame.filter(pl.col("trained_through") + gap_h > pl.col("asof")).height for frame in said.values()
    )
    total = sum(frame.height for frame in said.values())
    name = f"of {total:,} rows of the log, those from a model that ended less than {gap_h} h before"
    return at_most(name, late, 0, "{:.0f}")
