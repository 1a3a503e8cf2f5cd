"""A venue in memory that keeps the truth, a store that outlives crashes, and hands that let go of the world.

Faults are words taken from queues, one a call: what happens to the call, never what the client believes.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from adapters.execution import Hands, carry_out
from tests.core import CONFIG
from trading.errors import InvariantError, OutcomeUnknown, VenueRefused, VenueUnavailable
from trading.execution.entering import Clear, Clearance, Entry, MayLeave
from trading.execution.orders import Event, Order, apply
from trading.execution.placing import Steps
from trading.execution.protocol import Holding, Instruction, Kind, Report, Status, Trade
from trading.portfolio import Terms
from trading.risk.approve import ApprovedOrder

ASOF = datetime(2026, 3, 1, 12, tzinfo=UTC)
COIN, PAIR, TRACK = "BTC", "BTC/USD", "paper-test"
LIMIT, STOP, LOTS = 10_000, 9_000, 100
LAG = timedelta(seconds=8)
"""How long a new order may stay out of sight."""


class Crash(Exception):
    """The process dies here."""


@dataclass
class Placed:
    """An order as it truly is."""

    venue_id: str
    sent: Instruction
    since: datetime
    parent: str = ""
    plan: list[tuple[datetime, int]] = field(default_factory=list)
    """When how many lots (unsigned) trade, while it is open."""
    trades: list[Trade] = field(default_factory=list)
    status: Status = Status.OPEN
    hidden_until: datetime = ASOF

    @property
    def filled(self) -> int:
        return sum(trade.lots for trade in self.trades)

    @property
    def open_lots(self) -> int:
        return self.sent.lots - self.filled if self.status is Status.OPEN else 0


@dataclass
class MakeBelieve:
    """The venue. `sends`, `looks` and `cancels` hold the faults to come; an empty queue means none."""

    clock: datetime = ASOF + timedelta(seconds=30)
    sends: deque[str] = field(default_factory=deque)
    looks: deque[str] = field(default_factory=deque)
    cancels: deque[str] = field(default_factory=deque)
    fills: deque[tuple[float, int]] = field(default_factory=deque)
    """(seconds after the placing, lots) of limit orders to come."""
    coins: int = 0
    balance_lag: int = 0
    """Lots that are sold and still shown."""
    bid_ask: tuple[int, int] = (9_999, 10_000)
    orders: dict[str, Placed] = field(default_factory=dict)
    arriving: list[tuple[datetime, Placed]] = field(default_factory=list)
    submitted: list[UUID] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    _numbers: "count[int]" = field(default_factory=count)

    def now(self) -> datetime:
        return self.clock

    def wait(self, until: datetime) -> None:
        self.pass_to(max(until, self.clock))

    def pass_to(self, until: datetime) -> None:
        """Let the venue live until then: arrivals, fills, expiries, in order of time."""
        while self.clock < until:
            due = [at for at, _ in self.arriving]
            for order in self.orders.values():
                if order.status is Status.OPEN:
                    due += [at for at, _ in order.plan[:1]]
                    due += [order.sent.expires] if order.sent.expires else []
            self.clock = min([at for at in due if at > self.clock] + [until])
            for at, order in list(self.arriving):
                if at <= self.clock:
                    self.arriving.remove((at, order))
                    self.orders[order.venue_id] = order
            for order in list(self.orders.values()):
                self._live(order)

    def submit(self, instruction: Instruction, deadline: datetime) -> str:
        assert instruction.id not in self.submitted, "an id was sent twice"
        self.submitted.append(instruction.id)
        fault = self.sends.popleft() if self.sends else "taken"
        self.log.append(f"{fault} {instruction.kind} {instruction.lots}")
        if fault == "refused":
            raise VenueRefused("no")
        if fault == "unsent":
            raise VenueUnavailable("no connection")
        if fault == "vanished":
            raise OutcomeUnknown("no answer")
        placed = self.place(instruction)
        if fault == "late":
            del self.orders[placed.venue_id]
            self.arriving.append((deadline - timedelta(seconds=1), placed))
            placed.since = deadline - timedelta(seconds=1)
        if fault in ("lost", "late", "hidden"):
            placed.hidden_until = placed.since + (LAG if fault == "hidden" else timedelta())
            raise OutcomeUnknown("no answer")
        return placed.venue_id

    def place(self, instruction: Instruction, parent: str = "") -> Placed:
        """Take an order, whoever sends it."""
        placed = Placed(f"O{next(self._numbers)}", instruction, self.clock, parent)
        if instruction.lots < 0 and -instruction.lots > self.available:
            raise VenueRefused("insufficient funds")
        self.orders[placed.venue_id] = placed
        if instruction.kind is Kind.MARKET:
            placed.plan = [(self.clock, abs(instruction.lots))]
        elif instruction.kind is Kind.LIMIT:
            placed.plan = [(self.clock + timedelta(seconds=s), lots) for s, lots in self.fills]
        self._live(placed)
        return placed

    def _live(self, order: Placed) -> None:
        """Everything that befalls one order up to now."""
        while order.status is Status.OPEN and order.plan and order.plan[0][0] <= self.clock:
            at, lots = order.plan.pop(0)
            if order.sent.expires is None or at < order.sent.expires:
                self.trade(order, lots)
        if order.status is Status.OPEN and order.sent.expires and self.clock >= order.sent.expires:
            order.status = Status.EXPIRED

    def trade(self, order: Placed, lots: int) -> None:
        sign = 1 if order.sent.lots > 0 else -1
        lots = sign * min(lots, abs(order.open_lots))
        if lots == 0:
            return
        ticks = order.sent.price or LIMIT
        id = f"T{next(self._numbers)}"
        order.trades.append(
            Trade(id, order.venue_id, PAIR, lots, ticks, abs(lots) * ticks, 0, True, self.clock)
        )
        self.coins += lots
        if order.open_lots == 0:
            order.status = Status.FILLED
        if order.sent.stop:
            child = Instruction(UUID(int=0), PAIR, Kind.STOP, -lots, order.sent.stop)
            self.place(child, order.venue_id)

    def cancel(self, venue_id: str, instrument: str) -> None:
        fault = self.cancels.popleft() if self.cancels else "done"
        order = self.orders[venue_id]
        if fault == "race":
            self.trade(order, 1_000_000)
        if fault != "vanished" and order.status is Status.OPEN:
            order.status = Status.CANCELLED
        if fault in ("lost", "vanished"):
            raise OutcomeUnknown("no answer")

    def find(self, id: UUID, since: datetime) -> Report | None:
        return self._look(lambda o: o.sent.id == id and not o.parent)

    def find_traded(self, id: UUID, instrument: str, since: datetime) -> Report | None:
        return self._look(lambda o: o.sent.id == id and bool(o.trades))

    def report(self, venue_id: str) -> Report | None:
        return self._look(lambda o: o.venue_id == venue_id)

    def _look(self, wanted: Callable[[Placed], bool]) -> Report | None:
        fault = self.looks.popleft() if self.looks else "seen"
        if fault == "unreadable":
            raise VenueUnavailable("no answer")
        seen = [o for o in self.orders.values() if wanted(o) and self.clock >= o.hidden_until]
        assert len(seen) <= 1
        if not seen:
            return None
        report = self.told(seen[0])
        return report._replace(trades=report.trades[:-1]) if fault == "lagging" else report

    def told(self, order: Placed) -> Report:
        id = None if order.parent else order.sent.id
        return Report(
            order.venue_id,
            id,
            order.parent,
            PAIR,
            order.sent.kind,
            order.sent.lots,
            order.sent.price,
            order.status,
            order.filled,
            tuple(order.trades),
        )

    def reports(self, venue_ids: Sequence[str]) -> list[Report]:
        return [self.told(self.orders[id]) for id in venue_ids]

    def open_orders(self) -> list[Report]:
        return [self.told(o) for o in self.orders.values() if o.status is Status.OPEN]

    def trades(self, since: datetime) -> list[Trade]:
        return [t for o in self.orders.values() for t in o.trades]

    def balances(self) -> dict[str, Holding]:
        return {COIN: Holding(self.coins, self.available + self.balance_lag)}

    @property
    def available(self) -> int:
        return self.coins + sum(min(o.open_lots, 0) for o in self.orders.values())

    def touch(self, instrument: str) -> tuple[int, int]:
        return self.bid_ask


@dataclass
class Memory:
    """A store in memory: what is here survived the crash."""

    kept: dict[UUID, Order] = field(default_factory=dict)
    events: list[tuple[UUID, Event]] = field(default_factory=list)

    def load(self, id: UUID) -> Order | None:
        return self.kept.get(id)

    def open(self, instruction: Instruction, event: Event) -> None:
        if instruction.id in self.kept:
            raise InvariantError(f"{instruction.id} is in use")
        self.kept[instruction.id] = apply(Order(instruction), event)
        self.events.append((instruction.id, event))

    def append(self, order: Order, event: Event) -> None:
        if self.kept[order.id].events != order.events:
            raise InvariantError(f"another event of {order.id} came in between")
        self.kept[order.id] = apply(self.kept[order.id], event)
        self.events.append((order.id, event))

    def stops(self, instrument: str) -> tuple[Order, ...]:
        return tuple(o for o in self.kept.values() if o.is_stop and not o.is_over)

    def orders(self, since: datetime) -> list[Order]:
        return list(self.kept.values())


@dataclass
class Gate:
    """Lets entries pass, or says why not."""

    refusal: str = ""
    cash: int = 1_000_000_000
    equity: int = 1_000_000_000

    ask: int = LIMIT
    late_refusal: str = ""
    """What is found against an order only once it is stored."""

    def objection(self, request: MayLeave) -> str:
        return self.refusal or self.late_refusal

    def clear(self, request: Clear) -> Clearance:
        return Clearance(self.refusal, self.cash, self.equity, self.ask)


@dataclass
class World:
    """Venue, store and gate; `crashes` are the numbers of the requests at which the process dies."""

    venue: MakeBelieve = field(default_factory=MakeBelieve)
    store: Memory = field(default_factory=Memory)
    gate: Gate = field(default_factory=Gate)
    crashes: set[tuple[int, str]] = field(default_factory=set)
    asked: "count[int]" = field(default_factory=count)
    requests: list[Any] = field(default_factory=list)

    def run(self, begin: Callable[[], Steps[Any]], down_s: Iterable[float] = ()) -> Any:
        """Carry a procedure through, beginning it anew after each crash, `down_s` later."""
        naps = deque(down_s)
        while True:
            try:
                return self._once(begin())
            except Crash:
                nap = timedelta(seconds=naps.popleft() if naps else 1)
                self.venue.pass_to(self.venue.clock + nap)

    def _once(self, steps: Steps[Any]) -> Any:
        answer: Any = None
        hands = Hands(self.venue, self.store, self.gate)
        while True:
            try:
                request = steps.send(answer)
            except StopIteration as end:
                return end.value
            number = next(self.asked)
            self.requests.append(request)
            if (number, "before") in self.crashes:
                raise Crash
            answer = carry_out(request, hands)
            if (number, "after") in self.crashes:
                raise Crash


def entry(**changes: Any) -> Entry:
    """An approved buy of a hundred lots."""
    values: dict[str, Any] = {
        "track": TRACK,
        "intent": "intent",
        "instrument": PAIR,
        "asof": ASOF,
        "approved": ApprovedOrder(LOTS, LIMIT, STOP, 0, 0),
        "equity": 1_000_000_000,
        "halt_epoch": 0,
        "config": CONFIG,
        "terms": Terms(1, 1, 10, 50_000),
    }
    return Entry(**(values | changes))
