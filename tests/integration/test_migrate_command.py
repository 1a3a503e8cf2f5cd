"""`ballast migrate` on a database file: from nothing, again, and only asked."""

import json
from pathlib import Path

from typer.testing import CliRunner

from adapters.storage.migrate import head
from cli.main import app


def migrate(home: Path, *arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["migrate", "--home", str(home), "--mode", "paper", *arguments])
    return done.exit_code, done.output


def test_a_schema_is_made_once_and_then_found(tmp_path: Path) -> None:
    code, said = migrate(tmp_path, "--check")
    assert (code, "the schema is empty" in said) == (2, True)
    assert json.loads(migrate(tmp_path, "--json")[1]) == {"from": None, "to": head()}
    assert migrate(tmp_path, "--check") == (0, f"the schema is already {head()}\n")
    assert (tmp_path / "paper" / "ballast.db").exists()
