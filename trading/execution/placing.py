"""Placing one order exactly once, without touching the world.

A procedure is a generator. It yields what it wants done, is sent the answer, and returns the order as it
stands. Whoever drives it does the I/O (`adapters.execution.drive`); a crash is a procedure that is never
resumed, and the restart begins it anew from what was stored. So one set of lines serves the first try and
every recovery, and a test can cut it at every yield.

    open the order with its SENT event  ->  object?  ->  submit once  ->  record the answer
    lost, or found in SENT after a crash  ->  wait until the venue can no longer take it  ->  look

1. Nothing is submitted before the order and its SENT event are stored; `Open` fails if the id was ever used.
2. `Submit` stands in one place and follows `Open` only. An order read from the store is never submitted.
3. An event is checked against the table before it is stored, and stored before anything follows from it.
4. ABSENT is concluded only after the deadline and a margin, from looks that all got an answer: several among
   open and closed orders, spread over seconds because the venue's reads lag, then one among the trades.
   A look without an answer proves nothing. When too many fail the order stays UNKNOWN, which keeps entries
   out of the instrument until somebody can look.
"""

from collections.abc import Generator
from datetime import datetime, timedelta
from typing import Any, NamedTuple, TypeAlias, TypeVar
from uuid import UUID

from trading.execution.identity import order_id
from trading.execution.orders import UNSETTLED, Event, Order, State, What, apply, fold
from trading.execution.protocol import Instruction, Kind, Report
from trading.execution.reports import read

DEADLINE = timedelta(seconds=10)
"""From the store of SENT; after it the venue refuses the order."""
MARGIN = timedelta(seconds=2)
"""The venue's clock is known to about a second."""
SKEW = timedelta(seconds=60)
"""How far before the send the search begins."""
LOOKS, LOOK_GAP = 3, timedelta(seconds=5)
UNREADABLE_MAX = 20
SENDS_MAX = 3
"""Orders of one leg; another follows only one that was never placed."""
RESEND_AFTER = timedelta(seconds=10)
"""Whatever kept an order from being placed is given this long to pass."""
POLL = timedelta(seconds=5)
"""Between looks at an order that is about to be over."""
CANCEL_WAIT = timedelta(seconds=20)
"""How long a cancel may take before it is sent again."""


class Now(NamedTuple):
    """The venue's time. Answer: `datetime`."""


class Wait(NamedTuple):
    """Go on when the venue's clock has reached `until`. Answer: None.

    Whoever is told of changes may sleep until `order` changes or the clock reads `at_latest` instead.
    """

    until: datetime
    order: UUID | None = None
    at_latest: datetime | None = None


class Load(NamedTuple):
    """The order of an id from the store. Answer: `Order`, or None if the id was never used."""

    id: UUID


class Open(NamedTuple):
    """Store an order with its first event, durably, in one piece. Answer: None; an id in use raises."""

    instruction: Instruction
    event: Event


class Record(NamedTuple):
    """Store the next event of an order, durably. Answer: None; raises if another event came in between."""

    order: Order
    event: Event


class Submit(NamedTuple):
    """Send the order, once. Answer: an `Event`: ACCEPTED, REFUSED, ABSENT (it never left) or LOST."""

    instruction: Instruction
    deadline: datetime


class Cancel(NamedTuple):
    """Ask for an order's end. Answer: None, whatever came of it: the next look tells."""

    order: Order


class Find(NamedTuple):
    """Look among open and closed orders. Answer: `Report`, None if it is not there, or `Unreadable`."""

    id: UUID
    since: datetime


class FindTraded(NamedTuple):
    """Look among the orders behind recent trades. Answer as for `Find`."""

    id: UUID
    instrument: str
    since: datetime


class Look(NamedTuple):
    """The venue's report of an order that it has taken. Answer as for `Find`."""

    venue_id: str


class Unreadable(NamedTuple):
    """A look that got no whole answer."""

    note: str


Request: TypeAlias = Now | Wait | Load | Open | Record | Submit | Cancel | Find | FindTraded | Look
T = TypeVar("T")
Steps: TypeAlias = Generator[Any, Any, T]
"""Yields requests, is sent their answers, returns a `T`."""


def send(instruction: Instruction, objection: Steps[str] | None = None) -> Steps[Order]:
    """Store an order, submit it once, and find out what became of it.

    `objection` is carried out in between: a reason that it returns keeps the order here, DENIED.
    """
    at: datetime = yield Now()
    deadline = at + DEADLINE
    order = yield from begin(instruction, Event(What.SENT, at, deadline=deadline))
    refusal = (yield from objection) if objection else ""
    if refusal:
        at = yield Now()
        return (yield from record(order, Event(What.DENIED, at, refusal)))
    answer: Event = yield Submit(instruction, deadline)
    order = yield from record(order, answer)
    return (yield from resume(order))


def begin(instruction: Instruction, event: Event) -> Steps[Order]:
    """Store an order with its first event; only here does an order come into being."""
    order = apply(Order(instruction), event)
    yield Open(instruction, event)
    return order


def record(order: Order, *events: Event) -> Steps[Order]:
    """Store what befell an order, event by event, all of them checked before the first is stored."""
    fold(order, events)
    for event in events:
        after = apply(order, event)
        yield Record(order, event)
        order = after
    return order


def resume(order: Order) -> Steps[Order]:
    """Find out what became of an order whose fate is open; every other order is returned as it is."""
    if order.state not in UNSETTLED:
        return order
    if order.state is State.SENT:
        at: datetime = yield Now()
        order = yield from record(order, Event(What.LOST, at, "no answer was stored"))
    assert order.deadline is not None
    yield Wait(order.deadline + MARGIN)
    since = order.deadline - DEADLINE - SKEW
    looks = unreadable = 0
    while looks < LOOKS and unreadable < UNREADABLE_MAX:
        seen: Report | Unreadable | None = yield Find(order.id, since)
        if isinstance(seen, Report):
            return (yield from take(order, seen))
        if seen is None:
            looks += 1
        else:
            unreadable += 1
        at = yield Now()
        yield Wait(at + LOOK_GAP)
    if looks == LOOKS:
        seen = yield FindTraded(order.id, order.instruction.instrument, since)
        if isinstance(seen, Report):
            return (yield from take(order, seen))
        if seen is None:
            at = yield Now()
            note = f"not among orders and trades {at - order.deadline} after its deadline"
            return (yield from record(order, Event(What.ABSENT, at, note)))
    return order


def take(order: Order, report: Report) -> Steps[Order]:
    """Record what a report adds to what we know."""
    at: datetime = yield Now()
    return (yield from record(order, *read(order, report, at)))


def watch(order: Order, until: datetime, every: timedelta = POLL) -> Steps[Order]:
    """Follow an order until it is over or the venue's clock reads `until`; always looks at least once."""
    while not order.is_over and order.state not in UNSETTLED:
        seen: Report | Unreadable | None = yield Look(order.venue_id)
        if isinstance(seen, Report):
            order = yield from take(order, seen)
        at: datetime = yield Now()
        if order.is_over or at >= until:
            break
        yield Wait(min(at + every, until), order.id, until)
    return order


def cancel(order: Order, until: datetime) -> Steps[Order]:
    """End an order and see that it is over; still open at `until` if the venue would not say so."""
    while not order.is_over and order.state not in UNSETTLED:
        at: datetime = yield Now()
        order = yield from record(order, Event(What.CANCELLING, at))
        yield Cancel(order)
        order = yield from watch(order, min(at + CANCEL_WAIT, until))
        at = yield Now()
        if at >= until:
            break
    return order


class LegName(NamedTuple):
    """Which leg of which intent in which track."""

    track: str
    intent: str
    kind: Kind

    def id(self, n: int) -> UUID:
        return order_id(self.track, self.intent, self.kind, n)


class Leg(NamedTuple):
    """The orders of one kind that an intent has used so far."""

    name: LegName
    orders: tuple[Order, ...]

    @property
    def next(self) -> UUID:
        return self.name.id(len(self.orders))

    @property
    def last(self) -> Order:
        return self.orders[-1]

    @property
    def filled(self) -> int:
        return sum(order.filled for order in self.orders)

    @property
    def may_send(self) -> bool:
        """The first order may leave, or another after one that is known never to have been placed."""
        return not self.orders or (self.last.state is State.ABSENT and len(self.orders) < SENDS_MAX)

    def followed_by(self, order: Order) -> "Leg":
        return Leg(self.name, (*self.orders, order))

    def with_last(self, order: Order) -> "Leg":
        return Leg(self.name, (*self.orders[:-1], order))


def leg(name: LegName) -> Steps[Leg]:
    """Read a leg from the store and settle its last order: the way in, first start and recovery alike."""
    found = Leg(name, ())
    while True:
        order: Order | None = yield Load(found.next)
        if order is None:
            return found
        order = yield from resume(order)
        found = found.followed_by(order)


def space(found: Leg) -> Steps[None]:
    """Wait before another order of a leg; the first leaves at once."""
    if found.orders:
        at: datetime = yield Now()
        yield Wait(at + RESEND_AFTER)
