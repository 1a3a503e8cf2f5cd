"""A venue on paper: the real market's prices, a made-up account, no key, and no order that leaves.

Orders meet the market that was, not one that is assumed: before an answer about orders or balances, every
public trade since the last look is applied to what was open then, at its own time. So a stop fills while
nobody looks, and a restart changes nothing. Our own orders move no price, which flatters large ones; the
report says so.
"""

import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID, uuid5

from adapters.clock import Clock
from adapters.kraken.catalogue import Catalogue
from adapters.kraken.public import TRADES_MAX, PublicApi
from adapters.kraken.schemas_public import Level as BookLevel
from adapters.kraken.timekeeping import KrakenTime
from adapters.paper.account import PaperAccount, PaperOrder, ended, held, looked, moved, placed
from adapters.paper.lines import Event
from adapters.paper.matching import Execution, Level, Print, on_arrival, on_print
from trading.config import ExecutionRules, Fees
from trading.errors import DataError, UsageError, VenueRefused, VenueUnavailable
from trading.execution.protocol import (
    Holding,
    Instruction,
    Kind,
    Move,
    Movement,
    Report,
    Status,
    Trade,
)
from trading.instruments import Instrument
from trading.money import fee
from trading.portfolio import Terms, value_at

LEVELS = 100
LOOK_EVERY_S = 10.0
"""Public calls are paced to one a second, and a print keeps its time however late it is seen."""
EPOCH = datetime.fromtimestamp(0, UTC)
MICROSECOND = timedelta(microseconds=1)


class PaperRules(NamedTuple):
    """What a fill costs, and how much of the market's volume is taken for ours."""

    execution: ExecutionRules
    fees: Fees


class PaperVenue:
    """One account on paper (`trading.execution.protocol.Account`); may be used from several threads."""

    def __init__(
        self, public: PublicApi, catalogue: Catalogue, clock: Clock, account: PaperAccount, rules: PaperRules
    ) -> None:
        self._public, self._catalogue, self._clock = public, catalogue, clock
        self._account, self._rules = account, rules
        self._time = KrakenTime(public, clock)
        self._turn = threading.RLock()
        self._looked_s: dict[str, float] = {}

    def open_with(self, asset: str, amount: int) -> None:
        """Put the opening balance into a new account."""
        if self._account.is_new:
            self._account.record([moved(Move.DEPOSIT, asset, amount, self.now())])

    def now(self) -> datetime:
        return self._time.now()

    def wait(self, until: datetime) -> None:
        self._time.wait(until)

    def submit(self, instruction: Instruction, deadline: datetime) -> str:
        now, grid = self.now(), self._catalogue.instrument(instruction.instrument)
        if now > deadline:
            raise VenueRefused(f"the deadline {deadline} has passed")
        if not self._catalogue.is_online(instruction.instrument):
            raise VenueUnavailable(f"{instruction.instrument} takes no orders now")
        if abs(instruction.lots) < grid.order_min_lots:
            raise VenueRefused(f"{abs(instruction.lots)} lots are below the venue's minimum")
        levels = self._levels(grid, instruction)
        with self._turn:
            self._look_now(instruction.instrument)
            return self._take_in(instruction, levels, now, grid)

    def _take_in(
        self, instruction: Instruction, levels: Sequence[Level], now: datetime, grid: Instrument
    ) -> str:
        venue_id = self._account.next_id("O")
        order = PaperOrder(venue_id, instruction, "", now)
        done = on_arrival(instruction, levels)
        self._check_funds(order, done, grid)
        events = [placed(venue_id, instruction, "", now)]
        events += self._fills(order, done, now, grid, now)
        left = order.left - sum(execution.lots for execution in done)
        if not left:
            events.append(ended(venue_id, Status.FILLED, now))
        elif instruction.kind is Kind.MARKET:
            events.append(ended(venue_id, Status.CANCELLED, now))
        self._account.record(events)
        return venue_id

    def cancel(self, venue_id: str, instrument: str) -> None:
        with self._turn:
            self._look_now(instrument)
            order = self._account.orders.get(venue_id)
            if order is None or order.status is not Status.OPEN:
                raise VenueRefused(f"no order {venue_id} is open")
            self._account.record([ended(venue_id, Status.CANCELLED, self.now())])

    def find(self, id: UUID, since: datetime) -> Report | None:
        del since  # The account remembers every order.
        return next((report for report in self._reports() if report.id == id), None)

    def find_traded(self, id: UUID, instrument: str, since: datetime) -> Report | None:
        del instrument, since
        return next((report for report in self._reports() if report.id == id and report.trades), None)

    def report(self, venue_id: str) -> Report | None:
        return next((report for report in self._reports() if report.venue_id == venue_id), None)

    def reports(self, venue_ids: Sequence[str]) -> Sequence[Report]:
        found = {report.venue_id: report for report in self._reports()}
        return [found[venue_id] for venue_id in venue_ids]

    def open_orders(self) -> Sequence[Report]:
        return [report for report in self._reports() if report.status is Status.OPEN]

    def trades(self, since: datetime) -> Sequence[Trade]:
        with self._turn:
            self._look()
            return [trade for trade in self._account.trades if trade.at > since]

    def movements(self, since: datetime) -> Sequence[Movement]:
        with self._turn:
            self._look()
            return [row for row in self._account.movements if row.at > since]

    def balances(self) -> Mapping[str, Holding]:
        with self._turn:
            self._look()
            self._account.record([looked(self.now())])
            return {
                asset: Holding(total, total - self._held(asset))
                for asset, total in self._account.balances.items()
            }

    def touch(self, instrument: str) -> tuple[int, int]:
        grid = self._catalogue.instrument(instrument)
        ticker = next(iter(self._public.tickers(self._catalogue.id(instrument)).values()))
        return _ticks(grid, ticker.bid), _ticks(grid, ticker.ask)

    def _reports(self) -> list[Report]:
        with self._turn:
            self._look()
            return [order.report() for order in self._account.orders.values()]

    def _held(self, asset: str) -> int:
        held_by = [
            held(order, self._catalogue.instrument(order.instruction.instrument), self._rules.fees.taker_ppm)
            for order in self._account.open_orders()
        ]
        return sum(amount for holds, amount in held_by if holds == asset)

    def _check_funds(self, order: PaperOrder, done: Sequence[Execution], grid: Instrument) -> None:
        """A `VenueRefused` for what the account cannot pay: what trades now, and what would rest."""
        asset, needed = held(order, grid, self._rules.fees.taker_ppm)
        if order.instruction.kind is Kind.MARKET and order.instruction.lots > 0:
            values = [value_at(e.ticks, e.lots, Terms.of(grid)) for e in done]
            needed = sum(value + fee(value, self._rules.fees.taker_ppm) for value in values)
        available = self._account.balances[asset] - self._held(asset)
        if needed > available:
            raise VenueRefused(f"{needed} of {asset} are needed and {available} available")

    def _levels(self, grid: Instrument, instruction: Instruction) -> list[Level]:
        """The side of the book that an order meets; a stop meets none."""
        if instruction.kind is Kind.STOP:
            return []
        book = self._public.book(self._catalogue.id(grid.name), LEVELS)
        side: Sequence[BookLevel] = book.asks if instruction.lots > 0 else book.bids
        return [Level(_ticks(grid, level.price), grid.lots(level.volume)) for level in side]

    def _look(self) -> None:
        """Bring every instrument with an open order up to date that was not looked at just now."""
        for name in sorted({order.instruction.instrument for order in self._account.open_orders()}):
            if self._clock.monotonic_s() - self._looked_s.get(name, -LOOK_EVERY_S) >= LOOK_EVERY_S:
                self._look_now(name)

    def _look_now(self, name: str) -> None:
        """Apply what the market printed since the last look to what is open, and end what has expired."""
        orders = self._open_in(name)
        if not orders:
            return
        now, grid = self.now(), self._catalogue.instrument(name)
        first = min(order.placed for order in orders)
        for seen in self._prints(grid, max(self._account.seen.get(name, first), first)):
            for order in self._open_in(name):
                self._meet(order, seen, grid, now)
        for order in self._open_in(name):
            expires = order.instruction.expires
            if expires and expires <= now:
                self._account.record([ended(order.venue_id, Status.EXPIRED, expires)])
        self._looked_s[name] = self._clock.monotonic_s()

    def _open_in(self, name: str) -> list[PaperOrder]:
        return [order for order in self._account.open_orders() if order.instruction.instrument == name]

    def _meet(self, order: PaperOrder, seen: Print, grid: Instrument, now: datetime) -> None:
        expires = order.instruction.expires
        if seen.at <= order.placed or (expires and seen.at >= expires):
            return
        execution = on_print(order.instruction, order.left, seen, self._rules.execution)
        if execution is None:
            return
        events = self._fills(order, [execution], seen.at, grid, now)
        if execution.lots == order.left:
            events.append(ended(order.venue_id, Status.FILLED, seen.at))
        self._account.record(events)

    def _fills(
        self, order: PaperOrder, done: Sequence[Execution], at: datetime, grid: Instrument, now: datetime
    ) -> list[Event]:
        """Fills of `at` as events, each with the stop that it brings along; they are shown from `now` on."""
        buys = order.instruction.lots > 0
        events: list[Event] = []
        for n, execution in enumerate(done):
            value = value_at(execution.ticks, execution.lots, Terms.of(grid))
            fees = self._rules.fees
            filled: Event = {
                "what": "filled",
                "order": order.venue_id,
                "trade": self._account.next_id("T", n),
                "lots": execution.lots if buys else -execution.lots,
                "ticks": execution.ticks,
                "value": value,
                "fee": fee(value, fees.maker_ppm if execution.maker else fees.taker_ppm),
                "maker": execution.maker,
                "at": at.isoformat(),
                "shown": now.isoformat(),
            }
            events.append(filled)
            if order.instruction.stop:
                events.append(self._stop(order, execution.lots, at, n))
        return events

    def _stop(self, order: PaperOrder, lots: int, at: datetime, n: int) -> Event:
        own = 0 if order.venue_id in self._account.orders else 1
        venue_id = self._account.next_id("O", n + own)
        told = order.instruction
        stop = Instruction(uuid5(told.id, venue_id), told.instrument, Kind.STOP, -lots, told.stop)
        return placed(venue_id, stop, order.venue_id, at)

    def _prints(self, grid: Instrument, after: datetime) -> list[Print]:
        """Every public trade after a moment, oldest first."""
        pair, since_ns, found = self._catalogue.id(grid.name), (after - EPOCH) // MICROSECOND * 1_000, []
        while True:
            page = self._public.trades(pair, since_ns)
            for row in page.rows:
                at = EPOCH + timedelta(microseconds=int(row.time * 1_000_000))
                if at > after:
                    found.append(Print(at, _ticks(grid, row.price), grid.lots(row.volume)))
            if len(page.rows) < TRADES_MAX or page.last <= since_ns:
                return found
            since_ns = page.last


def _ticks(grid: Instrument, price: Decimal) -> int:
    try:
        return grid.ticks(price)
    except UsageError as error:
        raise DataError(f"Kraken gave a price off its own grid: {error}") from error
