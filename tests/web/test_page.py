"""The page's own checks: style, types, unit tests, the generated client, and what a first visit loads."""

import gzip
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from cli.supervisor.dashboard import WEB, build

FIRST_LOAD_KB = 250
LIMIT_S = 300


@pytest.fixture(scope="session")
def built() -> Path:
    """The exported page, as its sources say; its build installs what the checks need."""
    said: list[str] = []
    assert build(said.append), "\n".join(said)
    return WEB / "out"


def run(*command: str) -> str:
    """What a program that failed had to say; nothing when it did not."""
    done = subprocess.run(command, cwd=WEB, capture_output=True, text=True, timeout=LIMIT_S)
    return done.stdout + done.stderr if done.returncode else ""


@pytest.mark.usefixtures("built")
@pytest.mark.parametrize("script", ["lint", "types", "test"])
def test_the_page_passes_its_own_checks(script: str) -> None:
    assert run("npm", "run", "--silent", script) == ""


@pytest.mark.usefixtures("built")
def test_the_client_is_generated_from_the_stored_document(tmp_path: Path) -> None:
    fresh = tmp_path / "api-types.ts"
    generator = shutil.which("openapi-typescript", path=WEB / "node_modules" / ".bin")
    assert generator
    assert run(generator, "openapi.json", "--output", str(fresh)) == ""
    assert fresh.read_text() == (WEB / "lib" / "api-types.ts").read_text(), "run `npm run client` in web/"


def test_a_first_visit_loads_little_script(built: Path) -> None:
    # Old browsers alone load what is marked nomodule.
    tags = [
        tag
        for tag in re.findall(r"<script[^>]*>", (built / "index.html").read_text())
        if "noModule" not in tag
    ]
    scripts = {found[1] for tag in tags if (found := re.search(r'src="/([^"?]+)', tag))}
    assert scripts
    # The chart's library is asked for as soon as the page runs.
    charts = {file for file in (built / "_next").rglob("*.js") if "tradingview" in file.read_text().lower()}
    assert len(charts) == 1
    files = {built / name for name in scripts} | charts
    assert sum(len(gzip.compress(file.read_bytes())) for file in files) / 1e3 <= FIRST_LOAD_KB
