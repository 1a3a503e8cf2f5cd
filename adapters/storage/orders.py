"""Orders, everything that befell them, and their fills.

What an order is and may become is `trading.execution.orders`; here it is kept, and proved again when read.
The database itself holds these, whatever the code does:

1. An order refers to an approval by risk, with that approval's side and at most its lots. A protective stop
   refers to the approval of the entry that it protects, and sells.
2. An id is opened once for ever and sent at most once.
3. An approved buy has one working order at a time. Sells may overlap, since spot cannot go short: after an
   exit of unknown fate another may be sent.
4. Of an order only its state, its end and the venue's id ever change; the id once, nothing after its end.
   Events and fills never change.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from adapters.storage.base import OWNER, WITNESS, Base, Owned, one_of, refers
from trading.execution.orders import TABLE, Order, State, What
from trading.execution.protocol import Instruction, Kind

APPROVED = (
    f"CASE WHEN kind = '{Kind.STOP}' THEN lots < 0 AND approved_lots > 0 "
    "WHEN approved_lots > 0 THEN lots > 0 AND lots <= approved_lots "
    "ELSE lots < 0 AND lots >= approved_lots END"
)
OVER = ", ".join(repr(str(state)) for state in State if not TABLE[state])


class OrderRow(Owned, Base):
    """One instruction to a venue and where it stands; prices in ticks, lots signed (> 0 buys)."""

    __tablename__ = "orders"

    id: Mapped[UUID] = mapped_column(primary_key=True, unique=True)
    """The `cl_ord_id`, from what the order means (`trading.execution.identity`)."""
    number: Mapped[int] = mapped_column(info=WITNESS)
    """Place among the orders of the portfolio, from 1."""
    asof: Mapped[datetime]
    instrument: Mapped[str]
    approved_lots: Mapped[int]
    """Of the approval of (asof, instrument), to which the order refers."""
    kind: Mapped[str]
    lots: Mapped[int]
    price: Mapped[int]
    """Limit, or trigger of a stop; 0 for a market order."""
    stop: Mapped[int]
    """Protective stop that a buy leaves behind at the venue; 0 for none."""
    expires: Mapped[datetime | None]
    state: Mapped[str] = mapped_column(info=WITNESS)
    ended: Mapped[bool] = mapped_column(info=WITNESS)
    venue_id: Mapped[str | None] = mapped_column(info=WITNESS)
    """The venue's own id, once it is known."""

    __table_args__ = (
        refers("approvals", "asof", "instrument", "approved_lots", to=("asof", "instrument", "lots")),
        UniqueConstraint(*OWNER, "number"),
        UniqueConstraint(*OWNER, "venue_id"),
        # A fill refers to its order's instrument too.
        UniqueConstraint(*OWNER, "id", "instrument"),
        one_of("kind", list(Kind)),
        one_of("state", list(State)),
        CheckConstraint(f"ended = (state IN ({OVER}))", name="ended"),
        CheckConstraint(APPROVED, name="approved"),
        CheckConstraint(f"(kind = '{Kind.MARKET}') = (price = 0)", name="price"),
        CheckConstraint("stop = 0 OR (stop > 0 AND lots > 0)", name="stop"),
        Index(
            "ix_orders_one_working_buy",
            *(*OWNER, "asof", "instrument"),
            unique=True,
            sqlite_where=text("lots > 0 AND NOT ended"),
            postgresql_where=text("lots > 0 AND NOT ended"),
        ),
        Index("ix_orders_open", *OWNER, sqlite_where=text("NOT ended"), postgresql_where=text("NOT ended")),
    )

    def instruction(self) -> Instruction:
        return Instruction(
            self.id, self.instrument, Kind(self.kind), self.lots, self.price, self.stop, self.expires
        )

    def follow(self, order: Order) -> None:
        """Take over where the order stands now."""
        self.state, self.ended, self.venue_id = order.state, order.is_over, order.venue_id or None


class FillRow(Owned, Base):
    """One execution of an order of ours, by the venue's trade id; amounts in 1e-8 quote."""

    __tablename__ = "fills"

    trade_id: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[UUID]
    """The order's."""
    venue_id: Mapped[str]
    """The venue's id of the order, as the trade names it."""
    instrument: Mapped[str]
    lots: Mapped[int]
    ticks: Mapped[int]
    value: Mapped[int]
    fee: Mapped[int]
    maker: Mapped[bool]
    at: Mapped[datetime]
    """By the venue's clock."""

    __table_args__ = (
        refers("orders", "id", "instrument"),
        CheckConstraint("lots <> 0 AND ticks > 0 AND value >= 0", name="moves"),
        Index("ix_fills_order", "id"),
    )


class EventRow(Owned, Base):
    """What befell an order, by its number in the order's history, from 0."""

    __tablename__ = "order_events"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    what: Mapped[str]
    at: Mapped[datetime]
    note: Mapped[str]
    venue_id: Mapped[str]
    deadline: Mapped[datetime | None]
    trade_id: Mapped[str | None]

    __table_args__ = (
        refers("orders", "id"),
        refers("fills", "trade_id"),
        one_of("what", list(What)),
        CheckConstraint(f"(what = '{What.SENT}') = (deadline IS NOT NULL)", name="sent"),
        CheckConstraint(f"(what = '{What.TRADED}') = (trade_id IS NOT NULL)", name="traded"),
        Index("ix_order_events_at", "at"),
        Index(
            "ix_order_events_sent_once",
            "id",
            unique=True,
            sqlite_where=text(f"what = '{What.SENT}'"),
            postgresql_where=text(f"what = '{What.SENT}'"),
        ),
    )
