"""The life of one order, as a table: state, event, next state.

An order is an instruction and the events that befell it, folded by `apply`. Whatever moves an order is an
event in this file; nothing else changes a state. An event that the table does not name, or whose numbers
cannot be, raises `InvariantError` and changes nothing.

    PLANNED ──sent──> SENT ──accepted──> WORKING ──────────────> FILLED, CANCELLED, EXPIRED
       │               │ └──lost──> UNKNOWN ──accepted──> WORKING    ^
       │               │               └──absent──> ABSENT           │
       │               └──refused──> REJECTED          WORKING ──cancelling──> CANCELLING
       ├──denied──> DENIED, ──lapsed──> LAPSED         SENT ──denied──> DENIED
       └──adopted──> WORKING            a stop that a fill of ours left behind at the venue

1. SENT is stored before the send. Found in that state after a crash, an order may be at the venue or not;
   it is treated like UNKNOWN.
2. There is no way from SENT or UNKNOWN back to PLANNED: an id is sent once.
3. Every end rests on positive evidence. The venue refused it, or showed it as over with all its trades known,
   or could no longer take it and was seen not to have it. Silence ends nothing.
4. FILLED means that the trades add up to the order; CANCELLED and EXPIRED may have traded in part. The fills
   are known only by their trades, each once, never beyond the order's lots.
5. CANCELLING is a wish. A fill may still win, so it ends like WORKING does, and a cancel may be sent again.

What may surprise: SENT means stored for the send; a last objection still denies an order that has not left.
REJECTED has no way from UNKNOWN, since a refusal that we did not hear is the same to us as
an order that never arrived (ABSENT). And ABSENT is reached from SENT directly when the request never left.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import reduce
from typing import NamedTuple
from uuid import UUID

from trading.errors import InvariantError
from trading.execution.protocol import Instruction, Kind, Trade


class State(StrEnum):
    """Where an order stands, by what we know."""

    PLANNED = "planned"
    SENT = "sent"
    UNKNOWN = "unknown"
    WORKING = "working"
    CANCELLING = "cancelling"
    FILLED = "filled"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    REJECTED = "rejected"
    ABSENT = "absent"
    DENIED = "denied"
    LAPSED = "lapsed"


class What(StrEnum):
    """What can befall an order."""

    SENT = "sent"
    DENIED = "denied"
    LAPSED = "lapsed"
    ADOPTED = "adopted"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    LOST = "lost"
    ABSENT = "absent"
    TRADED = "traded"
    CANCELLING = "cancelling"
    FILLED = "filled"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class Event(NamedTuple):
    """Something that befell an order; which fields count depends on `what`."""

    what: What
    at: datetime
    """The venue's time when we learned of it."""
    note: str = ""
    """For people: why it was denied, what the venue said."""
    venue_id: str = ""
    """Of ACCEPTED and ADOPTED."""
    deadline: datetime | None = None
    """Of SENT: after it the venue no longer takes the order."""
    trade: Trade | None = None
    """Of TRADED."""


_OPEN = {
    What.TRADED: State.WORKING,
    What.CANCELLING: State.CANCELLING,
    What.FILLED: State.FILLED,
    What.CANCELLED: State.CANCELLED,
    What.EXPIRED: State.EXPIRED,
}

TABLE: dict[State, dict[What, State]] = {
    State.PLANNED: {
        What.SENT: State.SENT,
        What.DENIED: State.DENIED,
        What.LAPSED: State.LAPSED,
        What.ADOPTED: State.WORKING,
    },
    State.SENT: {
        What.DENIED: State.DENIED,
        What.ACCEPTED: State.WORKING,
        What.REFUSED: State.REJECTED,
        What.LOST: State.UNKNOWN,
        What.ABSENT: State.ABSENT,
    },
    State.UNKNOWN: {What.ACCEPTED: State.WORKING, What.ABSENT: State.ABSENT},
    State.WORKING: _OPEN,
    State.CANCELLING: _OPEN | {What.TRADED: State.CANCELLING},
    State.FILLED: {},
    State.CANCELLED: {},
    State.EXPIRED: {},
    State.REJECTED: {},
    State.ABSENT: {},
    State.DENIED: {},
    State.LAPSED: {},
}

UNSETTLED = (State.SENT, State.UNKNOWN)
"""It may rest, it may have filled, it may never have arrived."""


@dataclass(frozen=True, slots=True)
class Order:
    """One instruction and what has become of it."""

    instruction: Instruction
    state: State = State.PLANNED
    events: int = 0
    """How many befell it; the next is stored under this number, so that two writers cannot both be next."""
    venue_id: str = ""
    deadline: datetime | None = None
    trades: tuple[Trade, ...] = ()

    @property
    def id(self) -> UUID:
        return self.instruction.id

    @property
    def filled(self) -> int:
        """Lots traded so far, signed like the order's."""
        return sum(trade.lots for trade in self.trades)

    @property
    def is_over(self) -> bool:
        return not TABLE[self.state]

    @property
    def is_entry(self) -> bool:
        return self.instruction.lots > 0

    @property
    def is_stop(self) -> bool:
        return self.instruction.kind is Kind.STOP


def apply(order: Order, event: Event) -> Order:
    """The order after one event; `InvariantError` if that event cannot befall it."""
    state = TABLE[order.state].get(event.what)
    if state is None:
        raise InvariantError(f"order {order.id} is {order.state}: {event.what} cannot befall it")
    after = replace(order, state=state, events=order.events + 1)
    if event.what is What.SENT:
        if event.deadline is None:
            raise InvariantError(f"order {order.id} was sent without a deadline")
        return replace(after, deadline=event.deadline)
    if event.what in (What.ACCEPTED, What.ADOPTED):
        if not event.venue_id:
            raise InvariantError(f"order {order.id} was accepted without the venue's id")
        return replace(after, venue_id=event.venue_id)
    if event.what is What.TRADED:
        return replace(after, trades=(*order.trades, _checked(order, event.trade)))
    if event.what is What.FILLED and order.filled != order.instruction.lots:
        raise InvariantError(
            f"order {order.id} cannot be filled: {order.filled} of {order.instruction.lots} lots traded"
        )
    return after


def fold(order: Order, events: Iterable[Event]) -> Order:
    """The order after a history of events."""
    return reduce(apply, events, order)


def _checked(order: Order, trade: Trade | None) -> Trade:
    """A trade that this order can have made, for the first time."""
    if trade is None:
        raise InvariantError(f"order {order.id} traded without a trade")
    lots, filled = order.instruction.lots, order.filled + trade.lots
    fits = trade.order == order.venue_id and trade.instrument == order.instruction.instrument
    if not fits or any(trade.id == known.id for known in order.trades):
        raise InvariantError(f"trade {trade.id} is not another trade of order {order.id}")
    if trade.lots * lots <= 0 or abs(filled) > abs(lots):
        raise InvariantError(f"trade {trade.id} takes order {order.id} to {filled} of {lots} lots")
    return trade


def frozen(orders: Iterable[Order]) -> frozenset[str]:
    """The instruments that take no entries, because what became of an entry there is not known."""
    return frozenset(o.instruction.instrument for o in orders if o.is_entry and o.state in UNSETTLED)
