"""Whether an entry may leave now, by everything that has a say in it; the tightest word wins.

1. The workflow, the row in the database and the last entry of the audit log each tell a trading state and
   a halt epoch. One that is missing, cannot be read, is not ACTIVE or is of another epoch keeps entries out.
2. So do an entry of unknown fate or an unreviewed finding in the same instrument, and balances that the last
   comparison could not explain, or none at all.
3. Exits, stops and cancels are never asked about here.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from adapters.audit.log import Audit
from adapters.storage.base import PortfolioKey
from adapters.storage.engine import reading
from adapters.storage.halts import Halts
from adapters.storage.order_book import OrderBook
from adapters.storage.reconciliations import Reconciliations
from trading.errors import BallastError
from trading.execution.entering import Clear, Clearance, MayLeave
from trading.execution.orders import frozen
from trading.execution.protocol import Venue
from trading.instruments import Instrument
from trading.portfolio import Terms, value_at
from trading.risk.trading_state import Standing, Tellings, objection


class Book(NamedTuple):
    """What a portfolio is counted in, and the marks of the decision that its entries come from."""

    quote: str
    instruments: Mapping[str, Instrument]
    """Every instrument that it may hold, by name."""
    marks: Mapping[str, int]
    """Ticks by instrument; what has no mark counts as nothing."""


class LiveGuard:
    """The guard of one portfolio, over its database and its venue."""

    def __init__(
        self,
        engine: Engine,
        key: PortfolioKey,
        venue: Venue,
        workflow: Callable[[], Standing | None],
        book: Book,
    ) -> None:
        """`workflow` asks the long-lived halt; None when it does not answer."""
        self._engine, self._key, self._venue, self._workflow, self._book = engine, key, venue, workflow, book

    def clear(self, request: Clear) -> Clearance:
        """Raises `VenueError` when the venue does not show balances and prices: then nothing is decided."""
        refusal = self._objection(request.instrument, request.halt_epoch, None)
        if refusal:
            return Clearance(refusal, 0, 0, 0)
        holdings, (_, ask) = self._venue.balances(), self._venue.touch(request.instrument)
        money = holdings.get(self._book.quote)
        cash, available = (money.total, money.available) if money else (0, 0)
        worth = cash
        for name, mark in self._book.marks.items():
            instrument = self._book.instruments[name]
            held = holdings.get(instrument.base)
            worth += value_at(mark, held.total, Terms.of(instrument)) if held else 0
        return Clearance("", available, worth, ask)

    def objection(self, request: MayLeave) -> str:
        return self._objection(request.instrument, request.halt_epoch, request)

    def _objection(self, instrument: str, epoch: int, stored: MayLeave | None) -> str:
        """Why an entry may not leave now, the order that is `stored` for it aside; empty when it may."""
        workflow = self._workflow()
        try:
            with reading(self._engine) as session:
                row, audit = Halts(session, self._key).standing(), self._audited(session)
                found = self._found(session, instrument, stored)
        except SQLAlchemyError as error:
            return f"the database cannot be read: {type(error).__name__}"
        return objection(Tellings(workflow, row, audit), epoch) or found

    def _audited(self, session: Session) -> Standing | None:
        try:
            last = Audit(session).last_state(*self._key)
        except BallastError:
            # An entry that was tampered with tells nothing.
            return None
        return Standing(*last) if last else None

    def _found(self, session: Session, instrument: str, stored: MayLeave | None) -> str:
        """What speaks against an entry at the venue or in the store."""
        reconciliations = Reconciliations(session, self._key)
        compared = reconciliations.latest()
        if compared is None:
            return "balances were never compared with the venue's"
        if compared[1]:
            return f"balances that nobody can explain: {', '.join(compared[1])}"
        if any(finding.instrument == instrument for finding in reconciliations.unreviewed()):
            return f"{instrument} holds something that is not by us and that nobody has looked at"
        working = OrderBook(session, self._key).unsettled()
        if instrument in frozen(order for order in working if stored is None or order.id != stored.order):
            return f"what became of an entry in {instrument} is not known"
        return ""
