"""Of 55 features some always wander; a figure out of place is found, and so is a market out of place."""

import numpy as np
import pytest

from trading.clock import DAY_H
from trading.evaluation.monitors import Level, Monitor, moved
from trading.features.library import FEATURES, INDEX
from trading.models.artefact import Artefact
from trading.models.dissimilarity import fit
from trading.models.drift import PART, Deciles, index
from trading.models.presets import preset
from trading.models.rows import Rows

COINS, TAUGHT_D, LIVED_D = 6, 540, 91
WIDTH = len(FEATURES)
SLOW = np.arange(WIDTH) % 3 == 0
"""A third of the features keep three quarters of a day's value, for weeks, and all coins share most of it."""


def market(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows of every third hour (asof, features) of one made-up market, whose character never changes."""
    random = np.random.default_rng(seed)
    days = TAUGHT_D + LIVED_D
    level, drift = np.zeros((days, WIDTH)), random.normal(size=(days, WIDTH))
    for day in range(1, days):
        level[day] = 0.95 * level[day - 1] + np.sqrt(1 - 0.95**2) * drift[day]
    asof = np.repeat(np.arange(0, days * DAY_H, 3), COINS)
    rows = random.normal(size=(len(asof), WIDTH))
    rows = np.where(SLOW, 0.5 * rows + level[asof // DAY_H], rows).astype(np.float32)
    rows[:, INDEX["broke_high_24h"]] = rows[:, INDEX["broke_high_24h"]] > 1.5
    rows[random.random(rows.shape) < 0.01] = np.nan
    return asof, rows


def watched(seed: int, change=lambda rows: rows, *, nights: int = 1) -> list[Monitor]:
    """The monitor of each of the last nights of a quarter, after `change` was done to what was lived."""
    asof, rows = market(seed)
    taught = asof < TAUGHT_D * DAY_H
    deciles = Deciles.parse(Deciles.of(rows[taught], asof[taught]).dump())
    ends = [(TAUGHT_D + LIVED_D - back) * DAY_H for back in range(nights)]
    return [moved(deciles.drift(change(rows[(asof >= end - 14 * DAY_H) & (asof < end)]))) for end in ends]


def test_honest_quarters_are_left_alone():
    levels = [one.level for seed in range(4) for one in watched(seed, nights=LIVED_D - 14)]
    assert set(levels) <= {Level.QUIET, Level.WATCH}
    assert levels.count(Level.WATCH) <= 0.1 * len(levels)


@pytest.mark.parametrize("name", ["ret_1h", "slope_24h", "sigma_1h", "std_720h", "btc_ret_24h"])
def test_one_feature_of_another_scale_is_found_and_named(name: str):
    def scaled(rows: np.ndarray) -> np.ndarray:
        rows[:, INDEX[name]] *= 100.0
        return rows

    (found,) = watched(1, scaled)
    assert found.level is Level.ALERT
    assert f"worst is {name}:" in found.note


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_a_quick_feature_that_stands_still_is_found_even_where_its_value_is_nothing_new(value: float):
    def stuck(rows: np.ndarray) -> np.ndarray:
        rows[:, INDEX["ret_4h"]] = value
        return rows

    (found,) = watched(2, stuck)
    assert (found.level, "worst is ret_4h" in found.note) == (Level.ALERT, True)


def test_a_flag_that_is_always_up_is_found():
    def up(rows: np.ndarray) -> np.ndarray:
        rows[:, INDEX["broke_high_24h"]] = 1.0
        return rows

    (found,) = watched(2, up)
    assert (found.level, "worst is broke_high_24h" in found.note) == (Level.ALERT, True)


def test_a_market_that_moved_in_most_features_is_found_though_none_is_far():
    quick = ~SLOW
    quick[INDEX["broke_high_24h"]] = False
    (found,) = watched(3, lambda rows: rows + 1.2 * quick)
    assert found.level is Level.ALERT
    assert int(found.note.split(" ")[0]) > WIDTH / 2
    (few,) = watched(3, lambda rows: rows + 1.2 * (np.arange(WIDTH) % 9 == 1))
    assert few.level is not Level.ALERT


def test_without_deciles_nothing_is_said():
    assert moved(None).level is Level.UNKNOWN


def test_the_index_is_that_of_its_definition():
    random = np.random.default_rng(5)
    rows = random.normal(size=(5_000, 2)).astype(np.float32)
    asof = np.sort(random.integers(0, 40 * DAY_H, len(rows)))
    now = rows[:800] * np.float32(1.5)
    found = Deciles.of(rows, asof).drift(now).stability
    for column in range(2):
        edges = np.quantile(rows[:, column], np.arange(1, 10) / 10)
        shares = [
            np.bincount(np.searchsorted(edges, x), minlength=10) for x in (rows[:, column], now[:, column])
        ]
        old, new = (np.maximum(share / share.sum(), 1e-4) for share in shares)
        assert found[column] == pytest.approx(sum((new - old) * np.log(new / old)), rel=1e-9)
    assert index(np.full((10, 1), 0.1), np.full((10, 1), 0.1)) == 0.0


def test_what_is_usual_is_the_same_index_over_two_weeks_of_the_training():
    asof, rows = market(6)
    deciles = Deciles.of(rows, asof)
    ends = range(14 * DAY_H, (TAUGHT_D + LIVED_D) * DAY_H + 1, DAY_H)
    spans = [deciles.drift(rows[(asof >= end - 14 * DAY_H) & (asof < end)]).stability for end in ends]
    assert np.allclose(deciles.usual, np.quantile(spans, 0.95, axis=0), rtol=1e-9)
    assert (deciles.usual[SLOW][2:] > 0.25).all()


def test_a_trained_guard_keeps_the_deciles_of_its_rows():
    asof, rows = market(7)
    nothing = np.full((len(asof), 3), np.nan)
    column = np.tile(np.arange(COINS, dtype=np.int16), len(asof) // COINS)
    train = Rows(asof, column, rows, nothing[:, 0], nothing, nothing, nothing[:, 0])
    walk = preset("smoke").walk
    kept = Artefact.parse(fit(train, int(asof[-1]), walk, 1, lambda _: None).dump())
    assert kept.parts[PART] == Deciles.of(rows, asof).dump()
    short = fit(train.take(asof < 330 * DAY_H), 330 * DAY_H, walk, 1, lambda _: None)
    assert PART not in short.parts, "too short a training to know what is usual"
