"""One `ballast up` a home: its lock, and the end of what a killed one left behind."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from cli.supervisor.children import stop_orphan, take
from cli.supervisor.house import UP, House
from trading.errors import UsageError

Say = Callable[[str], None]


@contextmanager
def alone(house: House, say: Say) -> Iterator[None]:
    """Hold the home for this process; a `UsageError` while another one holds it."""
    lock = take(house.run / f"{UP}.lock")
    if lock is None:
        raise UsageError(
            f"another `ballast up` runs on {house.home} (process {house.up()}); "
            "stop it by Ctrl-C where it runs, or choose another --home"
        )
    # Asked to end, it ends like on Ctrl-C: what it started is stopped.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with lock:
        lock.write(str(os.getpid()))
        lock.flush()
        for name, pid in house.processes().items():
            say(f"{name} (process {pid}) was left by a run that was killed; ending it")
            stop_orphan(house.run / f"{name}.lock")
        yield
