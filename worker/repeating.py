"""Something that a worker does every few seconds beside its work, for as long as it works."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread


@contextmanager
def repeating(name: str, every_s: float, do: Callable[[], object]) -> Iterator[None]:
    """Do it while the block runs; whatever goes wrong is a line in the log, and it is done again."""
    over, log = Event(), logging.getLogger(f"ballast.{name}")

    def run() -> None:
        while not over.wait(every_s):
            try:
                do()
            except Exception:
                # Whatever it was, the next time must not go undone for it.
                log.exception("%s failed, trying again", name)

    thread = Thread(target=run, name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
