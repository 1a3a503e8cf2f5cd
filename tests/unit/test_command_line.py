"""The command's outer skin: errors in one line, exit codes, the home folder."""

import os
from pathlib import Path

import pytest
import typer
from platformdirs import user_data_path
from typer.testing import CliRunner

from cli.home import home_dir
from cli.main import ErrorsInOneLine, app
from trading.errors import BallastError, DataError, UsageError


def failing(error: BaseException) -> typer.Typer:
    """A command line under the same root group whose only command raises."""
    broken = typer.Typer(cls=ErrorsInOneLine)

    @broken.callback()
    def root() -> None: ...

    @broken.command()
    def fail() -> None:
        raise error

    return broken


@pytest.mark.parametrize(
    ("error", "exit_code", "said"),
    [
        (DataError("bars.csv line 3: high below low; mend the file"), 1, "error: bars.csv line 3"),
        (UsageError("no such predictor [x]; choose one of a, b"), 2, "error: no such predictor [x]"),
        (KeyboardInterrupt(), 130, "interrupted; nothing is lost"),
    ],
)
def test_an_error_is_one_line_on_stderr(error: BaseException, exit_code: int, said: str) -> None:
    result = CliRunner().invoke(failing(error), ["fail"])
    assert (result.exit_code, result.stdout) == (exit_code, "")
    assert result.stderr.startswith(said)
    assert result.stderr.count("\n") == 1


def test_a_defect_keeps_its_traceback() -> None:
    result = CliRunner().invoke(failing(ZeroDivisionError("ours")), ["fail"])
    assert isinstance(result.exception, ZeroDivisionError)
    assert not isinstance(result.exception, BallastError)


@pytest.mark.parametrize("arguments", [["nonsense"], ["--nonsense"], ["test", "--home"]])
def test_nonsense_is_a_usage_error(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.testing.CHECKOUT", Path("nowhere"))
    assert CliRunner().invoke(app, arguments).exit_code == 2


def test_help_and_version_answer() -> None:
    assert CliRunner().invoke(app, ["--version"]).stdout.startswith("ballast ")
    listed = CliRunner().invoke(app, ["-h"])
    assert listed.exit_code == 0
    assert "test" in listed.stdout


@pytest.fixture
def no_home(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.delenv("BALLAST_HOME", raising=False)
    return monkeypatch


def test_home_is_the_option_then_the_variable(tmp_path: Path, no_home: pytest.MonkeyPatch) -> None:
    no_home.setenv("BALLAST_HOME", str(tmp_path / "variable"))
    assert home_dir(tmp_path / "option" / "deep") == tmp_path / "option" / "deep"
    assert home_dir() == tmp_path / "variable"
    assert home_dir().is_dir()


def test_home_is_the_platforms_data_folder_by_default(tmp_path: Path, no_home: pytest.MonkeyPatch) -> None:
    no_home.setenv("XDG_DATA_HOME", str(tmp_path))
    no_home.setenv("HOME", str(tmp_path))
    assert home_dir() == user_data_path("ballast", appauthor=False)
    assert home_dir().is_relative_to(tmp_path)


def test_a_home_that_is_a_file_or_read_only_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="cannot make the home folder"):
        home_dir(tmp_path / "file")
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(UsageError, match="cannot write to the home folder"):
        home_dir(tmp_path / "folder")
