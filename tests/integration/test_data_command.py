"""`ballast data` as a person or a script meets it."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from cli.main import app

ROW = "{},10,11,9,10,1.5,3\n"
START_S = 1_672_531_200


def ballast(home: Path, *arguments: object) -> Result:
    return CliRunner().invoke(app, ["data", *map(str, arguments), "--home", str(home)])


def reply(home: Path, *arguments: object) -> dict[str, Any]:
    result = ballast(home, *arguments, "--json")
    assert result.exit_code == 0, result.output
    document: dict[str, Any] = json.loads(result.stdout)
    return document


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "XBTUSD_60.csv").write_text("".join(ROW.format(START_S + i * 3600) for i in (0, 1, 4)))
    return folder


def test_import_says_what_it_did_and_then_that_nothing_is_left(tmp_path: Path, folder: Path) -> None:
    first = ballast(tmp_path / "home", "import", folder, "--venue", "kraken")
    assert first.exit_code == 0
    assert "3 new hours" in first.stdout
    second = ballast(tmp_path / "home", "import", folder, "--venue", "kraken")
    assert second.exit_code == 0
    assert "nothing to do" in second.stdout


def test_a_refused_file_makes_the_exit_status_one_and_is_explained(tmp_path: Path, folder: Path) -> None:
    (folder / "ETHUSD.parquet").write_bytes(b"PAR1 and no more")
    result = ballast(tmp_path / "home", "import", folder, "--venue", "kraken")
    assert result.exit_code == 1
    assert "ETHUSD.parquet: not a whole parquet file" in result.stdout
    assert "1 refused; 3 new hours" in result.stdout


def test_a_file_of_too_long_an_interval_alone_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "XBTUSD_1440.csv").write_text(ROW.format(START_S))
    result = ballast(tmp_path / "home", "import", tmp_path / "XBTUSD_1440.csv", "--venue", "kraken")
    assert result.exit_code == 1
    assert "bars of 1440 minutes cannot be rebuilt" in result.stdout


def test_a_path_that_is_not_there_and_a_folder_without_data_are_usage_errors(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for path, reason in (("nowhere", "does not exist"), ("empty", "holds no .csv")):
        result = ballast(tmp_path / "home", "import", tmp_path / path, "--venue", "kraken")
        assert result.exit_code == 2
        assert reason in result.stderr


def test_scripts_get_json(tmp_path: Path, folder: Path) -> None:
    home = tmp_path / "home"
    (file,) = reply(home, "import", folder, "--venue", "kraken")["files"]
    assert (file["file"], file["status"], file["added"]) == ("XBTUSD_60.csv", "imported", 3)
    (line,) = reply(home, "status")["instruments"]
    assert (line["venue"], line["instrument"], line["hours"]) == ("kraken", "BTC/USD", 3)
    assert line["gaps"] == [{"first": "2023-01-01T03:00Z", "hours": 2}]
    assert line["present"] == 0.6


def test_status_lists_gaps_when_asked_and_refuses_an_empty_store(tmp_path: Path, folder: Path) -> None:
    home = tmp_path / "home"
    empty = ballast(home, "status")
    assert empty.exit_code == 1
    assert "ballast data import" in empty.stderr
    ballast(home, "import", folder, "--venue", "kraken")
    assert "kraken BTC/USD: 2 h from 2023-01-01T03:00Z" in ballast(home, "status", "--gaps").stdout
    assert ballast(home, "status", "--venue", "mars").exit_code == 2


def test_a_home_holds_one_generated_market(tmp_path: Path) -> None:
    options = ("generate", "--years", 1, "--instruments", 3, "--seed")
    first = reply(tmp_path, *options, 7)
    assert first["added"] > 20_000
    assert reply(tmp_path, *options, 7)["added"] == 0
    other = ballast(tmp_path, *options, 8)
    assert other.exit_code == 2
    assert "another --home" in other.stderr
    assert reply(tmp_path, "status")["instruments"][0]["hours"] < 8_760
