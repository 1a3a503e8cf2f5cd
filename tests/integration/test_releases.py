"""A release from a walk: what it holds, and that an hour asked of it alone has the bits of the log."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from adapters.champion import Champion
from adapters.folds import FolderFoldStore
from adapters.histories import opened
from adapters.model_registry import ModelRegistry
from adapters.predictions import ABOUT, DONE, PredictionLog
from adapters.reconstruction.releases import Named
from adapters.reconstruction.source import loaded
from adapters.releasing import release_of
from adapters.training import Walk, families_of, run_fold, run_stack, stack_months
from tests.worlds import FIRST, NAMES, hour, market, walk_over
from trading.backtest.inputs import Scene
from trading.clock import DAY_H, TradingHour
from trading.codes import EXPIRED
from trading.errors import DataError, UsageError
from trading.features.library import LOOKBACK, digest
from trading.market import Grid
from trading.models.families import FAMILIES, LEARNERS
from trading.models.prediction_log import STACK
from trading.models.presets import preset
from trading.models.release import Release
from trading.models.serving import Answer, Serving, recent
from trading.universe import Universe

END = hour(2021, 10, 20)
"""In the first month of the stack."""


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Walk, PredictionLog, Grid]:
    """A finished walk of every family."""
    grid = market(0.6).rows(FIRST, END + 1)
    walk = walk_over(grid, tmp_path_factory.mktemp("walk"))
    log = PredictionLog(walk.log)
    folds = list(families_of(walk, tuple(FAMILIES), FIRST, END))
    for family, fold in folds:
        run_fold(walk, family, fold, lambda what: None)
    for fold in stack_months(folds, END, walk):
        run_stack(walk, STACK, LEARNERS, fold, lambda what: None)
    about = {"preset": "smoke", "preset_digest": preset("smoke").digest, "venue": "test", "proxy": True}
    log.note(ABOUT, {**about, "data_digest": "d" * 64, "feature_set": digest(), "last": END})
    log.note(DONE, {"digest": log.digest()})
    return walk, log, grid


@pytest.fixture(scope="module")
def release(walked: tuple[Walk, PredictionLog, Grid]) -> Release:
    walk, log, _ = walked
    return release_of(log, FolderFoldStore(walk.folds), opened(walk.history))


def window(grid: Grid, asof: int, hours: int) -> tuple[Grid, Universe, np.ndarray]:
    """What a live hour sees: bars of the lookback, and a universe in which everything trades."""
    seen = grid.rows(asof + 1 - hours, asof + 1)
    quiet = np.zeros((-(-seen.hours // DAY_H), len(NAMES)))
    everything = np.ones(seen.close.shape, dtype=bool)
    universe = Universe(everything, seen.first, quiet.astype(np.int8), quiet, quiet)
    return seen, universe, ~everything


def asked(serving: Serving, grid: Grid, asof: int) -> Answer:
    """One hour from nothing but the bars of its window."""
    days = -(-(LOOKBACK + serving.hours) // DAY_H)
    return serving.predict(recent(*window(grid, asof, days * DAY_H), serving.hours), asof)


def test_a_release_holds_the_models_of_the_last_month_and_says_of_what(walked, release):
    walk, log, _ = walked
    assert set(release.members) == {*FAMILIES, STACK}
    assert release.facts.log_digest == log.digest()
    assert release.facts.first == hour(2021, 10)
    assert (release.facts.preset, release.facts.proxy) == ("smoke", True)
    assert release.facts.days == dict.fromkeys(NAMES, 273)
    assert "torch" in release.facts.environment
    for name, artefact in release.artefacts().items():
        frame = log.read(name, END, END)
        assert frame["artefact_hash"].unique().to_list() == [artefact.digest]
    again = release_of(log, FolderFoldStore(walk.folds), opened(walk.history))
    assert again.digest == release.digest


@pytest.mark.parametrize("asof", [END, END - 29, hour(2021, 10) + 1])
def test_an_hour_alone_has_the_bits_of_the_log(walked, release, asof):
    _, log, grid = walked
    answer = asked(Serving(release), grid, asof)
    assert set(answer.said) == {*FAMILIES, STACK}
    for name, frame in answer.said.items():
        logged = log.read(name, asof, asof).drop("data_hash")
        assert frame.height == logged.height > 0
        assert frame.drop("data_hash").equals(logged, null_equal=True), name
    stack = log.read(STACK, asof, asof)
    assert np.array_equal(answer.predictions.p24[0], stack["p24"].to_numpy())


def test_an_instrument_fewer_changes_no_learners_word_about_the_others(walked, release):
    _, log, grid = walked
    seen, universe, unusable = window(grid, END, 110 * DAY_H)
    serving = Serving(release)
    history = recent(seen, universe, unusable, serving.hours)
    few = history._replace(predicted=history.predicted & (np.arange(len(NAMES)) != 2))
    answer = serving.predict(few, END)
    for name in LEARNERS:
        logged = log.read(name, END, END).filter(pl.col("instrument") != NAMES[2])
        assert answer.said[name].drop("data_hash").equals(logged.drop("data_hash")), name


def test_a_window_too_short_for_the_features_is_refused(walked, release):
    _, _, grid = walked
    serving = Serving(release)
    enough = LOOKBACK + serving.hours - 1
    recent(*window(grid, END, enough), serving.hours)
    with pytest.raises(DataError, match=f"needs a window of {enough} hours, not {enough - 1}"):
        recent(*window(grid, END, enough - 1), serving.hours)


def test_a_champion_predicts_an_hour_from_its_window(walked, release, tmp_path: Path):
    _, log, grid = walked
    champion = Champion(tmp_path / "models", "replay")
    registry = ModelRegistry(tmp_path / "models")
    hour = TradingHour(END)
    seen, universe, unusable = window(grid, END, 100 * DAY_H)
    market = Scene(seen, (), None, universe, None, unusable, unusable[:, 0])
    with pytest.raises(UsageError, match="no release 'champion'"):
        champion.predict(market, hour)
    registry.promote(registry.register(release).version, "replay", "ada", "to see it")
    said, outputs = champion.predict(market, hour)
    assert said.release == f"release-{release.digest[:16]}"
    assert np.array_equal(said.p24[0], log.read(STACK, END, END)["p24"].to_numpy())
    told = json.loads(outputs)
    assert set(told) == {*FAMILIES, STACK}
    for name, model in told.items():
        logged = log.read(name, END, END)
        assert list(model["said"]) == logged["instrument"].to_list()
        assert model["artefact"] == logged["artefact_hash"][0]
    assert [one["p24"] for one in told[STACK]["said"].values()] == log.read(STACK, END, END)["p24"].to_list()
    again = Named(lambda _: said.release, lambda digest: loaded(tmp_path / "models", digest))
    assert again.predict(market, hour).outputs == outputs, "what reconstructs the hour"


def test_an_expired_release_answers_and_lets_nobody_in(walked, release):
    _, _, grid = walked
    assert (asked(Serving(release), grid, END).predictions.veto & EXPIRED == 0).all()
    aged = Serving(release)
    aged._expires = END
    answer = asked(aged, grid, END)
    assert (answer.predictions.veto & EXPIRED == EXPIRED).all()
    assert not np.isnan(answer.predictions.p24).any()


def test_a_walk_that_is_not_finished_or_lost_a_model_makes_no_release(walked, tmp_path: Path):
    walk, log, _ = walked
    history = opened(walk.history)
    with pytest.raises(DataError, match="not finished"):
        release_of(PredictionLog(tmp_path / "empty"), FolderFoldStore(walk.folds), history)
    with pytest.raises(DataError, match="missing or damaged"):
        release_of(log, FolderFoldStore(tmp_path / "folds"), history)


NOT_NEEDED = ("torch", "lightgbm", "xgboost", "sklearn", "scipy", "onnx", "mlflow", "sqlalchemy")
COMPILER = ("numba", "llvmlite")
"""The first hour brings it, for its features."""


def test_a_process_that_loads_a_release_loads_no_trainer_and_no_compiler(walked, tmp_path: Path):
    walk, log, _ = walked
    release = release_of(log, FolderFoldStore(walk.folds), opened(walk.history))
    for name, content in release.files().items():
        (tmp_path / name).write_bytes(content)
    program = (
        "import sys\nfrom pathlib import Path\n"
        "from trading.models.release import Release\nfrom trading.models.serving import Serving\n"
        f"files = {{path.name: path.read_bytes() for path in Path({str(tmp_path)!r}).iterdir()}}\n"
        f"Serving(Release.of_files(files, {release.digest!r}))\n"
        f"print([name for name in {NOT_NEEDED + COMPILER} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
