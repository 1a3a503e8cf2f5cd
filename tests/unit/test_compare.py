"""Runs laid over one another, from values and from the command line."""

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from cli.main import app
from trading.backtest.report import Record
from trading.backtest.report.compare import compare
from trading.errors import UsageError

FIRST = datetime(2022, 1, 1, tzinfo=UTC)


def record(days, seed, first=FIRST, drift=0.0):
    hours = 24 * days + 1
    values = np.cumprod(1 + np.random.default_rng(seed).normal(drift, 0.002, hours))
    equity = pl.DataFrame(
        {
            "asof": pl.datetime_range(
                first, first + timedelta(hours=hours - 1), "1h", time_zone="UTC", eager=True
            ),
            "equity": values,
            "units": np.ones(hours),
            "exposure": np.full(hours, 0.1),
        }
    )
    fills = pl.DataFrame(
        {"asof": [first, first + timedelta(days=days - 1)], "value": [1.0, 1.0], "fee": [0.1, 0.2]}
    )
    return Record(equity, fills.with_columns(pl.col("asof").cast(equity["asof"].dtype)))


@pytest.fixture
def home(tmp_path):
    for name, seed, drift in (("calm", 1, 0.0), ("bold", 2, 0.0008)):
        folder = tmp_path / "runs" / name
        folder.mkdir(parents=True)
        run = record(90, seed, drift=drift)
        run.equity.write_parquet(folder / "equity.parquet")
        run.fills.write_parquet(folder / "fills.parquet")
        folder.joinpath("run.json").write_text(json.dumps({"predictor": name, "digest": name * 4}))
    return tmp_path


def invoke(home, *arguments):
    return CliRunner().invoke(app, ["compare", *arguments, "--home", str(home)])


def test_only_the_common_hours_are_measured():
    late = record(60, 2, FIRST + timedelta(days=40))
    of = compare({"a": record(60, 1), "b": late}, repetitions=50)
    assert (of.first, of.last) == (FIRST + timedelta(days=40), FIRST + timedelta(days=60))
    assert [r.equity.height for r in of.records.values()] == [20 * 24 + 1] * 2
    assert [m.trades for m in of.metrics.values()] == [1, 1]


def test_the_gain_is_the_other_runs_less_the_first_ones():
    of = compare({"a": record(200, 1), "b": record(200, 2, drift=0.001)}, repetitions=300)
    gain = of.sharpe_gain["b"]
    assert gain.estimate == pytest.approx(of.metrics["b"].sharpe - of.metrics["a"].sharpe)
    assert 0 < gain.low < gain.estimate < gain.high


def test_runs_of_different_years_cannot_be_compared():
    with pytest.raises(UsageError, match="share hours"):
        compare({"a": record(5, 1), "b": record(5, 2, FIRST + timedelta(days=400))})


def test_the_command_writes_a_page_and_a_table(home):
    result = invoke(home, "calm", "bold")
    assert result.exit_code == 0, result.output
    assert "calm" in result.output
    page = home / "comparisons" / "calm--bold.html"
    assert "2 runs compared" in page.read_text()


def test_json_has_the_figures_of_every_run(home):
    out = json.loads(invoke(home, "calm", "bold", "--json").stdout)
    assert set(out["metrics"]) == {"calm", "bold"}
    assert out["metrics"]["bold"]["sharpe"] > out["metrics"]["calm"]["sharpe"]
    assert set(out["sharpe_gain"]) == {"bold"}


def test_a_folder_may_stand_for_a_run_id(home, tmp_path):
    out = home / "page.html"
    result = invoke(home, str(home / "runs" / "calm"), "bold", "--out", str(out))
    assert result.exit_code == 0
    assert out.is_file()


def test_an_unknown_run_lists_the_known_ones(home):
    result = invoke(home, "calm", "missing")
    assert result.exit_code == 2
    assert "bold, calm" in result.output


def test_one_run_cannot_be_compared_with_itself(home):
    assert invoke(home, "calm", "calm").exit_code == 2
