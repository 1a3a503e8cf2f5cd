"""The forecasts of the log, judged: by model, horizon, year, regime and coin; checks fixed beforehand."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trading.clock import DAY_H, TradingHour
from trading.errors import DataError
from trading.evaluation.checks import Check, at_least, at_most
from trading.evaluation.days import Estimate, mean
from trading.evaluation.intervals import Cover, covers
from trading.evaluation.outcomes import Heard
from trading.evaluation.regimes import Row, Told, rows
from trading.evaluation.skill import (
    Bin,
    Skill,
    by_bin,
    calibration_interval,
    daily_gain,
    log_losses,
    measure,
)
from trading.market import Floats
from trading.models.labels import HORIZONS_H
from trading.models.prediction_log import STACK
from trading.models.regime import CLASSES

DAY = HORIZONS_H.index(DAY_H)
ROWS_MIN = 200
"""Groups of fewer rows are left out."""
ECE_MAX = 0.03
SLOPE_MIN, SLOPE_MAX = 0.7, 1.3
T_MIN = 2.0
IC_MAX, SKILL_MAX = 0.10, 0.01
"""Forecasts of a day that are better than this leak until proven otherwise."""


class Line(NamedTuple):
    """One model at one horizon over some of the rows."""

    model: str
    horizon_h: int
    kind: str
    """all, year, regime or coin."""
    group: str
    skill: Skill


class Pair(NamedTuple):
    """The stack against another model at one horizon: means of the other's loss less the stack's."""

    model: str
    horizon_h: int
    brier: Estimate | None
    log: Estimate | None


class Picture(NamedTuple):
    """The stack at one horizon, to be drawn."""

    horizon_h: int
    ece: tuple[float, float]
    """90 % interval."""
    reliability: list[Bin]
    deciles: list[Bin]
    days: NDArray[np.int64]
    """Since the epoch."""
    gain: Floats
    """Sum over days of the rolling rate's Brier score less the stack's."""
    covers: list[Cover]


class Forecasts(NamedTuple):
    """Everything that the page shows."""

    lines: list[Line]
    pairs: list[Pair]
    pictures: list[Picture]
    regimes: list[Row]
    """What the regime classifier said of the next day; empty where no fold tells what a day is."""
    checks: list[Check]


def judge(
    heard: Heard, regimes: Told | None, instruments: tuple[str, ...], progress: Callable[[int, int], None]
) -> Forecasts:
    """Measure every model; fewer settled rows than a group needs are a `DataError`."""
    if heard.asof.size < ROWS_MIN or np.isnan(heard.returns).all(axis=0).any():
        raise DataError("the log has too few settled predictions to judge; walk more months forward")
    lines, pairs, pictures = [], [], []
    for h, horizon_h in enumerate(HORIZONS_H):
        for done, name in enumerate(heard.voices):
            said, _ = heard.said(name, h)
            lines.append(Line(name, horizon_h, "all", "", measure(said)))
            if name != STACK:
                pairs.append(_pair(heard, name, h))
            progress(h * len(heard.voices) + done, len(HORIZONS_H) * len(heard.voices))
        lines += list(_parts(heard, instruments, h))
        pictures.append(_picture(heard, h))
    return Forecasts(lines, pairs, pictures, rows(regimes) if regimes else [], checks(lines))


def _pair(heard: Heard, name: str, h: int) -> Pair:
    (other, _), (stack, _) = heard.said(name, h), heard.said(STACK, h)
    up = stack.up
    brier = mean((other.p - up) ** 2 - (stack.p - up) ** 2, stack.asof)
    log = mean(log_losses(other.p, up) - log_losses(stack.p, up), stack.asof)
    return Pair(name, HORIZONS_H[h], brier, log)


def _parts(heard: Heard, instruments: tuple[str, ...], h: int) -> Iterator[Line]:
    """The stack by year, regime and coin."""
    said, settled = heard.said(STACK, h)
    year = said.asof // DAY_H * np.timedelta64(1, "D") + np.datetime64("1970-01-01")
    groups = {
        "year": year.astype("datetime64[Y]").astype(str),
        "regime": np.array(CLASSES)[heard.regime[settled]],
        "coin": np.array(instruments)[heard.column[settled]],
    }
    for kind, names in groups.items():
        for name in np.unique(names):
            inside = names == name
            if inside.sum() >= ROWS_MIN:
                yield Line(STACK, HORIZONS_H[h], kind, str(name), measure(said.take(inside)))


def _picture(heard: Heard, h: int) -> Picture:
    said, _ = heard.said(STACK, h)
    up = said.up
    days, gain = daily_gain((said.base - up) ** 2 - (said.p - up) ** 2, said.asof)
    return Picture(
        horizon_h=HORIZONS_H[h],
        ece=calibration_interval(said),
        reliability=by_bin(said.p, up, said.asof),
        deciles=by_bin(said.e, said.returns, said.asof),
        days=days,
        gain=gain,
        covers=covers(said),
    )


def checks(lines: list[Line]) -> list[Check]:
    """What the stack's forecasts of a day have to show before they may trade."""
    skill = next(of.skill for of in lines if (of.model, of.horizon_h, of.kind) == (STACK, DAY_H, "all"))
    slope = skill.reliability.value if skill.reliability else None
    ic = skill.ic
    return [
        at_least("Brier skill against the rolling rate, 24 h", skill.brier_skill, 0.0, "{:.4f}"),
        at_most("... and not too good to be true", skill.brier_skill, SKILL_MAX, "{:.4f}"),
        at_most("calibration error, 24 h", skill.ece, ECE_MAX),
        at_least("reliability slope, 24 h", slope, SLOPE_MIN, "{:.2f}"),
        at_most("... and not too timid", slope, SLOPE_MAX, "{:.2f}"),
        at_least("t of the correlation, 24 h", ic.t if ic else None, T_MIN, "{:.2f}"),
        at_most("... the correlation is not too good to be true", ic.value if ic else None, IC_MAX),
        at_least(
            "lower end of the slope of realised on expected returns, 24 h",
            skill.e_slope.low if skill.e_slope else None,
            0.0,
            "{:.2f}",
        ),
    ]


def span(heard: Heard) -> tuple[str, str]:
    """First and last asof that are judged."""
    first, last = int(heard.asof.min()), int(heard.asof.max())
    return TradingHour(first).asof.isoformat(), TradingHour(last).asof.isoformat()
