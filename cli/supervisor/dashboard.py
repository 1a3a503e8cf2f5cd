"""The dashboard as files: built by Node when its sources changed; nothing else misses it."""

import hashlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import IO

from cli.supervisor.children import take

WEB = Path(__file__).resolve().parents[2] / "web"
EXPORTED = WEB / "out"
STAMP = ".built-from"
LOCKED = "package-lock.json"
LOG = ".build.log"
"""What npm said; locked while somebody builds."""
SOURCES = (
    *("app", "components", "lib", "package.json", LOCKED),
    *("next.config.ts", "postcss.config.mjs", "tsconfig.json"),
)
NODE_MAJOR_MIN = 20
BUILD_S = 900
LOOK_S = 0.2
TAIL_LINES = 12

Say = Callable[[str], None]


@contextmanager
def kept(say: Say, web: Path = WEB) -> Iterator[None]:
    """Build beside whatever goes on, which never waits for the page; its end ends a build under way."""
    over = Event()
    thread = Thread(target=build, args=(say, web, over), name="dashboard")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def build(say: Say, web: Path = WEB, over: Event | None = None) -> bool:
    """Have the exported page stand as its sources say; False, with the reason said, when it cannot.

    Waits for another process that builds the same page. `over` gives up at once.
    """
    over = over or Event()
    wanted = digest(web)
    if _stands(web, wanted):
        return True
    missing = _missing_node()
    if missing:
        say(f"no dashboard: {missing}. Everything else runs; the API answers at its address.")
        return False
    while (log := take(web / LOG)) is None:
        if over.wait(LOOK_S):
            return False
    with log:
        if _stands(web, wanted):
            return True
        say("building the dashboard once, about a minute")
        if not _built(say, web, log, over):
            return False
        (web / "out" / STAMP).write_text(wanted)
    say("the dashboard is built")
    return True


def _stands(web: Path, wanted: str) -> bool:
    stamp = web / "out" / STAMP
    return stamp.exists() and stamp.read_text() == wanted


def _built(say: Say, web: Path, log: IO[str], over: Event) -> bool:
    """Install what the lock names, if that is not there, and export the page."""
    locked, installed = (web / LOCKED).read_text(), web / "node_modules" / STAMP
    if not installed.exists() or installed.read_text() != locked:
        if not _run(["npm", "ci", "--no-audit", "--no-fund"], say, web, log, over):
            return False
        installed.parent.mkdir(exist_ok=True)
        installed.write_text(locked)
    return _run(["npm", "run", "build"], say, web, log, over)


def _run(command: list[str], say: Say, web: Path, log: IO[str], over: Event) -> bool:
    """The child writes to the lock: while it lives nobody else begins, even if we were killed."""
    process = subprocess.Popen(  # noqa: S603 - npm, by name
        command,
        cwd=web,
        stdout=log,
        stderr=subprocess.STDOUT,
        env=os.environ | {"NEXT_TELEMETRY_DISABLED": "1", "CI": "1"},
        start_new_session=True,
    )
    ends_s = time.monotonic() + BUILD_S
    while process.poll() is None and time.monotonic() < ends_s and not over.wait(LOOK_S):
        pass
    if process.poll() is None:
        # npm's own children are of its session, and would go on without it.
        os.killpg(process.pid, signal.SIGKILL)
    if process.wait() == 0:
        return True
    if not over.is_set():
        tail = "\n".join((web / LOG).read_text().strip().splitlines()[-TAIL_LINES:])
        say(f"no dashboard: `{' '.join(command)}` failed in {web}\n{tail}")
    return False


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
