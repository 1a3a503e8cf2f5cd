"""Empties the outbox while a worker works, so that alerts leave even when no workflow gets anywhere."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

from adapters.alerts import AlertOutbox, AlertSettings
from adapters.clock import SystemClock
from adapters.storage.engine import connect

log = logging.getLogger("ballast.alerts")

EVERY_S = 10.0


@contextmanager
def delivering(database: str, home: Path, track: str, every_s: float = EVERY_S) -> Iterator[None]:
    """Deliver the alerts of a track while the block runs; any number of workers may, one at a time does.

    Raises `UsageError` if `alerts.toml` in `home` is wrong.
    """
    channels = AlertSettings.load(home / "alerts.toml").channels()
    engine, over = connect(database), Event()
    outbox = AlertOutbox(engine, channels, SystemClock())

    def deliver() -> None:
        while not over.wait(every_s):
            try:
                outbox.deliver(track)
            except Exception:
                # Whatever it was, the next alert must not go unsaid for it.
                log.exception("alerts could not be delivered, trying again")

    thread = Thread(target=deliver, name="alerts", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        engine.dispose()
