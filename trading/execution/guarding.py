"""Resting stops are made equal to wanted stops, at a live venue, without ever covering a lot twice.

A position wants one stop for all its lots at the price that was fixed with its entry. What rests may be
otherwise: an entry that filled in pieces left a stop behind for each, a restart came between two steps, a
person cancelled one. `changes` is the pure difference; `guard` carries it out.

1. A stop holds its coins, so what is to be replaced is cancelled and seen to be over first. If one of them
   cannot be ended, nothing new is placed: two stops would sell more than the position.
2. Stops that cover every lot at the wanted price protect as well as one does. They are merged only when
   `merge` is asked for, once an hour, and not after every fill of a working entry.
3. The gap is measured: from the first cancel until the new stop is known to rest.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from trading.execution.orders import Order, State
from trading.execution.placing import LegName, Load, Now, Steps, cancel, resume, send
from trading.execution.protocol import Instruction, Kind

TAKE_DOWN = timedelta(seconds=30)
RESTING = (State.WORKING, State.CANCELLING)


class Wanted(NamedTuple):
    """The stop that a position wants; no lots, no stop."""

    lots: int
    """Lots to protect, positive."""
    price: int
    """Trigger, ticks."""


class Changes(NamedTuple):
    """What has to go and what has to be placed after that; both empty when all is well."""

    cancel: tuple[Order, ...]
    place: Wanted | None


class Stops(NamedTuple):
    """Our stops in an instrument that are not over, from the store. Answer: a tuple of `Order`."""

    instrument: str


class Guarded(NamedTuple):
    """How a position stands after `guard`."""

    stops: tuple[Order, ...]
    """Every stop that was looked at or placed."""
    bare_s: float
    """How long no stop rested; 0 if nothing had to be replaced."""

    @property
    def covered_lots(self) -> int:
        """Lots that a resting stop protects now."""
        return sum(_open_lots(stop) for stop in self.stops if stop.state in RESTING)


def changes(wanted: Wanted, resting: Sequence[Order], merge: bool) -> Changes:
    """The difference between the stops that rest and the one that is wanted."""
    if wanted.lots == 0:
        return Changes(tuple(resting), None)
    right = all(stop.instruction.price == wanted.price and stop.state is State.WORKING for stop in resting)
    covers = sum(_open_lots(stop) for stop in resting) == wanted.lots
    if right and covers and (len(resting) == 1 or not merge):
        return Changes((), None)
    return Changes(tuple(resting), wanted)


def guard(name: LegName, instrument: str, wanted: Wanted, merge: bool) -> Steps[Guarded]:
    """Make resting stops equal to the wanted one, as far as the venue lets us see."""
    known: tuple[Order, ...] = yield Stops(instrument)
    resting = []
    for stop in known:
        settled = yield from resume(stop)
        if not settled.is_over:
            resting.append(settled)
    todo = changes(wanted, resting, merge)
    began: datetime = yield Now()
    gone = yield from take_down(todo.cancel, began + TAKE_DOWN)
    if todo.place is None or not all(stop.is_over for stop in gone):
        return Guarded(gone or tuple(resting), 0.0)
    # A stop that filled instead of being cancelled has sold lots that need no protection any more.
    lots = wanted.lots + sum(stop.filled - before.filled for stop, before in zip(gone, resting, strict=True))
    placed = yield from _place(name, instrument, Wanted(lots, wanted.price))
    ended: datetime = yield Now()
    return Guarded((*gone, *placed), (ended - began).total_seconds() if gone else 0.0)


def take_down(stops: Sequence[Order], until: datetime) -> Steps[tuple[Order, ...]]:
    """Cancel stops of ours and see that they are over; one that could not be ended is returned as it is."""
    gone: tuple[Order, ...] = ()
    for stop in stops:
        ended = yield from cancel(stop, until)
        gone = (*gone, ended)
    return gone


def _place(name: LegName, instrument: str, wanted: Wanted) -> Steps[list[Order]]:
    """Send the next stop of a position, if lots are left to protect."""
    if wanted.lots <= 0:
        return []
    n = 0
    while (yield Load(name.id(n))) is not None:
        n += 1
    return [(yield from send(Instruction(name.id(n), instrument, Kind.STOP, -wanted.lots, wanted.price)))]


def _open_lots(stop: Order) -> int:
    return stop.filled - stop.instruction.lots
