"""What becomes of a divergence: some case shows it, or none does."""

import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from types import FunctionType
from typing import Any

from benchmarks.divergences.changes import Divergence
from benchmarks.divergences.hours import Case
from trading.errors import BallastError
from trading.live.again import Decided, decide_again, settle_again
from trading.live.documents import digest_of
from trading.live.machines import PLAIN
from trading.live.values import Approved

PATIENCE_S = 10
FAILURES = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, BallastError)


class TooLong(Exception):
    """A changed loop does not end."""


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
    """Cases with their outcomes; those that show much come first."""

    def __init__(self, cases: Sequence[Any], outcome: Callable[[Any], str]) -> None:
        """A case that no hour can be, since its books do not add up, is left out."""
        self._outcome = outcome
        tried = [(case, self._tried(case)) for case in cases]
        self._cases, self._record = zip(*((c, how) for c, how in tried if how), strict=True)
        assert [self._tried(case) for case in self._cases] == list(self._record), "it does not repeat itself"
        self.shown = [0] * len(self._cases)

    def _tried(self, case: Any) -> str:
        """The outcome; nothing where it fails."""
        try:
            return self._outcome(case)
        except FAILURES:
            return ""

    def fate(self, of: Divergence) -> str:
        """The case that shows it; empty when none does."""
        with changed(of):
            for n in sorted(range(len(self._cases)), key=lambda n: -self.shown[n]):
                try:
                    with patience():
                        differs = self._tried(self._cases[n]) != self._record[n]
                except TooLong:
                    differs = True
                if differs:
                    self.shown[n] += 1
                    return f"case {n}"
        return ""


@contextmanager
def patience() -> Iterator[None]:
    """Processor time for one case, whatever else runs on the machine."""
    signal.setitimer(signal.ITIMER_PROF, PATIENCE_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


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
