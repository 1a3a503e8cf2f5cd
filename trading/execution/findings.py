"""Whose orders rest at the venue, who traded, and what nobody can explain. Pure: books and reports in.

Ours is an order that carries an id of ours, or one that an order of ours left behind as its stop. Everything
else in the account is foreign: it is reported under an id that follows from what it is, so that seen again
it is the same finding, it keeps entries out of its instrument, and it is never adopted.

1. No report and no trade is left over: each is an event of an order of ours, or a finding.
2. A trade is booked only through the order that made it. Nothing is ever invented to make sums agree.
3. An order of ours that its report contradicts is a finding; the others go on.
4. What an asset holds beyond our books is unexplained, to the last lot and the last 1e-8. Anything but zero
   keeps every entry out.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from trading.execution.identity import finding_id
from trading.execution.orders import Event, Order
from trading.execution.protocol import Instruction, Report, Trade
from trading.execution.reports import Contradiction, adopt, read


class Strange(StrEnum):
    """What can be found."""

    FOREIGN_ORDER = "foreign order"
    MANUAL_TRADE = "manual trade"
    CONTRADICTION = "contradiction"


class Finding(NamedTuple):
    """Something at the venue that is not by us, or not as we know it."""

    id: UUID
    what: Strange
    instrument: str
    reference: str
    """The venue's id of the order or trade."""
    note: str


class Adopted(NamedTuple):
    """A stop that a fill of ours left behind at the venue."""

    instruction: Instruction
    events: tuple[Event, ...]


class Census(NamedTuple):
    """Everything that the venue showed, sorted."""

    events: tuple[tuple[Order, tuple[Event, ...]], ...]
    adopted: tuple[Adopted, ...]
    findings: tuple[Finding, ...]

    @property
    def frozen(self) -> frozenset[str]:
        """Instruments that take no entries until a person has looked."""
        return frozenset(finding.instrument for finding in self.findings)


def take_census(
    track: str, orders: Iterable[Order], reports: Sequence[Report], trades: Sequence[Trade], at: datetime
) -> Census:
    """Sort reports and trades by whose they are.

    `orders` are all of ours that these could be of; `reports` cover what rests, what we hold for open, and
    the orders behind trades that we do not know.
    """
    known = list(orders)
    by_id = {order.id: order for order in known}
    by_venue = {order.venue_id: order for order in known if order.venue_id}
    events: list[tuple[Order, tuple[Event, ...]]] = []
    adopted: list[Adopted] = []
    findings: list[Finding] = []
    explained: set[str] = set()
    for report in reports:
        explained.add(report.venue_id)
        order = by_venue.get(report.venue_id) or (by_id.get(report.id) if report.id else None)
        parent = by_venue.get(report.parent)
        try:
            if order is not None:
                news = tuple(read(order, report, at))
                if news:
                    events.append((order, news))
            elif parent is not None:
                instruction, told = adopt(track, parent, report, at)
                adopted.append(Adopted(instruction, tuple(told)))
            else:
                findings.append(_finding(track, Strange.FOREIGN_ORDER, report.instrument, report.venue_id))
        except Contradiction as error:
            findings.append(
                _finding(track, Strange.CONTRADICTION, report.instrument, report.venue_id, str(error))
            )
    for trade in trades:
        if trade.order not in explained:
            findings += _found_in(track, trade, by_venue.get(trade.order))
    return Census(tuple(events), tuple(adopted), tuple(findings))


def _found_in(track: str, trade: Trade, order: Order | None) -> list[Finding]:
    """What is strange about a trade that no report explains; an order of ours still at work reports later."""
    if order is None:
        return [_finding(track, Strange.MANUAL_TRADE, trade.instrument, trade.id, trade.order)]
    if order.is_over and trade not in order.trades:
        note = f"order {order.id} was over"
        return [_finding(track, Strange.CONTRADICTION, trade.instrument, trade.id, note)]
    return []


def unexplained(held: Mapping[str, int], booked: Mapping[str, int]) -> dict[str, int]:
    """What the venue holds beyond our books, by asset, in lots or 1e-8; empty when all is explained."""
    differences = {asset: held.get(asset, 0) - booked.get(asset, 0) for asset in {*held, *booked}}
    return {asset: amount for asset, amount in sorted(differences.items()) if amount != 0}


def _finding(track: str, what: Strange, instrument: str, reference: str, note: str = "") -> Finding:
    return Finding(finding_id(track, what, reference), what, instrument, reference, note)
