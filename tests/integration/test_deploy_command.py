"""`ballast deploy`: a release compared with the one that runs, and what that one could not live with."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from adapters.storage.engine import connect, sqlite_url
from adapters.storage.fitting import objections, pending
from adapters.storage.migrate import head, upgrade
from cli.main import app

FIRST = "0010"
"""Where the first release that can be taken back stands."""
OLD, NEW = (f"registry.test/slim@sha256:{digit * 64}" for digit in "ab")


def run(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["deploy", *arguments], env={"BALLAST_DATABASE": None})
    return done.exit_code, done.output


@pytest.fixture
def running(tmp_path: Path) -> Path:
    """What runs: this release, as it says itself."""
    file = tmp_path / "running.json"
    file.write_text(run("facts", "--image", OLD)[1])
    return file


def changed(running: Path, **values: Any) -> None:
    running.write_text(json.dumps(json.loads(running.read_text()) | values))


def test_nothing_changes_when_the_same_takes_the_place_of_the_same(running: Path) -> None:
    assert run("plan", "--running", str(running), "--image", OLD, "--check") == (0, "nothing changes\n")


def test_everything_that_differs_is_named(running: Path) -> None:
    before = json.loads(running.read_text())["structure"]
    before["risk limits"]["limits.cluster_positions_max"] = "7"
    before["workflow commands"].popitem()
    changed(running, schema=FIRST, structure=before, configuration="0" * 64)
    status, said = run("plan", "--running", str(running), "--image", NEW, "--json", "--check")
    assert status == 0, said
    found = {change["what"]: change for change in json.loads(said)["changes"]}
    assert set(found) == {"image", "schema", "risk limits", "workflow commands", "configuration"}
    assert (found["image"]["before"], found["image"]["after"]) == (OLD, NEW)
    assert found["schema"]["details"][0].startswith("0011 ")
    assert found["risk limits"]["details"] == ["changed: limits.cluster_positions_max from 7 to 5"]
    assert found["workflow commands"]["details"][0].startswith("added: ")


def test_the_database_s_own_word_about_its_schema_counts_more(running: Path, tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "x.db")
    upgrade(connect(url), FIRST)
    said = run("plan", "--running", str(running), "--database", str(url))[1]
    assert f"schema: {FIRST} -> {head()}" in said


def test_what_terraform_would_destroy_must_be_looked_at_first(running: Path, tmp_path: Path) -> None:
    actions = {
        "a.new": ["create"],
        "a.gone": ["delete"],
        "a.other": ["delete", "create"],
        "a.same": ["no-op"],
    }
    rows = [{"address": name, "change": {"actions": did}} for name, did in actions.items()]
    (tmp_path / "plan.json").write_text(json.dumps({"resource_changes": rows}))
    told = ("plan", "--running", str(running), "--image", OLD, "--terraform", str(tmp_path / "plan.json"))
    status, said = run(*told)
    assert (status, "infrastructure: as it is -> 1 to create, 1 to delete, 1 to replace" in said) == (0, True)
    assert "LOOK FIRST: would delete a.gone" in said
    assert "a.same" not in said
    assert run(*told, "--check")[0] == 1
    (tmp_path / "plan.json").write_text("{}")
    assert run(*told)[0] == 2


def test_every_revision_since_the_first_release_fits_the_one_before() -> None:
    steps = pending(FIRST)
    assert [step.revision for step in steps][-1] == head()
    assert {step.revision: step.against for step in steps if step.against} == {}


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE orders",
        "ALTER TABLE orders DROP COLUMN price",
        "ALTER TABLE orders RENAME TO commands",
        "ALTER TABLE orders ADD COLUMN venue TEXT NOT NULL",
        "CREATE TRIGGER orders_no_more BEFORE INSERT ON orders BEGIN SELECT 1; END",
        "CREATE UNIQUE INDEX one ON orders (price)",
        "UPDATE orders SET price = 0",
    ],
)
def test_what_the_release_before_could_not_live_with_is_named(statement: str) -> None:
    assert objections(["SELECT 1", statement]) == (statement,)


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE orders ADD COLUMN venue TEXT",
        "ALTER TABLE orders ADD COLUMN venue TEXT NOT NULL DEFAULT 'kraken'",
        "CREATE INDEX ix ON orders (price)",
        "CREATE TABLE news (id INTEGER)",
    ],
)
def test_what_only_adds_fits(statement: str) -> None:
    assert objections([statement]) == ()


def test_a_rule_over_a_table_of_its_own_refuses_nothing_that_was_taken_before() -> None:
    rule = "CREATE TRIGGER news_no_more BEFORE INSERT ON news BEGIN SELECT 1; END"
    assert objections(["CREATE TABLE news (id INTEGER)", rule]) == ()
    assert objections([rule]) != ()
