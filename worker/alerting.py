"""Empties the outbox while a worker works, so that alerts leave even when no workflow gets anywhere."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from adapters.alerts import AlertOutbox, AlertSettings
from adapters.clock import SystemClock
from adapters.storage.engine import connect
from worker.repeating import repeating

EVERY_S = 10.0


@contextmanager
def delivering(database: str, home: Path, track: str, every_s: float = EVERY_S) -> Iterator[None]:
    """Deliver the alerts of a track while the block runs; any number of workers may, one at a time does.

    Raises `UsageError` if `alerts.toml` in `home` is wrong.
    """
    channels = AlertSettings.load(home / "alerts.toml").channels()
    engine = connect(database)
    outbox = AlertOutbox(engine, channels, SystemClock())

    try:
        with repeating("alerts", every_s, lambda: outbox.deliver(track)):
            yield
    finally:
        engine.dispose()
