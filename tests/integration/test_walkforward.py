"""The walk-forward over a small market: real features, real folds, a real folder."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from adapters.folds import FolderFoldStore
from trading.clock import TradingHour
from trading.errors import UsageError
from trading.market import Grid
from trading.models.gradient_boosting import Preset
from trading.models.protocol import Predictions
from trading.models.walkforward import Market, walkforward

FAST = Preset(rounds=15, rows_min=200)


def hour(year: int, month: int) -> int:
    return TradingHour.at(datetime(year, month, 1, tzinfo=UTC)).number


FROM, TO = hour(2022, 6), hour(2022, 8) - 1


def market() -> Market:
    """Three coins over nineteen months, whose hours lean on the hour before: there is something to learn."""
    rng = np.random.default_rng(11)
    first, hours = hour(2021, 1), TO - hour(2021, 1) + 1
    noise = rng.normal(0, 0.008, (hours, 3)) + 0.5 * rng.normal(0, 0.008, (hours, 1))
    noise[1:] += 0.25 * noise[:-1]
    close = 100.0 * np.exp(np.cumsum(noise, axis=0))
    opens = np.vstack((close[:1], close[:-1]))
    high, low = np.maximum(opens, close) * 1.002, np.minimum(opens, close) * 0.998
    stale = np.zeros(close.shape, dtype=bool)
    names = ("BTC/USD", "ETH/USD", "XRP/USD")
    volume = rng.uniform(1e3, 2e3, close.shape)
    everything = np.ones(close.shape, dtype=bool)
    return Market(
        Grid("test", names, first, opens, high, low, close, volume, stale), everything, everything.copy()
    )


class Interrupted(Exception):
    """Stands for Ctrl-C."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Predictions, Path]:
    folder = tmp_path_factory.mktemp("folds")
    return walk(market(), folder), folder


def walk(given: Market, folder: Path, stop_after: int | None = None) -> Predictions:
    def progress(done: int, total: int) -> None:
        assert 0 < done <= total
        if done == stop_after:
            raise Interrupted

    return walkforward(given, FROM, TO, FolderFoldStore(folder), progress, preset=FAST)


def same(one: Predictions, two: Predictions, rows: slice = slice(None)) -> bool:
    return all(
        np.array_equal(a[rows], b[rows], equal_nan=True)
        for a, b in zip(one, two, strict=True)
        if isinstance(a, np.ndarray)
    )


def test_every_hour_of_the_span_has_a_prediction_from_a_model_that_ended_before_it(whole):
    predictions, folder = whole
    hours = FROM + np.arange(TO - FROM + 1)
    assert predictions.first == FROM
    assert not np.isnan(predictions.p24).any()
    assert (predictions.trained_through + 49 < hours).all()
    assert len(set(predictions.trained_through.tolist())) == 2, "one model a month"
    assert len([path for path in folder.iterdir() if not path.name.startswith(".")]) == 2
    assert predictions.release.startswith("lightgbm-")


def skill(predictions: Predictions) -> float:
    """Correlation of the expected with the true return of the next hour."""
    opens = np.log(market().grid.open[FROM - market().grid.first :])
    return float(np.corrcoef(predictions.e1[:-2].ravel(), (opens[2:] - opens[1:-1]).ravel())[0, 1])


def test_the_planted_lean_is_found_out_of_sample(whole):
    assert 0.1 < skill(whole[0]) < 0.35, "hours lean on the hour before with a correlation of a quarter"


def test_bars_that_show_the_next_hour_too_early_give_themselves_away(tmp_path: Path):
    leaking = market()
    for array in (leaking.grid.high, leaking.grid.low, leaking.grid.close):
        array[:-1] = array[1:].copy()
    assert skill(walk(leaking, tmp_path)) > 0.6


def test_what_comes_later_changes_nothing_before(whole, tmp_path: Path):
    given, cut = market(), 24 * 40
    row = FROM - given.grid.first + cut
    rng = np.random.default_rng(1)
    for array in (given.grid.open, given.grid.high, given.grid.low, given.grid.close):
        array[row:] *= rng.uniform(0.5, 2.0, array[row:].shape)
    assert same(walk(given, tmp_path), whole[0], slice(0, cut))


def test_a_bar_that_taught_changes_the_model(whole, tmp_path: Path):
    given = market()
    given.grid.close[hour(2021, 9) - given.grid.first] *= 1.5
    assert walk(given, tmp_path).release != whole[0].release


def test_an_interrupted_walk_resumes_with_the_same_result(whole, tmp_path: Path):
    with pytest.raises(Interrupted):
        walk(market(), tmp_path, stop_after=15)
    kept = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert len(kept) == 1
    again = walk(market(), tmp_path)
    assert same(again, whole[0])
    assert again.release == whole[0].release
    for name, modified in kept.items():
        assert (tmp_path / name).stat().st_mtime_ns == modified, "trained twice"


def test_hours_without_bars_are_refused_before_any_work(tmp_path: Path):
    with pytest.raises(UsageError, match="need bars"):
        walkforward(market(), FROM, TO + 1, FolderFoldStore(tmp_path), lambda done, total: None)


def test_rows_that_may_not_teach_do_not(whole, tmp_path: Path):
    given = market()
    given.sample[:] = False
    assert np.isnan(walk(given, tmp_path).p24).all(), "nothing to learn from, nothing to say"
