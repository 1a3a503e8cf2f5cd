"""What every test shares: numba's cache, Hypothesis' settings, the market data, and honesty about skips.

A skipped test is work not done. The run ends with a table of skips by reason; under `--require-all` a skip
whose reason is not on the reviewed list `tests/skips.toml` is a failure.
"""

import os
import re
import tomllib
from collections import Counter
from collections.abc import Generator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from platformdirs import user_cache_path

from trading.compiled import use_cache

CI = os.environ.get("CI", "").lower() in {"1", "true"}
SKIPS = Path(__file__).parent / "skips.toml"

settings.register_profile("ballast", deadline=None, print_blob=True, derandomize=CI)
settings.load_profile("ballast")

use_cache(user_cache_path("ballast-tests", appauthor=False))


@pytest.fixture(scope="session")
def market_data() -> Path:
    """The folder of real market data named by BALLAST_DATA; the test is skipped without one."""
    named = os.environ.get("BALLAST_DATA")
    if not named:
        pytest.skip("BALLAST_DATA is not set: no real market data")
    folder = Path(named)
    assert folder.is_dir(), f"BALLAST_DATA names {folder}, which is no folder"
    return folder


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--require-all", action="store_true", help="fail on skips that tests/skips.toml does not list"
    )
    parser.addoption("--slow", action="store_true", help="run tests marked slow too")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--slow"):
        return
    slow = [item for item in items if item.get_closest_marker("slow")]
    items[:] = [item for item in items if not item.get_closest_marker("slow")]
    config.hook.pytest_deselected(items=slow)
    if hasattr(config, "workeroutput"):
        config.workeroutput["slow"] = len(slow)
    else:
        config.stash[LEFT_OUT] = len(slow)


LEFT_OUT = pytest.StashKey[int]()
"""How many slow tests this run leaves out."""


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """Every worker of a parallel run collects the same tests, so any one's count will do."""
    node.config.stash[LEFT_OUT] = getattr(node, "workeroutput", {}).get("slow", 0)


@cache
def accepted() -> tuple[re.Pattern[str], ...]:
    """The reviewed reasons for which a test may be skipped even when all are required."""
    return tuple(
        re.compile(entry["reason"]) for entry in tomllib.loads(SKIPS.read_text()).get("accepted", [])
    )


def reason_of(report: pytest.TestReport | pytest.CollectReport) -> str:
    """Why a report says that its test was skipped or expected to fail."""
    if hasattr(report, "wasxfail"):
        return f"expected to fail: {report.wasxfail}"
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return text.removeprefix("Skipped: ")


def judge(report: Any, config: pytest.Config) -> None:
    """Note why a test could not run; under --require-all a reason that is not accepted is a failure."""
    if not report.skipped:
        return
    report.could_not_run = reason = reason_of(report)
    if config.getoption("--require-all") and not any(pattern.fullmatch(reason) for pattern in accepted()):
        report.outcome = "failed"
        report.longrepr = f"could not run, and its reason is not in {SKIPS.name}: {reason}"
        vars(report).pop("wasxfail", None)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    judge(report, item.config)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    judge(report, collector.config)
    return report


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """The table of what could not run here and why."""
    reports = [report for group in terminalreporter.stats.values() for report in group]
    reasons = Counter(report.could_not_run for report in reports if hasattr(report, "could_not_run"))
    left_out = config.stash.get(LEFT_OUT, 0)
    if left_out:
        reasons["slow: ./ballast test --slow runs them"] = left_out
    terminalreporter.section("could not run here")
    if not reasons:
        terminalreporter.write_line("nothing: every test ran")
    for reason, count in sorted(reasons.items(), key=lambda pair: (-pair[1], pair[0])):
        terminalreporter.write_line(f"{count:6}  {reason}")
