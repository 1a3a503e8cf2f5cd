"""The walk-forward over a small market: real features, real folds, a real log, real processes."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from adapters.histories import opened
from adapters.predictions import PredictionLog
from adapters.training import Walk, families_of, run_fold, run_stack, stack_months
from tests.worlds import FIRST, LAST, NAMES, PREDICTED, STACKED, hour, market, walk_over
from trading.market import Grid
from trading.models.families import DISSIMILARITY, FAMILIES, LEARNERS, REGIME
from trading.models.prediction_log import STACK, predictions_of

MOMENTUM = 0.6
QUICK = ("lightgbm", REGIME, DISSIMILARITY)


def everything(walk: Walk, families: tuple[str, ...] = QUICK, last: int = LAST) -> PredictionLog:
    """Every piece of the walk, in this process."""
    folds = list(families_of(walk, families, FIRST, last))
    for family, fold in folds:
        run_fold(walk, family, fold, lambda what: None)
    learners = tuple(name for name in LEARNERS if name in families)
    for fold in stack_months(folds, last, walk):
        run_stack(walk, STACK, learners, fold, lambda what: None)
    return PredictionLog(walk.log)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Walk, PredictionLog]:
    walk = walk_over(market(MOMENTUM), tmp_path_factory.mktemp("whole"))
    return walk, everything(walk, tuple(FAMILIES))


def skill(walk: Walk, log: PredictionLog, model_id: str, column: str) -> tuple[float, float]:
    """Correlation of a column with the true z of 24 h, and that of the planted feature, on the same rows."""
    history, frame = opened(walk.history), log.read(model_id, STACKED, LAST - 30)
    t = frame["asof"].to_numpy() - history.first
    a = np.array([NAMES.index(name) for name in frame["instrument"]])
    truth, planted = history.scaled[t, a, 2], history.features[t, a, history.names.index("ret_24h")]
    settled = ~np.isnan(truth)
    found, by_nature = (
        float(np.corrcoef(said[settled], truth[settled])[0, 1])
        for said in (frame[column].to_numpy(), planted)
    )
    return found, by_nature


@pytest.mark.parametrize(
    ("model_id", "column"), [*((name, "z24") for name in LEARNERS), (STACK, "p24"), (STACK, "e24")]
)
def test_each_learner_and_the_stack_find_half_of_a_planted_edge(whole, model_id: str, column: str):
    found, planted = skill(*whole, model_id, column)
    assert planted > 0.15, "the world must have an edge to find"
    assert found > planted / 2


def test_every_row_is_from_a_model_that_ended_a_gap_before_it(whole):
    _, log = whole
    assert log.models() == sorted([*FAMILIES, STACK])
    for model_id in log.models():
        frame = log.read(model_id, FIRST, LAST)
        assert (frame["trained_through"] + 49 <= frame["asof"]).all()
        assert frame["asof"].min() == (STACKED if model_id == STACK else PREDICTED)
        assert frame["asof"].max() == LAST
        about = log.described(model_id, log.months(model_id)[0])
        assert about is not None
        assert about["trained_through"] == frame["trained_through"][0]


def test_the_stack_speaks_of_every_instrument_and_hour_and_its_release_is_named(whole):
    _, log = whole
    made = predictions_of(log.read(STACK, STACKED, LAST), NAMES, STACKED, LAST)
    for values in (made.p1, made.p4, made.p24, made.e1, made.e4, made.e24, made.e_hold, made.p_crash):
        assert not np.isnan(values).any()
    assert ((made.p24 >= 0.02) & (made.p24 <= 0.98)).all()
    assert set(np.unique(made.veto)) <= {0, 1, 2, 3}
    assert made.release.startswith("stack-")


def test_the_same_walk_again_trains_nothing_and_another_one_says_the_same(whole, tmp_path: Path):
    walk, log = whole
    everything(walk, tuple(FAMILIES))
    again = everything(walk_over(market(MOMENTUM), tmp_path))
    assert again.digest([*QUICK]) == log.digest([*QUICK])


def spoilt(grid: Grid, since: int) -> Grid:
    """Other bars from an asof on."""
    rng, row = np.random.default_rng(1), since - grid.first
    for array in (grid.open, grid.high, grid.low, grid.close):
        array[row:] *= rng.uniform(0.5, 2.0, array[row:].shape)
    return grid


def test_what_comes_later_changes_nothing_before(whole, tmp_path: Path):
    _, log = whole
    since = hour(2021, 11, 10)
    other = everything(walk_over(spoilt(market(MOMENTUM), since), tmp_path))
    for model_id in QUICK:
        before, after = (of.read(model_id, FIRST, since - 1).drop("data_hash") for of in (log, other))
        assert before.equals(after)
        assert not log.read(model_id, since, LAST).equals(other.read(model_id, since, LAST))


def test_kept_folds_are_used_by_another_walk_that_learns_from_the_same_bars(tmp_path: Path):
    grid = market(MOMENTUM)
    walk = walk_over(grid, tmp_path, "long")
    everything(walk)
    kept = {path.name: path.stat().st_mtime_ns for path in walk.folds.iterdir()}
    shorter = walk_over(grid.rows(FIRST, hour(2021, 10)), tmp_path, "short")
    everything(shorter, last=hour(2021, 10) - 1)
    assert {path.name: path.stat().st_mtime_ns for path in walk.folds.iterdir()} == kept


def test_bars_that_show_the_next_hour_too_early_give_themselves_away(tmp_path: Path):
    leaking = market(0.0)
    for array in (leaking.high, leaking.low, leaking.close):
        array[:-1] = array[1:].copy()
    walk = walk_over(leaking, tmp_path)
    log = everything(walk)
    history, frame = opened(walk.history), log.read("lightgbm", PREDICTED, LAST - 30)
    t = frame["asof"].to_numpy() - history.first
    a = np.array([NAMES.index(name) for name in frame["instrument"]])
    assert np.corrcoef(frame["z1"].to_numpy(), history.scaled[t, a, 0])[0, 1] > 0.6


def test_without_an_edge_nothing_is_expected(tmp_path: Path):
    walk = walk_over(market(0.0, seed=5), tmp_path)
    frame = everything(walk).read(STACK, STACKED, LAST)
    assert frame["e24"].abs().median() < 0.002, "a tenth of the cost of a trade"


KILLED = """
import sys
from pathlib import Path
from adapters.training import Walk, walk_forward
if __name__ == "__main__":
    places, preset, data_hash, first, last = sys.argv[1:4], *sys.argv[4:8]
    walk = Walk(*map(Path, places), preset, data_hash)
    walk_forward(walk, ("lightgbm", "regime", "dissimilarity"), int(first), int(last), lambda *said: None)
"""


def test_a_walk_that_is_killed_goes_on_and_says_the_same(tmp_path: Path):
    walk = walk_over(market(MOMENTUM), tmp_path)
    script = tmp_path / "walk.py"
    script.write_text(KILLED)
    places = [str(place) for place in walk[:3]]
    command = [sys.executable, str(script), *places, walk.preset, walk.data_hash, str(FIRST), str(LAST)]
    root = Path(__file__).resolve().parents[2]
    environment = os.environ | {"PYTHONPATH": str(root)}
    running = subprocess.Popen(command, cwd=root, env=environment)
    while len(list(walk.folds.glob("[0-9a-f]*"))) < 3:
        assert running.poll() is None, "it ended before it could be killed"
        time.sleep(0.01)
    running.send_signal(signal.SIGKILL)
    running.wait()
    kept = {path.name: path.stat().st_mtime_ns for path in walk.folds.glob("[0-9a-f]*")}
    subprocess.run(command, cwd=root, env=environment, check=True)
    # A worker may outlive the killed process by a second and finish its piece: it writes what is true.
    assert all((walk.folds / name).stat().st_mtime_ns == at for name, at in kept.items())
    log, straight = PredictionLog(walk.log), everything(walk_over(market(MOMENTUM), tmp_path, "straight"))
    assert log.digest() == straight.digest()
