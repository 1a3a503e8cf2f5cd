"""What the image would hold, without an engine: the wheel alone in a read-only folder, and it is complete."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.infra.image import built, read_only, unpacked


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Our packages as the image gets them, in a folder where nobody writes."""
    base = tmp_path_factory.mktemp("image")
    site = unpacked(built(base), base / "site")
    with read_only(site):
        yield site


def ballast(site: Path, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command of that installation, from a folder that is not the checkout."""
    home.mkdir(exist_ok=True)
    told = {"PYTHONPATH": str(site), "PYTHONDONTWRITEBYTECODE": "1", "BALLAST_HOME": str(home)}
    # The checkout may be installed as well, so say whose code it is.
    program = f"from cli import main; assert main.__file__.startswith({str(site)!r}); main.main()"
    return subprocess.run(
        [sys.executable, "-P", "-c", program, *arguments],
        cwd=home,
        env={"PATH": os.environ["PATH"], **told},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_the_entry_commands_are_complete_without_the_checkout(installed: Path, tmp_path: Path) -> None:
    done = ballast(installed, tmp_path / "home", "migrate", "--mode", "paper", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["to"]
    done = ballast(installed, tmp_path / "home", "worker", "missing.json")
    assert (done.returncode, "missing.json" in done.stderr) == (2, True)


def test_what_is_read_at_run_time_is_in_the_wheel(installed: Path) -> None:
    wanted = (
        "config/trading.toml",
        "config/universe.json",
        "adapters/audit/reader",
        "adapters/storage/migrations",
    )
    assert [name for name in wanted if not (installed / name).exists()] == []
    assert not (installed / "tests").exists()
