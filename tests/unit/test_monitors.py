"""Monitors find what is planted, keep quiet about chance, and say when they have seen too little."""

import numpy as np
import pytest

from trading.clock import DAY_H
from trading.evaluation.lived import Costs, Forecasts, Gap
from trading.evaluation.monitors import Action, Level, Monitor, Seen, action, drift, monitors, stability
from trading.evaluation.skill import Said

LAST, COINS = 500_000, 8
QUIET_GAP, QUIET_COSTS = Gap(30, 0.1, 0.2, 0.6), Costs(40, 0, 0, 41.0, 40.0)


def said(days: int, known: float = 0.5, lean: float = 0.0, sign: float = 1.0, seed: int = 1) -> Said:
    """Forecasts of one coin a row, eight rows a day: `lean` is added to each probability."""
    random = np.random.default_rng(seed)
    asof = np.repeat(LAST - DAY_H * np.arange(days)[::-1], COINS)
    signal, noise = random.normal(size=(2, len(asof)))
    returns = 0.03 * (known * signal + np.sqrt(1 - known**2) * noise)
    p = np.clip(_normal(known * signal / np.sqrt(1 - known**2)) + lean, 0.01, 0.99)
    e = sign * 0.03 * known * signal
    unit, base = np.full(len(asof), 0.03), np.full(len(asof), 0.5)
    return Said(asof, p, e, returns, unit, base)


def _normal(x: np.ndarray) -> np.ndarray:
    from scipy.special import ndtr

    return np.asarray(ndtr(x))


def seen(forecast: Said | None = None, **changes: object) -> Seen:
    heard = Forecasts(
        {} if forecast is None else {24: forecast}, silent=0, releases=("r",), stale=0.0, dissimilar=0.0
    )
    return Seen(LAST, heard, {}, None, QUIET_GAP, QUIET_COSTS)._replace(**changes)


def levels(of: Seen) -> dict[str, Level]:
    return {one.name: one.level for one in monitors(of)}


def test_forecasts_that_hold_what_they_say_are_left_alone_but_for_chance() -> None:
    asked = [action(monitors(seen(said(90, seed=seed)))) for seed in range(40)]
    assert sum(one in (Action.HALVE, Action.HALT) for one in asked) <= 4
    assert Action.HALT not in asked


def test_probabilities_that_lean_are_found_by_the_sum_of_their_misses() -> None:
    found = levels(seen(said(90, lean=0.15)))
    assert found["sum of misses, 60 days"] is Level.ALERT
    assert found["sum of misses, 30 days"] is Level.ALERT


def test_noise_called_knowledge_is_found() -> None:
    honest = said(90, known=0.6)
    turned = honest._replace(p=1.0 - honest.p, e=-honest.e)
    found = levels(seen(turned))
    assert found["Brier skill, 60 days"] is Level.ALERT
    assert found["information coefficient, 60 days"] is Level.ALERT
    assert found["reliability slope, 60 days"] is Level.ALERT


def test_expected_returns_that_bring_none_stop_entries_by_themselves() -> None:
    found = monitors(seen(said(90, sign=-1.0)))
    (slope,) = [one for one in found if one.name == "slope of returns, 30 days"]
    assert (slope.level, slope.stops) == (Level.ALERT, True)
    assert action([slope]) is Action.HALT


def test_too_little_is_unknown_and_asks_for_nothing() -> None:
    found = monitors(seen(said(10), gap=Gap(2, 9.0, 9.0, 9.0), costs=Costs(1, 0, 0, 99.0, 1.0)))
    assert {one.level for one in found if one.name not in ("dissimilar", "stale")} == {Level.UNKNOWN}
    assert action(found) is Action.NOTHING
    assert action(monitors(seen())) is Action.NOTHING


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"gap": Gap(30, 0.0, 5.1, 9.0)}, "live against backtest, bp a day"),
        ({"costs": Costs(40, 0, 0, 51.0, 40.0)}, "realised less modelled cost, bp"),
    ],
)
def test_what_trading_cost_and_how_far_it_strayed_have_bounds(change: dict[str, object], name: str) -> None:
    assert levels(seen(**change))[name] is Level.ALERT
    assert levels(seen())[name] is Level.QUIET


def rows(days: int, shift_last: float = 0.0, walk: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(7)
    asof = LAST - np.arange(days * DAY_H)[::-1]
    values = random.normal(size=len(asof)) + walk * np.sin(np.arange(len(asof)) / (9 * DAY_H))
    values[asof > LAST - 14 * DAY_H] += shift_last
    return asof, values


def test_a_shift_in_the_last_two_weeks_is_drift_and_its_absence_is_none() -> None:
    assert drift("x", *rows(90, shift_last=1.0), LAST).level is Level.ALERT
    assert drift("x", *rows(90), LAST).level is Level.QUIET
    assert drift("x", *rows(30), LAST).level is Level.UNKNOWN


def test_what_always_swings_must_swing_more_than_ever_to_be_an_alert() -> None:
    swinging = drift("x", *rows(180, walk=2.0), LAST)
    assert swinging.value is not None
    assert swinging.value > 0.25
    assert swinging.level is not Level.ALERT


def test_the_index_is_zero_for_the_same_and_grows_with_the_shift() -> None:
    values = np.random.default_rng(3).normal(size=20_000)
    assert stability(values, values) == 0.0
    assert stability(values, values + 0.2) < 0.1 < stability(values, values + 0.5)
    assert stability(values, np.full(50, 9.0)) < 100.0


def test_one_alert_halves_two_stop_and_a_watch_is_only_told() -> None:
    watch, alert = (Monitor("x", level, 1.0, "") for level in (Level.WATCH, Level.ALERT))
    assert action([watch, watch]) is Action.LOG
    assert action([watch, alert]) is Action.HALVE
    assert action([alert, alert]) is Action.HALT
