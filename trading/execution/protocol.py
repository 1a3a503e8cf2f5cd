"""What passes between us and a venue: instructions go out, reports and trades come back.

A simulated and a real venue satisfy the same `Venue`. Prices are ticks, quantities lots, money 1e-8 of the
quote currency, times aware and UTC by the venue's clock. Lots are signed: positive buys, negative sells.

    DENIED     we did not send it
    REJECTED   the venue did not take it
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, Protocol
from uuid import UUID


class Kind(StrEnum):
    """What sort of order a leg of an intent is."""

    LIMIT = "limit"
    MARKET = "market"
    STOP = "stop"


class Instruction(NamedTuple):
    """One order as we send it, or as the venue made it for us; it never changes."""

    id: UUID
    """Ours, from `trading.execution.identity`: sent once, and never for another order."""
    instrument: str
    kind: Kind
    lots: int
    price: int
    """Limit, or trigger of a stop, in ticks; 0 for a market order."""
    stop: int = 0
    """Trigger of the stop that every fill of a buy leaves behind, in ticks; 0 for none."""
    expires: datetime | None = None
    """Good till then; for ever without it."""


class Status(StrEnum):
    """Where an order stands, by the venue's word."""

    OPEN = "open"
    FILLED = "filled"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class Trade(NamedTuple):
    """One execution, by the venue's word."""

    id: str
    """The venue's; what a fill is booked under."""
    order: str
    """The venue's id of the order that it filled."""
    instrument: str
    lots: int
    ticks: int
    value: int
    fee: int
    maker: bool
    at: datetime


class Report(NamedTuple):
    """What the venue says of one order, ours or not."""

    venue_id: str
    id: UUID | None
    """The id that it was sent with; None if the venue made it, or somebody else did without one."""
    parent: str
    """The venue's id of the order that left it behind as its stop; empty for none."""
    instrument: str
    kind: str
    lots: int
    price: int
    status: Status
    filled: int
    """Lots traded, signed like `lots`; may run ahead of `trades` for a moment."""
    trades: tuple[Trade, ...]


class Holding(NamedTuple):
    """One asset at the venue: lots of a base asset, 1e-8 of a quote currency."""

    total: int
    available: int
    """What open orders do not hold."""


class Move(StrEnum):
    """What sort of movement a venue's ledger tells of."""

    TRADE = "trade"
    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"
    REWARD = "reward"
    OTHER = "other"


class Movement(NamedTuple):
    """One row of the venue's own ledger."""

    id: str
    what: Move
    reference: str
    """Of a trade, its id."""
    at: datetime
    asset: str
    amount: int
    """What it did to the balance, fee included: lots of a base asset, 1e-8 of any other."""


class Venue(Protocol):
    """Kraken or the simulator. Reads raise `VenueUnavailable` when no whole answer came."""

    def now(self) -> datetime:
        """The venue's time, which deadlines are measured by."""
        ...

    def wait(self, until: datetime) -> None:
        """Return when the venue's clock has reached `until`."""
        ...

    def submit(self, instruction: Instruction, deadline: datetime) -> str:
        """Send once; the venue refuses it after `deadline`. Returns the venue's id of the order.

        Raises `VenueRefused`, `VenueUnavailable` (nothing was placed), or `OutcomeUnknown`.
        """
        ...

    def cancel(self, venue_id: str, instrument: str) -> None:
        """Ask for an order's end; only a later report tells whether it came before a fill."""
        ...

    def find(self, id: UUID, since: datetime) -> Report | None:
        """The order of that id among open orders and those that were open after `since`; None if absent."""
        ...

    def find_traded(self, id: UUID, instrument: str, since: datetime) -> Report | None:
        """The order of that id among those that traded after `since`; None if absent."""
        ...

    def report(self, venue_id: str) -> Report | None:
        """One order by the venue's id; None while the venue does not show it."""
        ...

    def reports(self, venue_ids: Sequence[str]) -> Sequence[Report]:
        """Several orders at once; raises `VenueUnavailable` if one of them is not shown."""
        ...

    def open_orders(self) -> Sequence[Report]:
        """Every order that rests in the account, whoever sent it."""
        ...

    def trades(self, since: datetime) -> Sequence[Trade]:
        """Every trade of the account after `since`, oldest first."""
        ...

    def balances(self) -> Mapping[str, Holding]:
        """Every asset that the account holds, by its name."""
        ...

    def touch(self, instrument: str) -> tuple[int, int]:
        """(best bid, best ask) in ticks."""
        ...


class Account(Venue, Protocol):
    """A venue that also shows its own ledger."""

    def movements(self, since: datetime) -> Sequence[Movement]:
        """Every movement of the account after `since`, oldest first."""
        ...
