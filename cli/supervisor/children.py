"""One child process, and the proof that it is ours.

Every child holds a lock on `<name>.lock` in the home's run folder through a file descriptor that it inherits,
and writes its process id into that file before it becomes the program. The kernel drops the lock when the
process ends, however it ends. So a held lock means that the process named in the file is alive and is the one
we started; a process id alone proves nothing, because ids are used again. This survives a kill -9 of the
parent: the next one finds its orphans by their locks.
"""

import fcntl
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from cli.supervisor.ports import is_free
from trading.errors import BallastError, UsageError

POLL_S = 0.05
GRACE_S = 15.0
"""How long a process may take to end by itself after it was asked to; a worker ends its activities first."""
READY_S = 300.0
"""How long a process may take until it answers; a cold worker compiles for most of it."""
TAIL_LINES = 8

AS_ITSELF = 'echo $$ >"$0" && exec "$@"'
"""Shell that writes its process id into $0 and then becomes the program in $@."""


class PartFailed(BallastError):
    """A part of the system does not run; the message shows the end of its log."""


@dataclass
class Child:
    """A program to run; `ready` says whether it answers."""

    name: str
    command: list[str]
    run: Path
    logs: Path
    ready: Callable[[], bool]
    environment: Mapping[str, str] = field(default_factory=dict)
    port: int | None = None
    """What it listens on, to explain that somebody took it in the meantime."""
    silent: bool = False
    """What it says on stdout holds a secret and is not kept."""
    process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        return self.logs / f"{self.name}.log"

    def start(self) -> None:
        """Start the program in a session of its own, so that Ctrl-C reaches only the parent."""
        self.logs.mkdir(parents=True, exist_ok=True)
        lock = take(self.run / f"{self.name}.lock")
        if lock is None:
            raise UsageError(f"another {self.name} of this home is running; `ballast status` shows it")
        with lock, self.log.open("ab") as log:
            try:
                self.process = subprocess.Popen(  # noqa: S603 - the commands are our own
                    ["/bin/sh", "-c", AS_ITSELF, lock.name, *self.command],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL if self.silent else log,
                    stderr=log,
                    env=os.environ | self.environment,
                    pass_fds=(lock.fileno(),),
                    start_new_session=True,
                )
            except OSError as error:
                raise PartFailed(f"cannot start {self.name}: {error.strerror} ({self.command[0]})") from error

    def await_ready(self, timeout_s: float = READY_S) -> None:
        """Return when the program answers; a `PartFailed` when it ends first or takes too long."""
        until_s = time.monotonic() + timeout_s
        while not self.ready():
            if self.ended is not None and self.port is not None and not is_free(self.port):
                raise PartFailed(
                    f"port {self.port} of {self.name} was taken by another program just now; start again"
                )
            if self.ended is not None:
                raise PartFailed(f"{self.name} ended at once ({describe(self.ended)}){self.tail()}")
            if time.monotonic() > until_s:
                raise PartFailed(f"{self.name} did not answer within {timeout_s:.0f} s{self.tail()}")
            time.sleep(POLL_S)

    @property
    def ended(self) -> int | None:
        """The exit status, negative for a signal; None while it runs."""
        assert self.process is not None
        return self.process.poll()

    def stop(self, grace_s: float = GRACE_S) -> None:
        """Ask it to end, then make it."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(grace_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def tail(self) -> str:
        """The end of its log, on lines of its own."""
        lines = self.log.read_text(errors="replace").splitlines()[-TAIL_LINES:] if self.log.exists() else []
        return "".join(f"\n  {line}" for line in (f"the end of {self.log}:", *lines))


def take(path: Path) -> IO[str] | None:
    """The file, locked for as long as it or an inherited copy is open; None when another process holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    file.truncate(0)
    return file


def holder(path: Path) -> int | None:
    """The process that holds a lock file; None when nobody does. 0: it has not said its name yet."""
    try:
        file = path.open("r+")
    except FileNotFoundError:
        return None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            said = file.read().strip()
            return int(said) if said.isdigit() else 0
    return None


def running(run: Path) -> dict[str, int]:
    """Process ids of the home's live processes, by name."""
    found = {path.stem: holder(path) for path in sorted(run.glob("*.lock"))}
    return {name: pid for name, pid in found.items() if pid is not None}


def stop_orphan(path: Path, grace_s: float = GRACE_S) -> None:
    """End what holds a lock file and has lost its parent."""
    for ask, wait_s in ((signal.SIGTERM, grace_s), (signal.SIGKILL, 5.0)):
        until_s = time.monotonic() + wait_s
        asked = False
        while (pid := holder(path)) is not None:
            if pid and not asked:
                os.kill(pid, ask)
                asked = True
            if time.monotonic() > until_s:
                break
            time.sleep(POLL_S)
        else:
            return
    raise PartFailed(
        f"process {holder(path)} of an earlier run holds {path} and does not end; end it by hand"
    )


def describe(status: int) -> str:
    return f"signal {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"
