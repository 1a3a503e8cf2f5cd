"""The regime classifier: days as defined, the more dangerous class first, modest where it knows nothing."""

import numpy as np
import polars as pl
import pytest

from tests.worlds import NAMES, hour
from trading.evaluation.regimes import rows, told
from trading.models import regime
from trading.models.families import FAMILIES
from trading.models.history import History
from trading.models.presets import Boosting
from trading.models.regime import CLASSES, CRASH, HIGH_VOL, RANGE, TRENDING, Days, Thresholds, classify, days
from trading.models.runtime import Runtime
from trading.models.splits import Fold

FIRST = hour(2021, 1)
COLUMNS = ("ret_1h", "sigma_24", "omen")
SOUND = Boosting(rounds=10, rows_min=100, regime_rounds=40, learning_rate=0.1)
OVERDONE = Boosting(learning_rate=0.5, rounds=10, rows_min=5, l2=0.0, regime_rounds=60, regime_leaves=31)
"""Rounds too many on noise: the classifier is worse than the table."""


def test_days_are_what_a_plain_loop_finds():
    returns = np.random.default_rng(1).normal(0, 0.01, 100)
    returns[40] = np.nan
    made = days(returns)
    for end in (23, 50, 63, 99):
        day = np.nan_to_num(returns[end - 23 : end + 1])
        path = np.cumsum(day)
        assert made.deepest[end] == pytest.approx(min(0.0, path.min()))
        assert made.total[end] == pytest.approx(path[-1])
        assert made.realised[end] == pytest.approx(np.sqrt((day * day).sum()))
        assert made.efficiency[end] == pytest.approx(abs(path[-1]) / np.abs(day).sum())
    assert all(np.isnan(part[:23]).all() and not np.isnan(part[23:]).any() for part in made)


def test_a_day_has_the_same_bits_alone_as_in_a_year():
    returns = np.random.default_rng(1).normal(0, 0.01, 900)
    for alone, whole in zip(days(returns[500:524]), days(returns), strict=True):
        assert alone[-1] == whole[523]


@pytest.mark.parametrize(
    ("deepest", "realised", "efficiency", "total", "expected"),
    [
        (-0.08, 0.09, 0.9, -0.08, CRASH),
        (-0.0699, 0.09, 0.9, -0.06, HIGH_VOL),
        (-0.01, 0.04, 0.6, 0.05, TRENDING),
        (-0.01, 0.04, 0.6, 0.005, RANGE),
        (-0.01, 0.04, 0.4, 0.05, RANGE),
        (np.nan, np.nan, np.nan, np.nan, RANGE),
    ],
)
def test_the_more_dangerous_class_comes_first(deepest, realised, efficiency, total, expected):
    day = Days(*(np.array([x]) for x in (deepest, realised, efficiency, total)))
    assert classify(day, np.array([0.02]), Thresholds(0.08, 0.5))[0] == expected


def test_in_a_wild_market_a_crash_is_further_down():
    day = Days(*(np.array([x]) for x in (-0.12, 0.01, 0.1, -0.12)))
    assert classify(day, np.array([0.04]), Thresholds(0.08, 0.5))[0] == CRASH
    assert classify(day, np.array([0.06]), Thresholds(0.08, 0.5))[0] == RANGE


def history(known: bool, hours: int = 24 * 240) -> History:
    """A market whose days are calm or wild as `omen` tells, or one in which it tells nothing."""
    rng = np.random.default_rng(3)
    level = (
        np.repeat(rng.choice([0.003, 0.012], hours // 24 + 3), 24) if known else np.full(hours + 72, 0.006)
    )
    returns = rng.normal(size=(hours + 24, len(NAMES))) * level[: hours + 24, None]
    features = np.zeros((hours, len(NAMES), len(COLUMNS)), dtype=np.float32)
    features[:, :, 0], features[:, :, 1] = returns[:hours], 0.04
    coming = np.convolve(level, np.ones(24), "valid")[1 : hours + 1]
    features[:, :, 2] = coming[:, None] if known else rng.normal(size=(hours, 1))
    ahead = returns[1 : hours + 1]
    flags, flat = np.ones((hours, len(NAMES)), dtype=bool), np.full((hours, len(NAMES)), 0.04)
    three, begun = np.repeat(ahead[:, :, None], 3, axis=2), np.full(len(NAMES), FIRST)
    return History(FIRST, NAMES, COLUMNS, features, flat, three, three, ahead, flags, flags, flags, begun)


def fold(given: History) -> Fold:
    return Fold(FIRST + 48, FIRST + 24 * 160, FIRST + 24 * 220, given.last + 1, 49)


def test_what_can_be_known_is_learned_and_beats_persistence():
    given = history(known=True)
    made = regime.fit(given, fold(given), SOUND, 1, lambda what: None)
    assert made is not None
    assert made.meta["source"] == "classifier"
    assert made.meta["loss_classifier"] < made.meta["loss_persistence"]
    asked = regime.predict_inputs(given, made, given.last - 200, given.last + 1)
    chances = Runtime(made).probabilities(asked)
    assert chances.shape == (201, len(CLASSES))
    assert np.allclose(chances.sum(axis=1), 1.0, atol=1e-5)
    again = regime.fit(given, fold(given), SOUND, 1, lambda what: None)
    assert again is not None
    assert again.digest == made.digest


def test_who_cannot_beat_persistence_is_replaced_by_its_table_and_says_so():
    given = history(known=False)
    made = regime.fit(given, fold(given), OVERDONE, 1, lambda what: None)
    assert made is not None
    assert made.meta["source"] == "persistence"
    asked = regime.predict_inputs(given, made, given.last - 50, given.last + 1)
    now = asked[:, -len(CLASSES) :].argmax(axis=1)
    assert np.allclose(Runtime(made).probabilities(asked), np.array(made.meta["table"])[now], atol=1e-6)


def test_an_hour_alone_is_asked_the_same_as_in_a_month():
    given = history(known=True)
    numbers = Boosting(rounds=10, rows_min=100, regime_rounds=10)
    made = regime.fit(given, fold(given), numbers, 1, lambda what: None)
    assert made is not None
    month = regime.predict_inputs(given, made, given.last - 100, given.last + 1)
    for back in (0, 37, 100):
        at = given.last - back
        assert np.array_equal(regime.predict_inputs(given, made, at, at + 1)[0], month[100 - back])


@pytest.mark.parametrize("known", [True, False])
def test_out_of_sample_it_is_judged_beside_the_table_of_its_own_fold(known: bool):
    given = history(known=known)
    of = fold(given)
    made = regime.fit(given, of, SOUND if known else OVERDONE, 1, lambda what: None)
    assert made is not None
    asked = FAMILIES["regime"].ask(given, of, Runtime(made))
    said = pl.DataFrame({"asof": asked.asof, **asked.outputs})
    judged = told(said, given, [(of, made.meta), (of, None)])
    assert judged is not None
    assert len(judged.asof) == of.test_end - of.test_first - 23
    assert judged.classifier.all() == known
    whole, *years = rows(judged)
    assert sum(year.hours for year in years) == whole.hours
    assert whole.gain is not None
    if known:
        assert whole.gain.value > 0.1
        assert whole.loss < whole.rates
    else:
        assert whole.loss == pytest.approx(whole.persistence, rel=1e-5)
    assert told(said, given, [(of, {})]) is None


def test_too_little_history_makes_no_classifier():
    given = history(known=True)
    short = Fold(FIRST + 48, FIRST + 24 * 15, FIRST + 24 * 220, given.last + 1, 49)
    assert regime.fit(given, short, Boosting(), 1, lambda what: None) is None
