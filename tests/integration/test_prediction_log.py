"""The prediction log on disk: written once, checked on the way in, the same digest whenever written."""

import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from adapters.predictions import ABOUT, DONE, PredictionLog, latest
from trading.errors import DataError, InvariantError
from trading.models.families import Asked
from trading.models.prediction_log import LEARNER_COLUMNS, STACK, STACK_COLUMNS, frame_of, predictions_of
from trading.models.splits import month_of, month_start

MONTH = 2022 * 12 + 4
FIRST = month_start(MONTH)
NAMES = ("BTC/USD", "ETH/USD")
GAP_H = 49


def frame(
    model_id: str = "lightgbm", seed: int = 1, first: int = FIRST, through: int = FIRST - 50
) -> pl.DataFrame:
    """Two instruments over two hours."""
    rng = np.random.default_rng(seed)
    columns = LEARNER_COLUMNS if model_id == "lightgbm" else STACK_COLUMNS
    asof, column = np.repeat([first, first + 1], 2), np.array([0, 1, 0, 1], dtype=np.int16)
    asked = Asked(asof, column, {name: rng.random(4) for name in columns})
    return frame_of(asked, NAMES, model_id, f"hash{seed}", "data", through)


@pytest.fixture
def log(tmp_path: Path) -> PredictionLog:
    return PredictionLog(tmp_path / "walk")


def test_what_was_written_is_read_and_nothing_else(log: PredictionLog):
    log.append("lightgbm", MONTH, frame(), GAP_H)
    assert log.has("lightgbm", MONTH)
    assert log.months("lightgbm") == [MONTH]
    assert log.read("lightgbm", FIRST, FIRST + 1).equals(frame())
    assert log.read("lightgbm", FIRST + 1, FIRST + 900).height == 2
    assert log.read("forest", FIRST, FIRST + 1).is_empty()
    assert [path.name for path in log.folder.rglob("*") if path.is_file()] == ["2022-05.parquet"]


def test_a_month_is_written_once(log: PredictionLog):
    log.append("lightgbm", MONTH, frame(), GAP_H)
    log.append("lightgbm", MONTH, frame(), GAP_H)
    with pytest.raises(InvariantError, match="written once"):
        log.append("lightgbm", MONTH, frame(seed=2), GAP_H)
    assert log.read("lightgbm", FIRST, FIRST + 1).equals(frame())


def test_a_prediction_of_what_its_model_may_know_is_refused(log: PredictionLog):
    log.append("lightgbm", MONTH, frame(through=FIRST - GAP_H), GAP_H)
    with pytest.raises(InvariantError, match="may know the outcome"):
        log.append(
            "lightgbm",
            MONTH + 1,
            frame(first=month_start(MONTH + 1), through=month_start(MONTH + 1) - GAP_H + 1),
            GAP_H,
        )


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda rows: rows.reverse(), "not sorted"),
        (lambda rows: pl.concat([rows[:1], rows]), "twice"),
        (lambda rows: rows.drop("z24"), "columns"),
        (lambda rows: rows.with_columns(asof=pl.col("asof") + 24 * 31), "do not belong"),
    ],
)
def test_rows_out_of_order_doubled_incomplete_or_of_another_month_are_refused(log: PredictionLog, spoil, why):
    with pytest.raises(InvariantError, match=why):
        log.append("lightgbm", MONTH, spoil(frame()), GAP_H)
    assert not log.has("lightgbm", MONTH)


def test_the_digest_forgets_when_but_not_what_was_written(tmp_path: Path):
    logs = [PredictionLog(tmp_path / name) for name in ("one", "two", "other")]
    logs[0].append("lightgbm", MONTH, frame(), GAP_H)
    time.sleep(1.1)
    logs[1].append("lightgbm", MONTH, frame(), GAP_H)
    logs[2].append("lightgbm", MONTH, frame().with_columns(z1=pl.col("z1") + 1e-6), GAP_H)
    written = [pl.read_parquet(next(log.folder.rglob("*.parquet")))["written_at"][0] for log in logs[:2]]
    assert written[0] != written[1]
    assert logs[0].digest() == logs[1].digest() != logs[2].digest()


def test_what_a_stack_said_stands_where_the_backtest_looks_for_it():
    rows = frame(STACK).with_columns(veto=pl.Series([0.0, 1.0, 2.0, 3.0]))
    made = predictions_of(rows, ("ADA/USD", *NAMES), FIRST - 1, FIRST + 1)
    assert np.isnan(made.p24[0]).all()
    assert np.isnan(made.p24[:, 0]).all()
    assert made.p24[1, 1] == rows["p24"][0]
    assert made.e_hold[2, 2] == rows["e_hold"][3]
    assert made.veto.tolist() == [[0, 0, 0], [0, 0, 1], [0, 2, 3]]
    assert made.p_crash[2] == rows["p_crash"][3]
    assert made.trained_through.tolist() == [0, FIRST - 50, FIRST - 50]
    assert made.release != predictions_of(frame(STACK, seed=2), NAMES, FIRST, FIRST + 1).release


def test_the_newest_finished_walk_that_covers_the_days_is_found(tmp_path: Path):
    def walk(name: str, *, done: bool = True, **about: object) -> PredictionLog:
        log = PredictionLog(tmp_path / name)
        span = {"venue": "kraken", "preset": "full", "stack_first": FIRST, "last": FIRST + 900}
        log.note(ABOUT, span | about)
        if done:
            log.note(DONE, {})
        return log

    walk("unfinished", done=False)
    walk("elsewhere", venue="binance")
    walk("small", preset="quick")
    walk("late", stack_first=FIRST + 5)
    with pytest.raises(DataError, match="ballast walkforward --venue kraken --preset full"):
        latest(tmp_path, "kraken", "full", FIRST, FIRST + 900)
    walk("old")
    time.sleep(0.05)
    newest = walk("new")
    assert latest(tmp_path, "kraken", "full", FIRST, FIRST + 900).folder == newest.folder
    assert month_of(FIRST) == MONTH
