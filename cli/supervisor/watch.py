"""Keeps children running: what dies is started again, what dies again and again is given up with a reason."""

import shutil
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

from cli.supervisor.children import Child, PartFailed, describe
from trading.errors import BallastError

WATCH_S = 0.1
DEATHS_MAX, WITHIN_S = 5, 60.0
"""A part that dies more often than this is broken, not unlucky."""
SPACE_START_MB, SPACE_RUN_MB = 500, 100
"""Free disk space asked for at the start, and below which everything stops while it still can be stopped."""

MB = 1 << 20

Say = Callable[[str], None]


class DiskFull(BallastError):
    """There is no room for what an hour stores."""


class Supervisor:
    """Runs children in the order given and stops them in the reverse.

    A context: on entering all are started and answer, on leaving all are stopped. `on_failure` is called
    once, from the watching thread, when a part is given up or the disk is full; `failure` then holds the
    reason.
    """

    def __init__(
        self, children: Sequence[Child], home: Path, say: Say, on_failure: Callable[[], None]
    ) -> None:
        self.children, self.home = children, home
        self.failure: BallastError | None = None
        self._say, self._on_failure = say, on_failure
        self._deaths: list[tuple[str, float]] = []
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="supervisor", daemon=True)

    def __enter__(self) -> "Supervisor":
        check_space(self.home, SPACE_START_MB)
        try:
            for child in self.children:
                began_s = time.monotonic()
                child.start()
                child.await_ready()
                self._say(f"{child.name} answers after {time.monotonic() - began_s:.1f} s")
        except BaseException:
            self._stop_all()
            raise
        self._thread.start()
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._thread.join()
        self._stop_all()

    def _stop_all(self) -> None:
        for child in reversed(self.children):
            child.stop()

    def _watch(self) -> None:
        try:
            while not self._stopping.wait(WATCH_S):
                check_space(self.home, SPACE_RUN_MB)
                for child in self.children:
                    if child.ended is not None:
                        self._revive(child)
        except BallastError as error:
            self.failure = error
            self._on_failure()

    def _revive(self, child: Child) -> None:
        """Start a child again that has died; a `PartFailed` when it has died too often."""
        how, now_s = describe(child.ended or 0), time.monotonic()
        self._deaths.append((child.name, now_s))
        recent = [at for name, at in self._deaths if name == child.name and now_s - at < WITHIN_S]
        if len(recent) > DEATHS_MAX:
            raise PartFailed(f"{child.name} died {len(recent)} times in a minute ({how}){child.tail()}")
        child.start()
        self._say(f"{child.name} died ({how}); it is started again")


def free_mb(folder: Path) -> int:
    return shutil.disk_usage(folder).free // MB


def check_space(folder: Path, needed_mb: int) -> None:
    """A `DiskFull` unless that much is free where `folder` lies."""
    if free_mb(folder) < needed_mb:
        raise DiskFull(
            f"the disk is too full: {free_mb(folder)} MB free, {needed_mb} MB needed in {folder}; "
            "free some space, or choose another --home"
        )
