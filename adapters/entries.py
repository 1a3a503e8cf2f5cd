"""Working entries of a portfolio, cancelled at the venue when it is halted.

Only the venue is told. The procedure that works an order sees it end, stores that, and knows that a limit
that ended early gets no fallback; so this never writes, and two writers never meet on one order.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

from sqlalchemy import Engine

from adapters.storage.base import PortfolioKey
from adapters.storage.engine import reading
from adapters.storage.order_book import OrderBook
from trading.execution.orders import Order
from trading.execution.protocol import Report, Status

NEVER = datetime.max.replace(tzinfo=UTC)
"""Nothing befell an order since then, so only those that are not over are found."""


class Desk(Protocol):
    """What of a venue is needed; `trading.execution.protocol.Venue` has it."""

    def cancel(self, venue_id: str, instrument: str) -> None: ...

    def report(self, venue_id: str) -> Report | None: ...


class WorkingEntries:
    """The entries of the portfolios in one database; `desk_of` gives the venue of a portfolio."""

    def __init__(self, engine: Engine, desk_of: Callable[[str, str], Desk]) -> None:
        self._engine = engine
        self._desk_of = desk_of

    def cancel(self, track: str, portfolio: str) -> int:
        """Ask for the end of every entry that works; returns how many are not seen to be over yet.

        An order whose fate is unknown counts until its procedure has found it out. Raises `VenueError`.
        """
        with reading(self._engine) as session:
            orders = OrderBook(session, PortfolioKey(track, portfolio)).orders(since=NEVER)
        entries = [order for order in orders if order.instruction.lots > 0 and not order.is_over]
        if not entries:
            return 0
        desk = self._desk_of(track, portfolio)
        return sum(_works(order, desk) for order in entries)


def _works(order: Order, desk: Desk) -> bool:
    """Whether an entry is not over by the venue's word; one that rests there is cancelled."""
    report = desk.report(order.venue_id) if order.venue_id else None
    if report is None:
        return True
    if report.status is Status.OPEN:
        desk.cancel(order.venue_id, order.instruction.instrument)
        return True
    return False
