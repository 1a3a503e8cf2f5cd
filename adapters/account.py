"""One portfolio's account at its venue: what is there, and order procedures carried out until they must wait.

A procedure that waits for something that takes long (a limit that rests until minute 55) is put aside: it is
begun anew from the store when its order changed or its time has come, which is the recovery after a crash as
well. Short waits, such as for a cancel, are waited out here.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, NamedTuple, TypeVar

from adapters.execution import Guard, Hands, carry_out
from adapters.reconciling import Ours, Reconciled, reconcile, since_last
from adapters.storage.order_book import DurableOrders
from adapters.venue_clock import VenueClock
from trading.clock import TradingHour
from trading.execution.placing import Steps, Wait
from trading.execution.protocol import Account as Venue

T = TypeVar("T")

SHORT = timedelta(minutes=2)
"""A wait for an order that may take longer than this puts the procedure aside."""


class Pause(NamedTuple):
    """A procedure is put aside until venue time `until`, or a change of `order`."""

    until: datetime
    order: str


class Account:
    """One portfolio at one venue, by one clock."""

    def __init__(
        self,
        books: Ours,
        opened: datetime,
        venue: Venue,
        clock: VenueClock,
        guard_at: Callable[[TradingHour], Guard],
    ) -> None:
        """`opened` is when the portfolio began: nothing older is looked for. `guard_at` gives the guard of
        the entries that were decided at an hour.
        """
        self._books, self._opened, self._venue, self._clock = books, opened, venue, clock
        self._guard_at = guard_at

    def _hands(self, hour: TradingHour) -> Hands:
        return Hands(
            self._venue, DurableOrders(self._books.engine, self._books.key, hour.asof), self._guard_at(hour)
        )

    def reconcile(self, hour: TradingHour) -> Reconciled:
        """Bring orders, journal and findings up to what the account shows, and compare every balance."""
        # What lay there before is booked as the portfolio's opening.
        since = max(since_last(self._books, self._opened), self._opened)
        return reconcile(self._venue, self._hands(hour), self._books, since)

    def work(self, hour: TradingHour, steps: Steps[T], name: str, beat: Callable[[], None]) -> T | Pause:
        """Carry a procedure through, or to where it has to wait for long.

        `name` is what the venue's clock knows the work by; `beat` is called between requests and waits.
        """
        hands, answer = self._hands(hour), None
        while True:
            beat()
            try:
                request: Any = steps.send(answer)
            except StopIteration as end:
                result: T = end.value
                return result
            if isinstance(request, Wait):
                pause = self._pause(request)
                if pause is not None:
                    steps.close()
                    return pause
                self._wait(request.until, name, beat)
                answer = None
            else:
                answer = carry_out(request, hands)

    def _pause(self, wait: Wait) -> Pause | None:
        if wait.order is None or wait.at_latest is None:
            return None
        return Pause(wait.at_latest, str(wait.order)) if wait.at_latest - self._clock.now() > SHORT else None

    def _wait(self, until: datetime, name: str, beat: Callable[[], None]) -> None:
        while self._clock.now() < until:
            self._clock.rest(until, name)
            beat()
