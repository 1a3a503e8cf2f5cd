"""`ballast backtest` as a person or a script meets it, on a made-up market."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from platformdirs import user_cache_path
from typer.testing import CliRunner, Result

from adapters.bars import BarStore
from cli.main import app
from config import trading
from trading.policies.benchmarks import POLICIES

SPAN = ("--from", "2024-06-01", "--to", "2024-08-31")
MADE = ("--venue", "generated")
METRICS = {
    *("cagr", "volatility", "sharpe", "sortino", "max_drawdown", "max_monthly_drawdown", "worst_month"),
    *("exposure", "turnover", "trades", "fees_paid"),
}
PARTS = ("decisions", "fills", "equity", "journal")
COMMAND = (sys.executable, "-c", "from cli.main import main; main()")


def new_home(folder: Path) -> Path:
    """A home that shares the tests' compiled code, so that nothing is compiled again."""
    kept = user_cache_path("ballast-tests", appauthor=False)
    kept.mkdir(parents=True, exist_ok=True)
    (folder / "cache").mkdir(parents=True)
    (folder / "cache" / "compiled").symlink_to(kept)
    return folder


def ballast(home: Path, *arguments: object) -> Result:
    return CliRunner().invoke(app, [*map(str, arguments), "--home", str(home)])


def backtest(home: Path, *arguments: object) -> dict[str, Any]:
    result = ballast(home, "backtest", *SPAN, *MADE, *arguments, "--json")
    assert result.exit_code == 0, result.output
    reply: dict[str, Any] = json.loads(result.stdout)
    return reply


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = new_home(tmp_path_factory.mktemp("home"))
    made = ballast(folder, "data", "generate", "--years", 1, "--instruments", 5)
    assert made.exit_code == 0, made.output
    return folder


@pytest.fixture(scope="module")
def reply(home: Path) -> dict[str, Any]:
    return backtest(home, "--predictor", "trend-a")


@pytest.fixture(scope="module")
def folder(reply: dict[str, Any]) -> Path:
    return Path(reply["report"]).parent


def contents(folder: Path) -> dict[str, bytes]:
    return {part: (folder / f"{part}.parquet").read_bytes() for part in PARTS}


def test_a_script_gets_every_figure(reply: dict[str, Any], folder: Path) -> None:
    assert reply["from"] == "2024-06-01T00:00:00+00:00"
    assert reply["to"] == "2024-09-01T00:00:00+00:00"
    assert (reply["predictor"], reply["fees"], reply["venue"]) == ("trend-a", "mission", "generated")
    assert re.fullmatch("[0-9a-f]{64}", reply["digest"])
    assert set(reply["metrics"]) >= METRICS
    assert set(reply["benchmarks"]) >= set(POLICIES)
    assert all(set(figures) >= METRICS for figures in reply["benchmarks"].values())
    assert reply["metrics"]["trades"] > 0
    assert folder.parent.name == "runs"
    written = json.loads((folder / "run.json").read_text())
    assert written == {key: value for key, value in reply.items() if key != "report"}


def test_the_frames_have_the_columns_that_scripts_rely_on(folder: Path) -> None:
    columns = {part: set(pl.read_parquet_schema(folder / f"{part}.parquet")) for part in PARTS}
    named = "asof instrument target verdict breach intent denial"
    assert columns["decisions"] >= set(named.split())
    named = "time asof instrument side kind quantity price limit stop fee slippage"
    assert columns["fills"] >= set(named.split())
    named = "asof equity units cash exposure positions risk_drawdown lifetime_drawdown tier halted triggers"
    assert columns["equity"] >= set(named.split())
    assert columns["journal"] == {"entry", "time", "account", "asset", "amount"}


def test_every_column_is_described(folder: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "report.md").read_text()
    known = set(re.findall(r"`([a-z0-9_]+)`", page))
    for part in PARTS:
        columns = set(pl.read_parquet_schema(folder / f"{part}.parquet"))
        assert {name for name in columns if not name.endswith("_e8")} <= known, part


def test_every_hour_is_there_and_a_fill_lies_in_the_hour_after_its_decision(folder: Path) -> None:
    equity = pl.read_parquet(folder / "equity.parquet")
    assert equity.height == 92 * 24 + 1
    assert set(equity["asof"].diff().drop_nulls()) == {timedelta(hours=1)}
    fills = pl.read_parquet(folder / "fills.parquet")
    assert (fills["time"] - fills["asof"]).is_between(timedelta(0), timedelta(hours=1), closed="right").all()
    assert fills.filter(pl.col("limit").is_null() & pl.col("kind").str.contains("entry")).is_empty()


def test_orders_that_were_decided_are_those_that_filled(folder: Path) -> None:
    decisions = pl.read_parquet(folder / "decisions.parquet")
    fills = pl.read_parquet(folder / "fills.parquet").filter(~pl.col("kind").str.contains("stop"))
    approved = decisions.filter(pl.col("approved") != 0).select("asof", "instrument", "approved_lots")
    of_orders = fills.group_by("asof", "instrument").agg(pl.col("lots").sum())
    both = of_orders.join(approved, on=["asof", "instrument"], how="left")
    assert both["approved_lots"].null_count() == 0
    assert (both["lots"].abs() <= both["approved_lots"].abs()).all()
    assert (both["lots"].sign() == both["approved_lots"].sign()).all()


@pytest.mark.parametrize("threads", ["1", "2"])
def test_another_process_on_any_number_of_threads_writes_the_same_bytes(
    home: Path, folder: Path, threads: str
) -> None:
    before = contents(folder)
    environment = os.environ | {"POLARS_MAX_THREADS": threads, "NUMBA_NUM_THREADS": threads}
    options = ("backtest", *SPAN, *MADE, "--predictor", "trend-a", "--home", str(home))
    subprocess.run([*COMMAND, *options], env=environment, check=True, capture_output=True, timeout=300)
    assert contents(folder) == before


def test_a_person_gets_a_table_and_the_way_to_the_page(home: Path) -> None:
    result = ballast(home, "backtest", *SPAN, *MADE, "--predictor", "cash")
    assert result.exit_code == 0
    for name in POLICIES:
        assert name in result.stdout
    assert re.search(r"targets: (NOT MET|INCONCLUSIVE|MET)\n", result.stdout)
    page = Path(re.search(r"report: +(.+)\n", result.stdout)[1])  # type: ignore[index]
    assert page.is_file()


def test_the_page_loads_nothing_and_is_small(folder: Path) -> None:
    page = (folder / "report.html").read_text()
    assert len(page) < 1 << 20
    assert not re.search(r"https?://", page)
    assert not re.search(r"""\b(src|href)\s*=\s*["']?(?!["']|#|data:)""", page)
    assert not re.search(r"@import|url\(", page)


def test_a_configuration_is_a_trial_once(tmp_path: Path, home: Path) -> None:
    other = new_home(tmp_path / "home")
    (other / "bars").symlink_to(home / "bars")
    for fees in ("mission", "mission", "kraken-2026-07"):
        backtest(other, "--predictor", "cash", "--fees", fees)
    trials = [json.loads(line) for line in (other / "trials.jsonl").read_text().splitlines()]
    assert [trial["fees"] for trial in trials] == ["mission", "kraken-2026-07"]


def test_a_review_lifts_a_halt_and_the_page_says_so(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reviewed = trading.load()
    limits = reviewed.limits._replace(
        drawdown_small_pct=1, drawdown_large_pct=1, drawdown_halt_pct=1, drawdown_hysteresis_pct=0
    )
    monkeypatch.setattr(trading, "load", lambda fees: reviewed._replace(limits=limits))
    for hours, said in ((0, "absorbing"), (48, "review of 48 h")):
        reply = backtest(home, "--predictor", "trend-vote", "--review-after", hours)
        page = Path(reply["report"])
        halted = pl.read_parquet(page.with_name("equity.parquet"))["halted"]
        assert reply["review_after"] == (hours or None)
        assert said in page.read_text()
        assert halted.any()
        assert halted[-1] is (hours == 0)


def test_a_folder_is_imported_first(home: Path, tmp_path: Path) -> None:
    store, folder, other = BarStore(home / "bars"), tmp_path / "in", new_home(tmp_path / "home")
    folder.mkdir()
    seconds = pl.col("asof").dt.epoch("s") - 3_600
    for ours, theirs in (("BTC/USD", "XBTUSD"), ("ETH/USD", "ETHUSD")):
        bars = store.read("generated", ours)
        columns = [seconds, "open", "high", "low", "close", "volume", "trades"]
        bars.select(columns).write_csv(folder / f"{theirs}_60.csv", include_header=False)
    options = ("backtest", *SPAN, "--venue", "kraken", "--predictor", "trend-b", "--data", folder, "--json")
    first, second = (json.loads(ballast(other, *options).stdout) for _ in range(2))
    assert first["instruments"] == ["BTC/USD", "ETH/USD"]
    assert first["digest"] == second["digest"]


@pytest.mark.parametrize(
    ("options", "status", "said"),
    [
        (("--predictor", "oracle"), 2, "no predictor 'oracle'; choose one of cash"),
        (("--venue", "mars"), 2, "no bars of venue 'mars' (there are: generated)"),
        (("--venue", "binance"), 2, "no bars of venue 'binance'"),
        (("--fees", "none"), 2, "unknown fee preset 'none'; choose one of"),
        (("--from", "2024-08-01", "--to", "2024-07-01"), 2, "2024-08-01"),
        (("--from", "2024-08-01", "--to", "2023-01-01"), 2, "lies before --from 2024-08-01"),
        (("--from", "2010-06-01", "--to", "2011-01-01"), 2, "no bars of generated from 2010-06-01"),
        (("--from", "2019-06-01"), 1, "choose --from and --to inside"),
        (("--to", "2025-06-01"), 1, "bars of generated cover"),
        (("--data", "nowhere"), 2, "nowhere does not exist"),
    ],
)
def test_what_cannot_be_run_is_refused_in_one_line(
    home: Path, options: tuple[str, ...], status: int, said: str
) -> None:
    before = sorted((home / "runs").iterdir()) if (home / "runs").exists() else []
    result = ballast(home, "backtest", *SPAN, *MADE, *options)
    assert result.exit_code == status, result.output
    (line,) = result.stderr.strip().splitlines()
    assert line.startswith("error: ")
    assert said in line
    assert before == (sorted((home / "runs").iterdir()) if (home / "runs").exists() else [])


def test_an_empty_home_says_how_to_get_bars(tmp_path: Path) -> None:
    result = ballast(tmp_path / "new", "backtest", *SPAN)
    assert result.exit_code == 2
    assert "import or generate some" in result.stderr


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def while_trading(monkeypatch: pytest.MonkeyPatch) -> None:
    from trading.backtest.engine import Portfolio

    monkeypatch.setattr(Portfolio, "advance", lambda self, block: interrupt())


def while_writing(monkeypatch: pytest.MonkeyPatch) -> None:
    write: Callable[..., None] = pl.DataFrame.write_parquet

    def half(frame: pl.DataFrame, path: Path) -> None:
        write(frame, path)
        interrupt()

    monkeypatch.setattr(pl.DataFrame, "write_parquet", half)


def while_moving_into_place(monkeypatch: pytest.MonkeyPatch) -> None:
    rename = Path.rename

    def stopped(path: Path, target: Path) -> Path:
        if path.name.endswith(".draft"):
            interrupt()
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", stopped)


@pytest.mark.parametrize("moment", [while_trading, while_writing, while_moving_into_place])
def test_an_interrupted_run_leaves_everything_as_it_was(
    home: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, moment: Callable[[pytest.MonkeyPatch], None]
) -> None:
    before, runs = contents(folder), sorted(folder.parent.iterdir())
    with monkeypatch.context() as patched:
        moment(patched)
        result = ballast(home, "backtest", *SPAN, *MADE, "--predictor", "trend-a")
    assert result.exit_code == 130
    assert "interrupted" in result.stderr
    assert sorted(folder.parent.iterdir()) == runs
    assert contents(folder) == before
    assert backtest(home, "--predictor", "trend-a")["metrics"]["trades"] > 0


def test_control_c_at_a_terminal_ends_the_program_with_130(home: Path, folder: Path) -> None:
    runs = sorted(folder.parent.iterdir())
    ours, theirs = pty.openpty()
    options = ("backtest", *SPAN, *MADE, "--predictor", "btc", "--home", str(home))
    with subprocess.Popen([*COMMAND, *options], stdout=subprocess.DEVNULL, stderr=theirs) as process:
        os.close(theirs)
        seen = b""
        while b"reading bars" not in seen:
            seen += os.read(ours, 1024)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=120) == 130
    os.close(ours)
    assert sorted(folder.parent.iterdir()) == runs


def test_a_run_whose_books_do_not_agree_is_refused(
    home: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from trading.backtest.engine import Portfolio

    runs, closing = sorted(folder.parent.iterdir()), Portfolio.closing
    monkeypatch.setattr(
        Portfolio, "closing", lambda of: closing(of)._replace(venue_cash=closing(of).venue_cash + 1)
    )
    result = ballast(home, "backtest", *SPAN, *MADE, "--predictor", "trend-b")
    assert result.exit_code == 1
    assert "the venue's books and ours differ" in result.stderr
    assert sorted(folder.parent.iterdir()) == runs
