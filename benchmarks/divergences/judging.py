"""What becomes of a divergence: some case shows it, or none does."""

import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from multiprocessing import get_context
from multiprocessing.connection import Connection
from types import FunctionType
from typing import Any, TypeVar

from benchmarks.divergences.changes import Divergence
from benchmarks.divergences.hours import Case
from trading.errors import BallastError
from trading.live.again import Decided, decide_again, settle_again
from trading.live.documents import digest_of
from trading.live.machines import PLAIN
from trading.live.values import Approved

PATIENCE_S = 10
"""Processor time for one case, whatever else runs on the machine."""
FAILURES = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, BallastError)
ESCAPED, DIED = "", "died"
FORK = get_context("fork")
T = TypeVar("T")


def outcome_of_hour(case: Case) -> str:
    """What a proof compares of a portfolio's hour: digests of its decision and its state."""
    decided = decide_again(case.desk, case.ticket, deepcopy(case.before), case.said, case.approvals, PLAIN)
    approvals = case.approvals | {case.desk.hour.number: approved(decided, case)}
    state = settle_again(case.desk, case.ticket, decided.state, case.fills, approvals, PLAIN)
    return digest_of(decided.document) + digest_of(state)


def approved(decided: Decided, case: Case) -> dict[str, Approved]:
    """What was approved; of what the fills need and nothing approved, an order as good as any."""
    some = {
        fill.trade.instrument: Approved(1, fill.trade.ticks, 1, 9, 2)
        for fill in case.fills
        if fill.trade.lots > 0
    }
    return some | decided.approved(case.desk.names)


class Bench:
    """Cases with their outcomes; those that show much come first.

    Each divergence is tried in a process of its own, since a changed index of compiled code may write
    anywhere. This one never computes a case itself: a fork of it would wait for polars' threads for ever.
    """

    def __init__(self, cases: Callable[[], Sequence[Any]], outcome: Callable[[Any], str]) -> None:
        """A case that no hour can be, since its books do not add up, is left out."""
        self._outcome = outcome
        record = apart(lambda: [(c, how) for c in cases() if (how := self._tried(c))])
        assert record, "no case has an outcome"
        self._cases, self._record = zip(*record, strict=True)
        again = apart(lambda: [self._tried(case) for case in self._cases])
        assert again == list(self._record), "it does not repeat itself"
        self._shown = [0] * len(self._cases)

    def _tried(self, case: Any) -> str:
        """The outcome; nothing where it fails."""
        try:
            return self._outcome(case)
        except FAILURES:
            return ""

    def fate(self, of: Divergence) -> str:
        """The number of the case that shows it, `ESCAPED` when none does, `DIED` when the process did."""
        shows = apart(lambda: self._first(of))
        if shows is None:
            return DIED
        if shows < 0:
            return ESCAPED
        self._shown[shows] += 1
        return f"case {shows}"

    def _first(self, of: Divergence) -> int:
        """The first case that shows it; -1 when none does."""
        with changed(of):
            for n in sorted(range(len(self._cases)), key=lambda n: -self._shown[n]):
                signal.setitimer(signal.ITIMER_PROF, PATIENCE_S)
                if self._tried(self._cases[n]) != self._record[n]:
                    return n
        return -1


def apart(work: Callable[[], T]) -> T | None:
    """What `work` comes to in a process of its own; nothing when that dies, or does not end."""
    ours, theirs = FORK.Pipe(duplex=False)
    child = FORK.Process(target=_told, args=(theirs, work))
    child.start()
    theirs.close()
    try:
        found: T = ours.recv()
    except EOFError:
        return None
    finally:
        child.join()
    return found


def _told(to: Connection, work: Callable[[], Any]) -> None:
    """Ends without tidying up, which a spoilt heap may not outlive."""
    to.send(work())
    os._exit(0)


@contextmanager
def changed(of: Divergence) -> Iterator[None]:
    """Put the change in place, and back."""
    if of.is_constant:
        name = of.what.split()[0]
        value = vars(sys.modules[of.module])[name]
        users = [m for n, m in sys.modules.items() if n.startswith("trading.") and vars(m).get(name) is value]
        for module in users:
            setattr(module, name, of.made)
        try:
            yield
        finally:
            for module in users:
                setattr(module, name, value)
        return
    function = function_of(of)
    kept = function.__code__
    function.__code__ = of.made
    try:
        yield
    finally:
        function.__code__ = kept


def function_of(of: Divergence) -> FunctionType:
    found: Any = sys.modules[of.module]
    for part in of.function.split("."):
        found = vars(found)[part]
    found = getattr(found, "__func__", getattr(found, "fget", found))
    assert isinstance(found, FunctionType)
    return found
