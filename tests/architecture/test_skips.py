"""The list of accepted skips stays short, precise and reviewed; `--require-all` fails on any other."""

import re
import tomllib
from pathlib import Path

import pytest

SKIPS = Path(__file__).resolve().parents[1] / "skips.toml"
NEVER = ("data", "temporal", "postgres", "browser", "chromium", "playwright", "engine", "database")

pytest_plugins = ["pytester"]


def entries() -> list[dict[str, str]]:
    listed: list[dict[str, str]] = tomllib.loads(SKIPS.read_text()).get("accepted", [])
    return listed


def test_at_most_ten_reasons_are_accepted_each_with_its_why() -> None:
    assert len(entries()) <= 10
    for entry in entries():
        assert set(entry) == {"reason", "why"}
        assert len(entry["why"]) > 20, f"say what is lost by: {entry['reason']}"


def test_no_accepted_reason_is_about_data_engine_database_or_browser() -> None:
    for entry in entries():
        assert not [word for word in NEVER if word in (entry["reason"] + entry["why"]).lower()], entry


def test_no_accepted_reason_swallows_what_it_does_not_name() -> None:
    for entry in entries():
        for stranger in ("", "BALLAST_DATA is not set: no real market data", "x" * 80, "no PostgreSQL here"):
            assert not re.fullmatch(entry["reason"], stranger), entry


SUITE = """
    import pytest

    def test_that_runs() -> None:
        assert True

    @pytest.mark.skip(reason="listed: no such processor")
    def test_with_a_listed_reason() -> None: ...

    @pytest.mark.skip(reason="it was late")
    def test_without() -> None: ...

    @pytest.mark.xfail(reason="broken for years")
    def test_that_is_given_up() -> None:
        assert False

    @pytest.mark.slow
    def test_that_takes_minutes() -> None: ...
"""


@pytest.fixture
def suite(pytester: pytest.Pytester) -> pytest.Pytester:
    """A small suite under this project's conftest, with one reason on its list."""
    pytester.makeconftest((SKIPS.parent / "conftest.py").read_text())
    pytester.makefile(".toml", skips='[[accepted]]\nreason = "listed: .*"\nwhy = "for this test"\n')
    pytester.makeini("[pytest]\nmarkers = slow: long\naddopts = -q\n")
    pytester.makepyfile(SUITE)
    return pytester


def run(suite: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    """In this process where pytest can; workers need a fresh one."""
    start = suite.runpytest_subprocess if "2" in arguments else suite.runpytest_inprocess
    return start(*arguments)


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_run_ends_with_what_could_not_run_and_then_the_closing_line(
    suite: pytest.Pytester, workers: str
) -> None:
    lines = run(suite, "-n", workers).outlines
    table = lines[next(i for i, line in enumerate(lines) if "could not run here" in line) + 1 :]
    assert [line.split(maxsplit=1) for line in table[:4]] == [
        ["1", "expected to fail: broken for years"],
        ["1", "it was late"],
        ["1", "listed: no such processor"],
        ["1", "slow: ./ballast test --slow runs them"],
    ]
    assert re.match(r"1 passed, 2 skipped, (1 deselected, )?1 xfailed", lines[-1])


@pytest.mark.parametrize("workers", ["0", "2"])
def test_when_all_are_required_only_a_listed_reason_is_let_pass(suite: pytest.Pytester, workers: str) -> None:
    result = run(suite, "--require-all", "-n", workers)
    result.assert_outcomes(passed=1, skipped=1, failed=1, errors=1, deselected=0 if workers == "2" else 1)
    result.stdout.fnmatch_lines(
        ["could not run, and its reason is not in skips.toml: it was late", "*1  it was late"]
    )


def test_a_module_that_skips_itself_is_judged_too(suite: pytest.Pytester) -> None:
    suite.makepyfile(test_absent="import pytest\npytest.importorskip('no_such_package')\n")
    assert run(suite, "test_absent.py").ret == pytest.ExitCode.NO_TESTS_COLLECTED
    assert run(suite, "--require-all", "test_absent.py").ret == pytest.ExitCode.INTERRUPTED


def test_slow_tests_run_when_asked_for(suite: pytest.Pytester) -> None:
    run(suite, "--slow").assert_outcomes(passed=2, skipped=2, xfailed=1)
