"""What the venue says of an order, as events that befell it. Pure: an order and a report in, events out.

1. A report that says nothing new gives no event, however often and in whatever order reports arrive.
2. A trade is an event once, by the venue's id of it.
3. The end is an event only when every lot the venue counts as traded is known as a trade; until then the
   order stays open here, and a later report ends it.
4. A report that cannot be of this order, or that adds to an order that was over, is a contradiction: it
   raises, nothing is booked, and the instrument is for a person to look at.
"""

from datetime import datetime

from trading.errors import VenueError
from trading.execution.identity import child_id
from trading.execution.orders import UNSETTLED, Event, Order, State, What, apply
from trading.execution.protocol import Instruction, Kind, Report, Status

ENDS = {
    Status.FILLED: What.FILLED,
    Status.CANCELLED: What.CANCELLED,
    Status.EXPIRED: What.EXPIRED,
}


SEEN_OVER = (State.FILLED, State.CANCELLED, State.EXPIRED)
"""Ends that the venue showed us: a report of such an order as open is an old one."""


class Contradiction(VenueError):
    """The venue says what cannot be by all we know of an order of ours."""


def read(order: Order, report: Report, at: datetime) -> list[Event]:
    """The events that bring our order up to the report; `Contradiction` if nothing can."""
    _check_same(order, report)
    known = {trade.id for trade in order.trades}
    found = [trade for trade in report.trades if trade.id not in known]
    if order.is_over:
        if found or (report.status is Status.OPEN and order.state not in SEEN_OVER):
            raise Contradiction(f"order {order.id} is {order.state} here and {report.status} at the venue")
        return []
    events = []
    if order.state in UNSETTLED:
        events.append(Event(What.ACCEPTED, at, venue_id=report.venue_id))
    events += [Event(What.TRADED, at, trade=trade) for trade in found]
    traded = order.filled + sum(trade.lots for trade in found)
    if abs(traded) > abs(order.instruction.lots):
        raise Contradiction(f"order {order.id} traded {traded} of {order.instruction.lots} lots")
    if report.status is not Status.OPEN and traded == report.filled:
        if report.status is Status.FILLED and traded != order.instruction.lots:
            raise Contradiction(f"order {order.id} is full at the venue with {traded} lots")
        events.append(Event(ENDS[report.status], at))
    return events


def adopt(track: str, parent: Order, report: Report, at: datetime) -> tuple[Instruction, list[Event]]:
    """A stop that a fill of ours left behind, as an order of ours, with all that befell it so far."""
    ours = report.parent == parent.venue_id and report.kind == Kind.STOP and report.lots < 0
    if not ours or report.instrument != parent.instruction.instrument:
        raise Contradiction(f"{report.venue_id} is no stop that {parent.venue_id} left behind")
    instruction = Instruction(
        child_id(track, report.venue_id), report.instrument, Kind.STOP, report.lots, report.price
    )
    adopted = Event(What.ADOPTED, at, venue_id=report.venue_id)
    return instruction, [adopted, *read(apply(Order(instruction), adopted), report, at)]


def _check_same(order: Order, report: Report) -> None:
    """The report is of this very order: same ids, side, size and price."""
    sent = order.instruction
    same = (
        report.id in (None, sent.id)
        and order.venue_id in ("", report.venue_id)
        and report.instrument == sent.instrument
        and report.kind == sent.kind
        and report.lots == sent.lots
        and report.price == sent.price
    )
    if not same:
        raise Contradiction(
            f"order {order.id} is {report.lots} lots at {report.price} at the venue ({report.venue_id}),"
            f" {sent.lots} at {sent.price} here; it was changed by hand or is another's"
        )
