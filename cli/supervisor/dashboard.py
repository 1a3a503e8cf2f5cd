"""The dashboard as files: built by Node when its sources changed; nothing else misses it."""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

WEB = Path(__file__).resolve().parents[2] / "web"
EXPORTED = WEB / "out"
STAMP = ".built-from"
SOURCES = ("app", "components", "lib", "package.json", "package-lock.json", "next.config.ts", "tsconfig.json")
NODE_MAJOR_MIN = 20
BUILD_S = 600
TAIL_LINES = 12

Say = Callable[[str], None]


def build(say: Say, web: Path = WEB) -> bool:
    """Have the exported page stand as its sources say; False, with the reason said, when it cannot."""
    wanted = digest(web)
    stamp = web / "out" / STAMP
    if stamp.exists() and stamp.read_text() == wanted:
        return True
    missing = _missing_node()
    if missing:
        say(f"no dashboard: {missing}. Everything else runs; the API answers at its address.")
        return False
    say("building the dashboard once, about a minute")
    for command in (["npm", "ci", "--no-audit", "--no-fund"], ["npm", "run", "build"]):
        done = subprocess.run(  # noqa: S603 - npm, by name
            command,
            cwd=web,
            capture_output=True,
            text=True,
            timeout=BUILD_S,
            env=os.environ | {"NEXT_TELEMETRY_DISABLED": "1", "CI": "1"},
        )
        if done.returncode != 0:
            tail = "\n".join((done.stdout + done.stderr).strip().splitlines()[-TAIL_LINES:])
            say(f"no dashboard: `{' '.join(command)}` failed in {web}\n{tail}")
            return False
    stamp.write_text(wanted)
    return True


def digest(web: Path) -> str:
    """SHA-256 of everything that the page is made of."""
    total = hashlib.sha256()
    for source in SOURCES:
        path = web / source
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file():
                total.update(f"{file.relative_to(web)}\0{file.stat().st_size}\0".encode())
                total.update(file.read_bytes())
    return total.hexdigest()


def _missing_node() -> str:
    """What keeps Node from building; nothing if it can."""
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        return f"Node {NODE_MAJOR_MIN} or later is not installed"
    found = subprocess.run([node, "--version"], capture_output=True, text=True).stdout.strip()  # noqa: S603
    major = found.removeprefix("v").split(".")[0]
    if not major.isdecimal() or int(major) < NODE_MAJOR_MIN:
        return f"Node {NODE_MAJOR_MIN} or later is needed, {found or 'something else'} is installed"
    return ""
