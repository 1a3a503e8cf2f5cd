"""Formatting, lint, types, layers, dead code, dependencies, spelling and shell: each tool is one test."""

import subprocess
import sys
from pathlib import Path

import pytest
import vulture  # type: ignore[import-untyped]

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
SHELL_SCRIPTS = ["ballast", ".ci/run"]
FOLDERS = [
    *(
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
    ),
    *("benchmarks", "tests"),
]

CHECKS = {
    "formatting": ["ruff", "format", "--check", "."],
    "lint": ["ruff", "check", "."],
    "types": ["mypy"],
    "layers": ["lint-imports"],
    "dependencies": ["deptry", "."],
    "shell": ["shellcheck", *SHELL_SCRIPTS],
}


def check_with(command: list[str]) -> None:
    """Run a tool of this environment in the checkout; its output is the failure's message."""
    done = subprocess.run([str(BIN / command[0]), *command[1:]], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"


@pytest.mark.parametrize("check", CHECKS)
def test_the_tools_find_nothing(check: str) -> None:
    check_with(CHECKS[check])


def test_the_words_are_spelled_as_the_dictionary_has_them() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    check_with(["codespell", *listed.stdout.split("\n")[:-1]])


CALLED_BY_NAME = [
    *("main", "pytest_*", "test_*", "handle_*", "do_GET", "do_POST", "log_message"),
    *("process_bind_param", "process_result_value", "load_overload", "check_config", "forward"),
]
CALLED_BY_PEERS = ["init", "Scored", "populate_*", "custom_stake_amount"]
"""Strategies of the benchmarks' and tests' peers, which their frameworks look up."""
CALLED_BY_DECORATOR = [
    *("@pytest.*", "@*.command", "@*.callback", "@rule", "@invariant", "@model_validator"),
    *("@workflow.*", "@*.validator", "@activity.defn", "@router.*", "@app.exception_handler"),
]
DRAWN_WHOLE = ROOT / "trading" / "errors.py"
"""The error tree is one picture; its venue branch stands before the first venue does."""


def test_nothing_stands_unused() -> None:
    """Fields of records and named codes are read by position or by name, so variables are left out."""
    code = vulture.Vulture(
        ignore_decorators=CALLED_BY_DECORATOR, ignore_names=CALLED_BY_NAME + CALLED_BY_PEERS
    )
    code.scavenge([str(ROOT / folder) for folder in FOLDERS if (ROOT / folder).is_dir()])
    unused = [
        item
        for item in code.get_unused_code(min_confidence=60)
        if item.typ not in {"variable", "attribute"} and item.filename != DRAWN_WHOLE
    ]
    assert not unused, "\n".join(item.get_report() for item in unused)
