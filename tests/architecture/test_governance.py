"""Structure is accounted for, and the pages of governance say what holds."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from cli import decisions, structure
from cli.governance import INDEX

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "docs/governance/RISK_RULES.md"
ROW = re.compile(r"^\| `([\w.]+)` \| ([^|]+?) \|", re.MULTILINE)


def test_every_structural_change_is_accounted_for() -> None:
    found = structure.unaccounted(structure.current(), structure.recorded(), structure.written())
    assert not found, "\n".join(map(str, found))


def test_the_risk_rules_name_every_limit_with_its_value() -> None:
    values = tomllib.loads((ROOT / "config/trading.toml").read_text())
    told = dict(ROW.findall(RULES.read_text()))
    for name, now in told.items():
        value = values
        for part in name.split("."):
            value = value[part]
        assert now == str(value), f"RISK_RULES.md says {name} is {now}, config/trading.toml says {value}"
    missing = set(structure.risk(ROOT)) - set(told)
    assert not missing, f"RISK_RULES.md does not name {sorted(missing)}"


def test_the_index_of_decisions_is_made_from_the_decisions() -> None:
    assert (ROOT / INDEX).read_text() == decisions.page(ROOT), "run `ballast governance index`"


def test_every_decision_is_in_the_readme_too() -> None:
    listed = (ROOT / "docs/adr/README.md").read_text()
    for file in sorted((ROOT / "docs/adr").glob("[0-9]*.md")):
        assert file.name in listed, f"docs/adr/README.md does not list {file.name}"


PLANTED = {
    "the import graph": ("trading/planted.py", "import adapters\n"),
    "workflow commands": (
        "workflows/planted.py",
        "from temporalio import workflow\n\n\nasync def run() -> None:\n    await workflow.sleep(5)\n",
    ),
    "the database schema": (
        "adapters/storage/migrations/versions/v0003_journal.py",
        (
            'op.create_table(\n        "postings"',
            "op.create_index('planted', 'entries', ['at'])\n    op.create_table(\n        \"postings\"",
        ),
    ),
    "risk limits": ("config/trading.toml", ("positions_max = 10", "positions_max = 11")),
    "the list of models": (
        "trading/models/labels.py",
        ("HORIZONS_H = (1, 4, 24)", "HORIZONS_H = (1, 4, 48)"),
    ),
}


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What `ballast governance check` says in a copy of the sources with a change in every subject."""
    copy = tmp_path_factory.mktemp("planted")
    for name in (
        "trading",
        "adapters",
        "simulator",
        "cli",
        "config",
        "activities",
        "workflows",
        "worker",
        "temporal",
        "api",
    ):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "docs", copy / "docs")
    shutil.copy(ROOT / "pyproject.toml", copy)
    for file, change in PLANTED.values():
        place = copy / file
        if isinstance(change, str):
            place.write_text(change)
        else:
            assert change[0] in place.read_text(), file
            place.write_text(place.read_text().replace(*change))
    command = [sys.executable, "-c", "from cli.main import main; main()", "governance", "check"]
    done = subprocess.run(command, cwd=copy, env={"PYTHONPATH": str(copy)}, capture_output=True, text=True)
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("subject", PLANTED)
def test_a_planted_change_fails_with_a_sentence_that_says_what_is_missing(planted: str, subject: str) -> None:
    line = next(line for line in planted.splitlines() if line.startswith(subject))
    assert re.search(r"changed \((added|changed): ", line)
    assert "ballast governance record" in line


def test_what_was_written_accounts_for_a_change() -> None:
    before, now = {"risk limits": {"a": "1", "b": "2"}}, {"risk limits": {"a": "1", "b": "3", "c": "4"}}
    (finding,) = structure.unaccounted(now, before, "nothing")
    assert finding.changes == ("added: c", "changed: b from 2 to 3")
    assert structure.unaccounted(now, before, f"because ... `{finding.fingerprint}`") == []
