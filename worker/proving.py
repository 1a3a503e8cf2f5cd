"""The process that proves a track's hours, one line of input an hour, and how a worker talks to it."""

import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from threading import Thread
from time import sleep
from typing import Any, TextIO

from activities.halt_messages import TripIn
from activities.proving import ProvingActivities
from adapters.clock import SystemClock
from adapters.kraken.connect import reply_log
from adapters.objects_gcs import opened
from adapters.prover import ProverProcess
from adapters.reconstruction.proof import Prover
from adapters.reconstruction.source import VENUE, Home
from adapters.reconstruction.tail import Tail
from adapters.storage.engine import connect
from adapters.storage.proofs import Proofs
from adapters.storage.trading_state import TradingStates
from temporal.latch import WorkflowLatch
from trading.clock import TradingHour
from trading.compiled import use_cache
from trading.errors import VenueUnavailable
from trading.risk.halt_events import TRIPPED, Told
from trading.risk.trading_state import HALTED, Standing
from worker.terms import Terms

COMMAND = (sys.executable, "-c", "from cli.main import main; main()", "prove")
GENTLE = 5
"""How far the process steps back for the one that trades."""
LOOK_S = 0.5

Fresh = Callable[[], Iterable[Mapping[str, Any]]]


def serve_proofs(lines: TextIO, answers: TextIO) -> None:
    """The first line tells the terms, every later one the number of an hour; answers are lists of proofs."""
    os.nice(GENTLE)
    Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    terms = Terms.model_validate_json(lines.readline())
    use_cache(terms.cache)
    models = terms.models or terms.home / "models"
    home = Home(connect(terms.database), terms.home, models, terms.objects)
    prover = Prover(home, terms.track, opened(terms.objects, terms.home / "objects"), fresh_lines(terms))
    for line in lines:
        proved = prover.prove(TradingHour(int(line)))
        answers.write(json.dumps([list(one) for one in proved]) + "\n")
        answers.flush()


def _end_with(parent: int) -> None:
    """End when the worker does, in the middle of a compilation too."""
    while os.getppid() == parent:
        sleep(LOOK_S)
    os._exit(0)


def fresh_lines(terms: Terms) -> Fresh:
    """The lines that the reply log got since it was asked last."""
    if not terms.objects:
        return Tail(terms.home / "replies" / VENUE).fresh
    log, seen = reply_log(terms.home, VENUE, SystemClock(), terms.objects), 0

    def fresh() -> Iterable[Mapping[str, Any]]:
        nonlocal seen
        found = list(islice(log.lines(), seen, None))
        seen += len(found)
        return found

    return fresh


def proving(terms: Terms, proofs: Proofs, states: TradingStates, latch: WorkflowLatch) -> ProvingActivities:
    """The activities, over a process of their own."""

    def trip(track: str, portfolio: str, told: TripIn) -> None:
        """The row first, which holds by itself; a guard that does not answer takes it over later."""
        known = states.tellings(track, portfolio)[0] or Standing(HALTED, 0)
        reason = f"{told.cause}: {told.reason}"
        event = Told(
            told.request_id, TRIPPED, told.operator, reason, known, Standing(HALTED, known.epoch + 1)
        )
        states.record(track, portfolio, event)
        try:
            latch.trip(track, portfolio, told)
        except VenueUnavailable:
            return

    return ProvingActivities(ProverProcess(COMMAND, terms.model_dump_json()), proofs, trip)
