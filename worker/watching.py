"""Says in lines and metrics how well a track keeps its promises, and where it stands."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from adapters.clock import Clock, SystemClock
from adapters.observability import show_promise, show_vitals
from adapters.replay_venue import LockstepClock
from adapters.storage.engine import connect
from adapters.storage.promises import Judged, Promises
from adapters.venue_clock import ReplayClock
from worker.repeating import repeating
from worker.terms import Terms

log = logging.getLogger("ballast.promises")

EVERY_S = 10.0
REPLAY = "replay"


@contextmanager
def watching(terms: Terms, every_s: float = EVERY_S) -> Iterator[None]:
    """Watch a track while the block runs; any number of workers may, and all say the same."""
    engine = connect(terms.database)
    clock: Clock = SystemClock()
    if terms.mode == REPLAY:
        clock = LockstepClock(ReplayClock(terms.venue))
    promises = Promises(engine, clock, terms.track)

    def look() -> None:
        show_vitals(terms.track, promises.vitals()._asdict())
        for judged in promises.judge():
            say(terms.track, judged)

    try:
        with repeating("promises", every_s, look):
            yield
    finally:
        engine.dispose()


def say(track: str, judged: Judged) -> None:
    """A line, which the cloud's objectives count, and a metric."""
    show_promise(track, judged.promise, kept=judged.kept)
    word = "kept" if judged.kept else "broken"
    level = logging.INFO if judged.kept else logging.WARNING
    told = judged._asdict() | {"track": track, "kept": word}
    log.log(level, "promise of %s %s: %s", judged.promise, word, judged.of, extra=told)
