"""Carries out what an order procedure asks for: each request one call to the venue, the store or the guard.

Whatever a call to the venue raises becomes an answer that the procedure reasons about, except where it has
nothing to go on: then it ends here, like a crash, and is begun anew from the store.
"""

from typing import Any, NamedTuple, Protocol, TypeVar
from uuid import UUID

from trading.errors import DataError, OutcomeUnknown, VenueError, VenueRefused, VenueUnavailable
from trading.execution.entering import Clear, Clearance
from trading.execution.guarding import Stops
from trading.execution.leaving import Ask, Supply
from trading.execution.orders import Event, Order, What
from trading.execution.placing import (
    Cancel,
    Find,
    FindTraded,
    Load,
    Look,
    Now,
    Open,
    Record,
    Steps,
    Submit,
    Unreadable,
    Wait,
)
from trading.execution.protocol import Instruction, Report, Venue

T = TypeVar("T")


class OrderStore(Protocol):
    """Where orders outlive a crash. Every write is durable when it returns."""

    def load(self, id: UUID) -> Order | None: ...

    def open(self, instruction: Instruction, event: Event) -> None:
        """Keep an order and its first event together; an `InvariantError` if the id was ever used."""
        ...

    def append(self, order: Order, event: Event) -> None:
        """Keep the event as number `order.events`; an `InvariantError` if there is one already."""
        ...

    def stops(self, instrument: str) -> tuple[Order, ...]:
        """Stops of ours that are not over."""
        ...


class Guard(Protocol):
    """Who says whether entries may leave."""

    def clear(self, request: Clear) -> Clearance: ...


class Hands(NamedTuple):
    """What a procedure is carried out with."""

    venue: Venue
    store: OrderStore
    guard: Guard


def drive(steps: Steps[T], hands: Hands) -> T:
    """Carry a procedure through to its result."""
    answer: Any = None
    while True:
        try:
            request = steps.send(answer)
        except StopIteration as end:
            result: T = end.value
            return result
        answer = carry_out(request, hands)


def carry_out(request: Any, hands: Hands) -> Any:
    """The answer to one request of a procedure."""
    venue, store, guard = hands
    match request:
        case Now():
            return venue.now()
        case Wait(until):
            return venue.wait(until)
        case Load(id):
            return store.load(id)
        case Open(instruction, event):
            return store.open(instruction, event)
        case Record(order, event):
            return store.append(order, event)
        case Submit():
            return submitted(request, venue)
        case Cancel(order):
            return cancelled(order, venue)
        case Find() | FindTraded() | Look():
            return looked(request, venue)
        case Clear():
            return guard.clear(request)
        case Stops(instrument):
            return store.stops(instrument)
        case Ask(instrument):
            base = instrument.split("/")[0]
            held = venue.balances().get(base)
            return Supply(held.available if held else 0, venue.touch(instrument)[0])
    raise TypeError(f"no procedure asks for {request!r}")


def submitted(request: Submit, venue: Venue) -> Event:
    """Send once, and say what is known of it; what cannot be told is LOST."""
    try:
        venue_id = venue.submit(request.instruction, request.deadline)
    except VenueRefused as error:
        return Event(What.REFUSED, venue.now(), str(error))
    except VenueUnavailable as error:
        return Event(What.ABSENT, venue.now(), str(error))
    except OutcomeUnknown as error:
        return Event(What.LOST, venue.now(), str(error))
    return Event(What.ACCEPTED, venue.now(), venue_id=venue_id)


def cancelled(order: Order, venue: Venue) -> None:
    """Ask for an order's end; a refusal may mean that it is over, so only the next look counts."""
    try:
        venue.cancel(order.venue_id, order.instruction.instrument)
    except VenueError:
        return


def looked(request: Find | FindTraded | Look, venue: Venue) -> Report | Unreadable | None:
    """What the venue shows; an answer that cannot be read proves nothing."""
    try:
        match request:
            case Find(id, since):
                return venue.find(id, since)
            case FindTraded(id, instrument, since):
                return venue.find_traded(id, instrument, since)
            case Look(venue_id):
                return venue.report(venue_id)
    except (VenueError, DataError) as error:
        return Unreadable(str(error))
