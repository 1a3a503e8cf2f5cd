"""A made-up account: what it holds, its orders, trades and ledger, as the fold of lines that are only added.

Events that belong together are one line, durable before anybody is told: a crash loses nothing that was
answered.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from uuid import UUID

from adapters.paper.lines import Event, FileLines, Lines
from trading.execution.protocol import Instruction, Kind, Move, Movement, Report, Status, Trade
from trading.instruments import Instrument
from trading.money import fee

LOOKED = "looked"


@dataclass
class PaperOrder:
    """One order and what became of it."""

    venue_id: str
    instruction: Instruction
    parent: str
    placed: datetime
    status: Status = Status.OPEN
    ended: datetime | None = None
    trades: list[Trade] = field(default_factory=list)
    """Of orders that the venue made, the id in `instruction` says nothing."""

    @property
    def filled(self) -> int:
        """Signed."""
        return sum(trade.lots for trade in self.trades)

    @property
    def left(self) -> int:
        return abs(self.instruction.lots - self.filled)

    def report(self) -> Report:
        told = self.instruction
        id = None if self.parent else told.id
        return Report(
            self.venue_id,
            id,
            self.parent,
            told.instrument,
            told.kind,
            told.lots,
            told.price,
            self.status,
            self.filled,
            tuple(self.trades),
        )


class PaperBooks:
    """The account as the events so far make it."""

    def __init__(self) -> None:
        self.balances: Counter[str] = Counter()
        self.orders: dict[str, PaperOrder] = {}
        self.trades: list[Trade] = []
        self.movements: list[Movement] = []
        self.seen: dict[str, datetime] = {}
        """By instrument, the moment up to which prints were applied."""

    def take_in(self, events: Sequence[Event]) -> None:
        """Apply the events of one line."""
        for event in events:
            self._apply(event)

    @property
    def is_new(self) -> bool:
        return not self.movements

    def open_orders(self) -> list[PaperOrder]:
        return [order for order in self.orders.values() if order.status is Status.OPEN]

    def next_id(self, kind: str, ahead: int = 0) -> str:
        """A venue's id that was never used: O for orders, T for trades, L for ledger rows."""
        count = {"O": len(self.orders), "T": len(self.trades), "L": len(self.movements)}[kind]
        return f"PAPER-{kind}{count + ahead + 1:06d}"

    def _apply(self, event: Event) -> None:
        at = datetime.fromisoformat(event["at"])
        match event["what"]:
            case "moved":
                self._move(Move(event["move"]), "", at, event["asset"], event["amount"])
            case "placed":
                told = instruction_of(event)
                self.orders[event["order"]] = PaperOrder(event["order"], told, event["parent"], at)
            case "filled":
                self._fill(event, at)
            case "ended":
                order = self.orders[event["order"]]
                order.status, order.ended = Status(event["status"]), at

    def _fill(self, event: Event, at: datetime) -> None:
        order = self.orders[event["order"]]
        name = order.instruction.instrument
        base, quote = name.split("/")
        numbers = (event["lots"], event["ticks"], event["value"], event["fee"])
        trade = Trade(event["trade"], order.venue_id, name, *numbers, event["maker"], at)
        order.trades.append(trade)
        self.trades.append(trade)
        received = (-trade.value if trade.lots > 0 else trade.value) - trade.fee
        self._move(Move.TRADE, trade.id, at, base, trade.lots)
        self._move(Move.TRADE, trade.id, at, quote, received)
        self.seen[name] = at

    def _move(self, what: Move, reference: str, at: datetime, asset: str, amount: int) -> None:
        self.movements.append(Movement(self.next_id("L"), what, reference, at, asset, amount))
        self.balances[asset] += amount


class PaperAccount(PaperBooks):
    """The account in one file, or in lines elsewhere; one process at a time holds it."""

    def __init__(self, lines: Path | Lines) -> None:
        super().__init__()
        self._lines = FileLines(lines) if isinstance(lines, Path) else lines
        for events in self._lines.all():
            self.take_in(events)

    def close(self) -> None:
        """Let another process have the account."""
        self._lines.close()

    def record(self, events: Sequence[Event]) -> None:
        """Make events durable together, then true."""
        self._lines.append(events)
        self.take_in(events)


def instruction_of(event: Event) -> Instruction:
    expires = datetime.fromisoformat(event["expires"]) if event["expires"] else None
    return Instruction(
        UUID(event["id"]),
        event["instrument"],
        Kind(event["kind"]),
        event["lots"],
        event["price"],
        event["stop"],
        expires,
    )


def placed(venue_id: str, instruction: Instruction, parent: str, at: datetime) -> Event:
    told = instruction._asdict() | {
        "id": str(instruction.id),
        "kind": str(instruction.kind),
        "expires": instruction.expires.isoformat() if instruction.expires else "",
    }
    return {"what": "placed", "order": venue_id, "parent": parent, "at": at.isoformat(), **told}


def moved(move: Move, asset: str, amount: int, at: datetime) -> Event:
    return {"what": "moved", "move": str(move), "asset": asset, "amount": amount, "at": at.isoformat()}


def ended(order: str, status: Status, at: datetime) -> Event:
    return {"what": "ended", "order": order, "status": str(status), "at": at.isoformat()}


def looked(at: datetime) -> Event:
    """Somebody was told the balances: it moves nothing, and a proof knows by it what was known when."""
    return {"what": LOOKED, "at": at.isoformat()}


def held(order: PaperOrder, instrument: Instrument, taker_ppm: int) -> tuple[str, int]:
    """The asset that an open order holds, and how much of it: a purchase with its fee."""
    if order.instruction.lots < 0:
        return instrument.base, order.left
    value = order.left * order.instruction.price * instrument.multiplier // instrument.divisor
    return instrument.quote, value + fee(value, taker_ppm)
