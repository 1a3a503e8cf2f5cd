"""`ballast features`: the export holds what `compute` gives, and replaces the file only when complete."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from adapters.bars import BarStore
from cli.features import app
from trading.clock import HOUR_S
from trading.errors import BallastError, UsageError
from trading.features.compute import compute
from trading.features.library import FEATURES, LOOKBACK, page

FIRST = 455_832
"""2022-01-01T00:00Z."""
HOURS = LOOKBACK + 24 * 40


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose store holds two instruments up to 2022-01-01 and 40 days beyond."""
    folder, random = tmp_path_factory.mktemp("home"), np.random.default_rng(4)
    asof = (FIRST - LOOKBACK + 1 + np.arange(HOURS)) * HOUR_S
    for name in ("BTC/USD", "ETH/USD"):
        close = 100 * np.cumprod(1 + random.normal(0, 0.004, HOURS)).round(4)
        frame = pl.DataFrame(
            {
                "asof": pl.from_epoch(pl.Series(asof)).dt.replace_time_zone("UTC"),
                "open": close,
                "high": close * 1.01,
                "low": close * 0.99,
                "close": close,
                "volume": np.full(HOURS, 3.0),
                "trades": np.full(HOURS, 5),
            }
        )
        BarStore(folder / "bars").write("generated", name, frame)
    return folder


def run(home: Path, out: Path, start: str, end: str, venue: str = "generated"):
    command = [
        "export",
        "--home",
        str(home),
        "--venue",
        venue,
        "--from",
        start,
        "--to",
        end,
        "--out",
        str(out),
    ]
    return CliRunner().invoke(app, command)


def test_the_file_holds_what_compute_gives(home: Path, tmp_path: Path) -> None:
    out = tmp_path / "f.parquet"
    result = run(home, out, "2022-01-01", "2022-02-05")
    assert result.exit_code == 0, result.output
    frame = pl.read_parquet(out)
    grid = BarStore(home / "bars").grid("generated", FIRST - LOOKBACK + 1, FIRST + 36 * 24)
    panel = compute(grid, grid.valid, LOOKBACK)
    assert frame.columns == ["asof", "instrument", *(feature.name for feature in FEATURES)]
    assert frame.height == 36 * 24 * 2
    assert str(frame["asof"][0]) == "2022-01-01 01:00:00+00:00"
    assert str(frame["asof"][-1]) == "2022-02-06 00:00:00+00:00"
    for feature in FEATURES:
        expected = np.ascontiguousarray(panel.column(feature.name)).tobytes()
        assert frame[feature.name].to_numpy().tobytes() == expected, feature.name


def test_a_failed_export_leaves_the_old_file(home: Path, tmp_path: Path) -> None:
    out = tmp_path / "f.parquet"
    out.write_text("old")
    for arguments in (("2022-01-01", "2022-01-02", "nowhere"), ("2030-01-01", "2030-01-02", "generated")):
        assert isinstance(run(home, out, *arguments).exception, BallastError)
    assert isinstance(run(home, out, "2022-01-02", "2022-01-01").exception, UsageError)
    assert out.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["f.parquet"]


def test_the_list_can_be_read_by_people_and_scripts() -> None:
    runner = CliRunner()
    assert runner.invoke(app, ["list", "--markdown"]).output == page()
    listed = json.loads(runner.invoke(app, ["list", "--json"]).output)
    assert [row["name"] for row in listed["features"]] == [feature.name for feature in FEATURES]
    assert "slope_168h" in runner.invoke(app, ["list"]).output
