"""Heartbeats beside the work, so that a killed worker is found dead in seconds and a slow call is not."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import copy_context

from temporalio import activity

EVERY_S = 2.0


@contextmanager
def beating() -> Iterator[None]:
    """Beat for the activity that runs here until the block ends."""
    over = threading.Event()
    context = copy_context()

    def beat() -> None:
        while not over.wait(EVERY_S):
            context.run(activity.heartbeat)

    thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
