"""Pins without addresses, one source of truth, and a command that answers at once."""

import re
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CONSTRAINTS = (ROOT / "constraints.txt").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
HEAVY = (
    *("numba", "polars", "numpy", "lightgbm", "scipy", "pandas", "pydantic"),
    *("torch", "xgboost", "sklearn", "onnx", "onnxruntime", "mlflow"),
)


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_the_constraints_pin_everything_and_name_no_address() -> None:
    assert "://" not in CONSTRAINTS
    assert "--" not in CONSTRAINTS
    pins = [line.split(";")[0].strip() for line in CONSTRAINTS.splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][A-Za-z0-9.+!-]*", pin) for pin in pins)
    extras = [name for group in PROJECT["optional-dependencies"].values() for name in group]
    wanted = {plain(re.split(r"[<>=!~;\[ ]", name)[0]) for name in PROJECT["dependencies"] + extras}
    # torch has one version and many builds; `./ballast` chooses the build.
    assert wanted - {"torch"} <= {plain(pin.split("==")[0]) for pin in pins}
    assert "torch==2.13.0" in extras


def test_what_is_installed_is_what_is_pinned() -> None:
    for name in ("numpy", "numba", "polars", "lightgbm", "onnxruntime", "hypothesis", "ruff", "mypy"):
        assert f"\n{name}=={version(name)}" in CONSTRAINTS, f"{name} {version(name)} is not the pinned one"


def test_the_project_cannot_be_published_by_mistake() -> None:
    assert PROJECT["name"] == "ballast-trading"
    assert "Private :: Do Not Upload" in PROJECT["classifiers"]


@pytest.mark.parametrize(
    "name",
    [
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
    ],
)
def test_each_top_level_name_resolves_into_this_project(name: str) -> None:
    found = subprocess.run(
        [sys.executable, "-c", f"import {name}; print({name}.__path__[0])"],
        cwd=ROOT / "docs",
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(found.stdout.strip()) == ROOT / name


def test_asking_for_help_loads_nothing_heavy() -> None:
    program = f"import sys, cli.main; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_decision_is_in_the_index_and_has_its_five_parts() -> None:
    folder = ROOT / "docs" / "adr"
    index = (folder / "README.md").read_text()
    for page in folder.glob("[0-9]*.md"):
        assert f"({page.name})" in index, f"add {page.name} to docs/adr/README.md"
        for part in ("Context", "Decision", "Consequences", "Alternatives", "Confirmation"):
            assert part in page.read_text(), f"{page.name} lacks its {part}"
