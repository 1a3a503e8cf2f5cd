"""Carries out what an order procedure asks for: each request one call to the venue, the store or the guard.
And sweeps the account, to bring what is known here up to what is true there.

Whatever a call to the venue raises becomes an answer that the procedure reasons about, except where it has
nothing to go on: then it ends here, like a crash, and is begun anew from the store.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol, TypeVar
from uuid import UUID

from trading.errors import DataError, OutcomeUnknown, VenueError, VenueRefused, VenueUnavailable
from trading.execution.entering import Clear, Clearance, MayLeave
from trading.execution.findings import Census, take_census
from trading.execution.guarding import Stops
from trading.execution.leaving import Ask, Supply
from trading.execution.orders import Event, Order, What, apply
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

    def orders(self, since: datetime) -> Sequence[Order]:
        """Every order of ours that is not over, or was not at some time after `since`."""
        ...


class Guard(Protocol):
    """Who says whether entries may leave."""

    def clear(self, request: Clear) -> Clearance:
        """Before an order is stored: may an entry leave, and with what capital?"""
        ...

    def objection(self, request: MayLeave) -> str:
        """After it is stored, right before it leaves: why it may not; empty when it may."""
        ...


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
        case Wait():
            return venue.wait(request.until)
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
        case Clear() | MayLeave():
            return guard.clear(request) if isinstance(request, Clear) else guard.objection(request)
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


def sweep(track: str, hands: Hands, since: datetime) -> Census:
    """Bring our orders up to what the account shows, adopt stops that fills left behind, find the rest.

    The scheduled look after every hour and the first thing after a start are this same function. Reads that
    fail raise; nothing is stored before all of them have succeeded.
    """
    venue, store, _ = hands
    orders = store.orders(since)
    known = {order.venue_id for order in orders}
    trades = venue.trades(since)
    resting = venue.open_orders()
    wanted = {order.venue_id for order in orders if order.venue_id and not order.is_over}
    wanted |= {trade.order for trade in trades if trade.order not in known}
    others = venue.reports(sorted(wanted - {report.venue_id for report in resting}))
    census = take_census(track, orders, [*resting, *others], trades, venue.now())
    for order, events in census.events:
        _keep(order, events, store)
    for instruction, events in census.adopted:
        store.open(instruction, events[0])
        _keep(apply(Order(instruction), events[0]), events[1:], store)
    return census


def _keep(order: Order, events: Sequence[Event], store: OrderStore) -> None:
    for event in events:
        after = apply(order, event)
        store.append(order, event)
        order = after
