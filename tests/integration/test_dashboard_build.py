"""The dashboard is built when its sources change, and its absence is said and missed by nothing else."""

import os
import stat
import time
from pathlib import Path

import pytest

from cli.supervisor.dashboard import STAMP, build, digest, kept

NPM = """#!/bin/sh
echo "$@" >> calls
[ "$1" = run ] || exit 0
[ -f broken ] && { echo "it does not compile"; exit 1; }
mkdir -p out
"""


@pytest.fixture
def web(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A page with one source, and an npm that notes what it is asked."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, text in (("npm", NPM), ("node", "#!/bin/sh\necho v20.1.0\n")):
        program = programs / name
        program.write_text(text)
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    web = tmp_path / "web"
    (web / "app").mkdir(parents=True)
    (web / "app" / "page.tsx").write_text("one")
    (web / "package-lock.json").write_text("{}")
    return web


def calls(web: Path) -> list[str]:
    return (web / "calls").read_text().splitlines()


def test_it_is_built_once_and_again_when_a_source_changes(web: Path) -> None:
    said: list[str] = []
    assert build(said.append, web)
    assert calls(web) == ["ci --no-audit --no-fund", "run build"]
    assert build(said.append, web)
    assert len(calls(web)) == 2
    (web / "app" / "page.tsx").write_text("two")
    assert build(said.append, web)
    assert calls(web)[2:] == ["run build"]
    (web / "package-lock.json").write_text("{ }")
    assert build(said.append, web)
    assert calls(web)[3:] == ["ci --no-audit --no-fund", "run build"]
    assert (web / "out" / STAMP).read_text() == digest(web)


def test_a_build_that_fails_is_said_with_its_end_and_not_remembered(web: Path) -> None:
    (web / "broken").touch()
    said: list[str] = []
    assert not build(said.append, web)
    assert "it does not compile" in said[-1]
    (web / "broken").unlink()
    assert build(said.append, web)


@pytest.mark.parametrize(("version", "hint"), [("v18.20.0", "v18.20.0 is installed"), ("", "something else")])
def test_a_node_that_is_too_old_is_said(web: Path, version: str, hint: str) -> None:
    (web.parent / "bin" / "node").write_text(f"#!/bin/sh\necho {version}\n")
    said: list[str] = []
    assert not build(said.append, web)
    assert hint in said[-1]


def test_without_node_everything_else_runs(web: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(web))
    said: list[str] = []
    assert not build(said.append, web)
    assert "Node 20 or later is not installed" in said[-1]


def test_a_run_that_ends_leaves_an_unfinished_build_to_the_next(web: Path) -> None:
    (web.parent / "bin" / "npm").write_text("#!/bin/sh\nsleep 60\n")
    said: list[str] = []
    began_s = time.monotonic()
    with kept(said.append, web):
        while not said:
            time.sleep(0.01)
    assert time.monotonic() < began_s + 30
    assert said == ["building the dashboard once, about a minute"]
    assert not (web / "out").exists()


def test_two_runs_build_it_once(web: Path) -> None:
    said: list[str] = []
    with kept(said.append, web), kept(said.append, web):
        while not (web / "out" / STAMP).exists():
            time.sleep(0.01)
    assert calls(web) == ["ci --no-audit --no-fund", "run build"]
