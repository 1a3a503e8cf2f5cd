"""The image's layers without an engine: our packages as it gets them, and all packages in an empty prefix."""

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOOLS = Path(sys.executable).parent


def let_in() -> set[str]:
    """What `.dockerignore` lets into the image."""
    return {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}


def built(base: Path) -> Path:
    """The wheel of what an engine would be handed: the working tree as far as it is let in."""
    listing = ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    listed = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True)
    for name in listed.stdout.split("\0"):
        if name.split("/")[0] in let_in() - {"web"} and (ROOT / name).is_file():
            (base / "source" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, base / "source" / name)
    build = "from setuptools.build_meta import build_wheel; build_wheel('..')"
    subprocess.run([sys.executable, "-c", build], cwd=base / "source", capture_output=True, check=True)
    return next(base.glob("*.whl"))


def unpacked(wheel: Path, site: Path) -> Path:
    """A wheel in a folder of its own."""
    with zipfile.ZipFile(wheel) as content:
        content.extractall(site)
    return site


@contextmanager
def read_only(base: Path) -> Iterator[None]:
    """Nobody writes below a folder while the block lasts."""
    for path in (base, *base.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode & 0o555)
    try:
        yield
    finally:
        for path in (base, *base.rglob("*")):
            if not path.is_symlink():
                path.chmod(path.stat().st_mode | 0o200)


def prefix(base: Path) -> Path:
    """What the stage `packages` of the Dockerfile makes, by the same commands, in an empty folder.

    Where packages come from is whatever pip is told here; Python itself is a copy of ours, which may lie
    where nobody else may look.
    """
    skipped = shutil.ignore_patterns("__pycache__", "test", "site-packages", "*.a")
    shutil.copytree(sys.base_prefix, base / "python", symlinks=True, ignore=skipped)
    home, uv = base / "prefix", TOOLS / "uv"
    links = os.environ.get("PIP_FIND_LINKS", "")
    told = os.environ | {"UV_LINK_MODE": "copy"} | ({"UV_FIND_LINKS": links} if links else {})

    def run(*command: str | Path) -> None:
        subprocess.run([str(part) for part in command], cwd=ROOT, env=told, check=True, capture_output=True)

    run(uv, "venv", "--python", base / "python" / "bin" / "python3.11", home)
    pins = ("-c", "constraints.txt", "-r", "pyproject.toml", "--extra", "gcp")
    run(uv, "pip", "install", "--python", home / "bin" / "python", *pins)
    run(uv, "pip", "install", "--python", home / "bin" / "python", "--no-deps", built(base))
    return home
