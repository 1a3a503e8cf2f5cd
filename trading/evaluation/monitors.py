"""Whether a release still does what it did when it was let in, watched on what it said and what came of it.

Bounds are fixed beforehand. Calibration: G. Brier (1950); the sum of misses against sup |W| of a Brownian
motion, 2.24 and 2.81 at 95 % and 99 %. Drift: the population stability index by deciles, 0.10 and 0.25 by
custom; what overlaps and trends inflates it, so an alert must also exceed the 95th percentile of the same
figure in the past. A monitor that has seen too little says so, and takes no action.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

import numpy as np

from trading.clock import DAY_H
from trading.evaluation.days import CONFIDENT, Estimate, Hours, mean
from trading.evaluation.lived import Costs, Forecasts, Gap
from trading.evaluation.skill import Said, measure
from trading.features.library import FEATURES
from trading.market import Floats
from trading.models.drift import TAUGHT_D_MIN, WINDOW_D, Drift, index

LONG_D, SHORT_D, DRIFT_D = 60, 30, WINDOW_D
HALF = 0.5
"""Of a window must be there before its monitor says anything."""
HORIZON_H = 24
"""What entries are judged by."""
SUM_WATCH, SUM_ALERT = 2.24, 2.81
DRIFT_WATCH, DRIFT_ALERT = 0.10, 0.25
DRIFT_PERCENTILE = 0.95
MOVED_SHARE = 0.5
"""Of the features beyond their own bounds at once: no market as it taught."""
MOVED_TIMES = 8.0
"""One feature's index over its own bound."""
MOVED_BEYOND = 0.5
"""Of one feature's rows outside the range that taught."""
SLOPE_LOW, SLOPE_HIGH = 0.5, 2.0
DISSIMILAR_WATCH, DISSIMILAR_ALERT = 0.10, 0.25
STALE_WATCH, STALE_ALERT = 0.05, 0.25
COST_WATCH_BP, COST_ALERT_BP = 5.0, 10.0
GAP_WATCH_BP, GAP_ALERT_BP = 2.0, 5.0
GAP_DAYS_MIN, FILLS_MIN = 5, 10


class Level(StrEnum):
    """How bad it is; `unknown` is neither good nor bad."""

    UNKNOWN = "unknown"
    QUIET = "quiet"
    WATCH = "watch"
    ALERT = "alert"


class Action(StrEnum):
    """What follows, each including those before it."""

    NOTHING = "nothing"
    LOG = "log"
    HALVE = "halve"
    """Entries are half as large from the next hour on, until a person restores them."""
    HALT = "halt"
    """No entries, train anew, and a person reviews."""


class Monitor(NamedTuple):
    """One figure and what it means."""

    name: str
    level: Level
    value: float | None
    note: str
    """The bounds, or what is missing."""
    stops: bool = False
    """An alert that is enough by itself to keep entries out."""


class Seen(NamedTuple):
    """Everything that monitors look at, up to one asof."""

    last: int
    """asof of the last hour, in hours since the epoch."""
    forecasts: Forecasts
    drifting: Mapping[str, tuple[Hours, Floats]]
    """Features and predictions by name: asof and value of every row lived, in time."""
    features: Drift | None
    """Of the last two weeks from what taught; None where no release says what did, or too few rows."""
    gap: Gap
    costs: Costs


def monitors(seen: Seen) -> tuple[Monitor, ...]:
    """All of them, in the order of a page."""
    said = seen.forecasts.said.get(HORIZON_H)
    watched = [] if said is None else _of_forecasts(said, seen.last)
    shares = (
        ("dissimilar", seen.forecasts.dissimilar, DISSIMILAR_WATCH, DISSIMILAR_ALERT),
        ("stale", seen.forecasts.stale, STALE_WATCH, STALE_ALERT),
    )
    watched += [above(name, value, low, high) for name, value, low, high in shares]
    watched += [drift(name, *rows, seen.last) for name, rows in sorted(seen.drifting.items())]
    return (*watched, moved(seen.features), _cost(seen.costs), _gap(seen.gap))


def action(of: Sequence[Monitor]) -> Action:
    """One alert halves the size; two, or one that stops by itself, keep entries out."""
    alerts = [one for one in of if one.level is Level.ALERT]
    if len(alerts) >= 2 or any(one.stops for one in alerts):
        return Action.HALT
    if alerts:
        return Action.HALVE
    return Action.LOG if any(one.level is Level.WATCH for one in of) else Action.NOTHING


def _of_forecasts(said: Said, last: int) -> list[Monitor]:
    long, short = _recent(said, last, LONG_D), _recent(said, last, SHORT_D)
    names = ("Brier skill, 60 days", "information coefficient, 60 days", "reliability slope, 60 days")
    figures: list[Monitor]
    if long is None:
        figures = [_unknown(name, LONG_D) for name in names]
    else:
        skill = measure(long)
        figures = [_negative(names[0], skill.gain, skill.brier_skill), _negative(names[1], skill.ic)]
        figures.append(_slope(names[2], skill.reliability))
    for days, rows in ((SHORT_D, short), (LONG_D, long)):
        name = f"sum of misses, {days} days"
        figures.append(_unknown(name, days) if rows is None else misses(name, rows))
    name = "slope of returns, 30 days"
    return [*figures, _unknown(name, SHORT_D) if short is None else _pays(name, measure(short).e_slope)]


def _recent(said: Said, last: int, days: int) -> Said | None:
    """The rows of the last days; None where they cover less than half of them."""
    rows = said.take(said.asof > last - days * DAY_H)
    covered = len(np.unique(rows.asof // DAY_H))
    return rows if covered >= HALF * days else None


def misses(name: str, said: Said) -> Monitor:
    """The largest partial sum of (p - y) by days, in its own spread: CUSUM."""
    off = said.p - said.up
    middle = mean(off, said.asof)
    if middle is None or middle.error <= 0.0:
        return Monitor(name, Level.UNKNOWN, None, "nothing varied")
    day, place = np.unique(said.asof // DAY_H, return_inverse=True)
    daily = np.bincount(place, weights=off) / np.bincount(place)
    largest = float(np.abs(np.cumsum(daily)).max()) / (middle.error * len(day))
    return above(name, largest, SUM_WATCH, SUM_ALERT)


def stability(reference: Floats, now: Floats) -> float:
    """The population stability index of `now` against the deciles of `reference`."""
    edges = np.quantile(reference, np.arange(1, 10) / 10)
    shares = [
        np.bincount(np.searchsorted(edges, part), minlength=10)[:, None] / len(part)
        for part in (reference, now)
    ]
    return float(index(*shares)[0])


def drift(name: str, asof: Hours, values: Floats, last: int) -> Monitor:
    """The last two weeks against everything before them, and against what two weeks of it looked like."""
    name = f"drift of {name}"
    known = ~np.isnan(values)
    asof, values = asof[known], values[known]
    begin = last - DRIFT_D * DAY_H
    before, now = values[asof <= begin], values[asof > begin]
    spans = [
        values[(asof > end - DRIFT_D * DAY_H) & (asof <= end)]
        for end in range(begin, int(asof[0]) if len(asof) else begin, -DRIFT_D * DAY_H)
    ]
    whole = [span for span in spans if len(span) >= HALF * len(now) > 0]
    if len(whole) < 2:
        return _unknown(name, 3 * DRIFT_D)
    usual = float(np.quantile([stability(before, span) for span in whole], DRIFT_PERCENTILE))
    return above(name, stability(before, now), DRIFT_WATCH, max(DRIFT_ALERT, usual))


def moved(found: Drift | None) -> Monitor:
    """All features in one figure, 1 where the first of its bounds is reached.

    Of 55 that wander together some are always beyond their own bounds: an alert takes half of them, or one
    that is where no training ever was.
    """
    name = "drift of features"
    if found is None:
        missing = f"needs a release with the deciles of {TAUGHT_D_MIN} days, and a week of rows"
        return Monitor(name, Level.UNKNOWN, None, missing)
    bound = np.maximum(DRIFT_ALERT, found.usual)
    each = np.maximum(found.stability / bound / MOVED_TIMES, found.beyond / MOVED_BEYOND)
    worst, far = int(np.argmax(each)), found.stability > bound
    of = above(name, max(float(each[worst]), float(far.mean()) / MOVED_SHARE), 0.5, 1.0)
    what = f"worst is {FEATURES[worst].name}: {found.stability[worst]:.3g}, own bound {bound[worst]:.3g}"
    beyond = f"{found.beyond[worst]:.0%} outside what taught"
    return of._replace(note=f"{far.sum()} of {len(far)} beyond their bounds; {what}, {beyond}; {of.note}")


def above(name: str, value: float | None, watch: float, alert: float) -> Monitor:
    """A figure that is bad when it is large."""
    if value is None:
        return Monitor(name, Level.UNKNOWN, None, "no forecasts")
    level = Level.ALERT if value > alert else Level.WATCH if value > watch else Level.QUIET
    return Monitor(name, level, value, f"watch above {watch:g}, alert above {alert:.3g}")


def _negative(name: str, found: Estimate | None, shown: float | None = None) -> Monitor:
    """A figure that is bad when it is below zero, and an alert when that is no chance."""
    if found is None:
        return Monitor(name, Level.UNKNOWN, None, "nothing varied")
    alert = found.value + CONFIDENT * found.error < 0.0
    level = Level.ALERT if alert else Level.WATCH if found.value < 0.0 else Level.QUIET
    value = found.value if shown is None else shown
    return Monitor(name, level, value, "watch below 0, alert if below 0 with 95 %")


def _slope(name: str, found: Estimate | None) -> Monitor:
    if found is None:
        return Monitor(name, Level.UNKNOWN, None, "nothing varied")
    off = abs(found.value - 1.0) > CONFIDENT * found.error
    far = not SLOPE_LOW <= found.value <= SLOPE_HIGH
    level = Level.ALERT if off and far else Level.WATCH if off else Level.QUIET
    return Monitor(name, level, found.value, "watch if 1 is outside its interval, alert outside 0.5 to 2 too")


def _pays(name: str, found: Estimate | None) -> Monitor:
    """Whether a larger expected return brought a larger one: without that, no entry is worth its cost."""
    if found is None:
        return Monitor(name, Level.UNKNOWN, None, "nothing varied")
    level = Level.ALERT if found.value <= 0.0 else Level.QUIET
    return Monitor(name, level, found.value, "alert at 0 or below, which stops entries by itself", stops=True)


def _cost(of: Costs) -> Monitor:
    name = "realised less modelled cost, bp"
    if of.realised_bp is None or of.modelled_bp is None or of.matched < FILLS_MIN:
        return Monitor(name, Level.UNKNOWN, None, f"needs {FILLS_MIN} fills, has {of.matched}")
    return above(name, of.realised_bp - of.modelled_bp, COST_WATCH_BP, COST_ALERT_BP)


def _gap(of: Gap) -> Monitor:
    name = "live against backtest, bp a day"
    if of.days < GAP_DAYS_MIN:
        return Monitor(name, Level.UNKNOWN, None, f"needs {GAP_DAYS_MIN} days, has {of.days}")
    return above(name, of.mean_size_bp, GAP_WATCH_BP, GAP_ALERT_BP)


def _unknown(name: str, days: int) -> Monitor:
    return Monitor(name, Level.UNKNOWN, None, f"needs half of {days} days")
