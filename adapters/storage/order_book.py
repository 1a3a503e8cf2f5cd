"""The orders of one portfolio, as procedures read and write them.

`OrderBook` works inside a unit of work. `DurableOrders` is the `OrderStore` of `adapters.execution`: each of
its calls is a transaction of its own, on disk when it returns.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Engine, Select, and_, func, or_, select

from adapters.storage.base import PortfolioKey, Repository, alike, owned, store_once, total
from adapters.storage.decisions import Approval
from adapters.storage.engine import reading, unit_of_work
from adapters.storage.journal import EntryRow
from adapters.storage.orders import EventRow, FillRow, OrderRow
from trading.errors import InvariantError
from trading.execution.orders import UNSETTLED, Event, Order, What, apply, fold
from trading.execution.protocol import Instruction, Kind, Trade

EVENT = (EventRow.what, EventRow.at, EventRow.note, EventRow.venue_id, EventRow.deadline)
TRADE = (
    *(FillRow.venue_id, FillRow.instrument, FillRow.lots, FillRow.ticks),
    *(FillRow.value, FillRow.fee, FillRow.maker, FillRow.at),
)
"""Of `Trade`, after its id, in the order of its fields."""


UNPOSTED = (
    select(FillRow.trade_id, *TRADE)
    .outerjoin(EntryRow, and_(*alike(EntryRow, FillRow), EntryRow.entry == FillRow.trade_id))
    .where(*owned(FillRow), EntryRow.entry.is_(None))
    .order_by(FillRow.at, FillRow.trade_id)
)


class OrderBook(Repository):
    """Orders, events and fills."""

    def open(self, asof: datetime, instruction: Instruction, event: Event) -> Order:
        """Store an order with its first event, under the approval that it rests on: a stop on the newest
        entry in its instrument, any other order on what was approved at `asof`.

        An `InvariantError` if the id was ever used, without such an approval, or for a buy of more lots than
        the approval has left after its fills.
        """
        if self._session.get(OrderRow, (*self._key, instruction.id)) is not None:
            raise InvariantError(f"order {instruction.id} was opened before; an id is never used again")
        approval = self._approval(asof, instruction)
        if approval is None:
            raise InvariantError(f"order {instruction.id} in {instruction.instrument} rests on no approval")
        order = Order(instruction)
        after = apply(order, event)
        if not after.is_over and instruction.lots > max(0, approval.lots - self._bought(approval)):
            raise InvariantError(f"order {instruction.id} would buy more lots than its approval has left")
        newest = self._session.scalar(select(func.max(OrderRow.number)).where(*self._mine(OrderRow)))
        words = instruction._asdict() | {"kind": str(instruction.kind), "venue_id": after.venue_id or None}
        row = OrderRow(
            **self._key._asdict(),
            **words,
            number=1 + (newest or 0),
            asof=approval.asof,
            approved_lots=approval.lots,
            state=after.state,
            ended=after.is_over,
        )
        self._session.add(row)
        self._session.flush()
        self._keep(order, event)
        return after

    def append(self, order: Order, event: Event) -> Order:
        """Store what befell an order as number `order.events` of its history, and the fill of a trade.

        The same event stored again changes nothing; another one under that number is an `InvariantError`.
        """
        after = apply(order, event)
        mine = (*self._mine(EventRow), EventRow.id == order.id)
        known = self._session.scalar(select(func.count()).select_from(EventRow).where(*mine)) or 0
        if order.events > known:
            raise InvariantError(f"order {order.id} has a history of {known} events, not of {order.events}")
        if self._keep(order, event):
            row = self._session.get_one(OrderRow, (*self._key, order.id))
            row.follow(after)
            self._session.flush()
        return after

    def load(self, id: UUID) -> Order | None:
        """An order as its history says; an `InvariantError` if its row says something else."""
        return next(iter(self._fold(OrderRow.id == id)), None)

    def stops(self, instrument: str) -> list[Order]:
        """Protective stops of ours in one instrument that are not over."""
        stop = (OrderRow.instrument == instrument, OrderRow.kind == str(Kind.STOP))
        return self._fold(~OrderRow.ended, *stop)

    def unsettled(self) -> list[Order]:
        """Orders whose fate is open: they may rest, may have filled, may never have arrived."""
        return self._fold(OrderRow.state.in_([str(state) for state in UNSETTLED]))

    def orders(self, since: datetime) -> list[Order]:
        """Every order that is not over, or that something befell from `since` on."""
        lately = select(EventRow.id).where(*self._mine(EventRow), EventRow.at >= since)
        return self._fold(or_(~OrderRow.ended, OrderRow.id.in_(lately)))

    def unposted(self) -> list[Trade]:
        """Fills that the journal has no entry for yet, by time; an entry is named after its trade."""
        return [Trade(*row) for row in self._session.execute(UNPOSTED, self._key._asdict())]

    def positions(self) -> dict[str, int]:
        """Lots of each instrument by the fills alone; what came or went otherwise stands in the journal."""
        query = select(FillRow.instrument, total(FillRow.lots)).where(*self._mine(FillRow))
        found = self._session.execute(query.group_by(FillRow.instrument))
        return {instrument: lots for instrument, lots in found if lots}

    def _keep(self, order: Order, event: Event) -> bool:
        """Store an event and its trade; False if they are stored already."""
        owner = {**self._key._asdict(), "id": order.id}
        if event.trade is not None:
            told = event.trade._asdict()
            told |= {"trade_id": told.pop("id"), "venue_id": told.pop("order")}
            store_once(self._session, FillRow(**owner, **told))
        told = event._asdict() | {"what": str(event.what)}
        trade_id = event.trade.id if event.trade else None
        del told["trade"]
        return store_once(self._session, EventRow(**owner, **told, number=order.events, trade_id=trade_id))[1]

    def _fold(self, *which: ColumnElement[bool]) -> list[Order]:
        """Orders out of their histories, oldest first, each held against its row."""
        chosen = (*self._mine(OrderRow), *which)
        rows = self._session.scalars(select(OrderRow).where(*chosen).order_by(OrderRow.number)).all()
        histories = self._histories(select(OrderRow.id).where(*chosen)) if rows else {}
        orders = []
        for row in rows:
            order = fold(Order(row.instruction()), histories.get(row.id, ()))
            if (order.state, order.is_over, order.venue_id or None) != (row.state, row.ended, row.venue_id):
                raise InvariantError(
                    f"order {row.id} is {order.state} by its history, {row.state} by its row"
                )
            orders.append(order)
        return orders

    def _histories(self, ids: Select[UUID]) -> dict[UUID, list[Event]]:
        """Histories by order, read as plain columns: rows as objects take three times as long."""
        query = (
            select(EventRow.id, *EVENT, FillRow.trade_id, *TRADE)
            .outerjoin(FillRow, and_(*alike(EventRow, FillRow), EventRow.trade_id == FillRow.trade_id))
            .where(*self._mine(EventRow), EventRow.id.in_(ids))
            .order_by(EventRow.id, EventRow.number)
        )
        histories: dict[UUID, list[Event]] = {}
        for id, what, at, note, venue_id, deadline, trade_id, *trade in self._session.execute(query):
            told = Trade(trade_id, *trade) if trade_id is not None else None
            event = Event(What(what), at, note, venue_id, deadline, told)
            histories.setdefault(id, []).append(event)
        return histories

    def _approval(self, asof: datetime, instruction: Instruction) -> Approval | None:
        if instruction.kind is not Kind.STOP:
            return self._session.get(Approval, (*self._key, asof, instruction.instrument))
        bought = select(OrderRow.asof).where(
            *self._mine(OrderRow), OrderRow.instrument == instruction.instrument, OrderRow.lots > 0
        )
        newest = select(Approval).where(
            *self._mine(Approval), Approval.instrument == instruction.instrument, Approval.asof.in_(bought)
        )
        return self._session.scalars(newest.order_by(Approval.asof.desc()).limit(1)).first()

    def _bought(self, approval: Approval) -> int:
        """Lots that the buys of an approval have filled so far."""
        orders = select(OrderRow.id).where(
            *self._mine(OrderRow),
            OrderRow.asof == approval.asof,
            OrderRow.instrument == approval.instrument,
            OrderRow.lots > 0,
        )
        bought = select(total(FillRow.lots)).where(*self._mine(FillRow), FillRow.id.in_(orders))
        return self._session.scalars(bought).one() or 0


class DurableOrders:
    """The orders that the approvals of `asof` lead to, each call a transaction of its own."""

    def __init__(self, engine: Engine, key: PortfolioKey, asof: datetime) -> None:
        self._engine = engine
        self._key = key
        self._asof = asof

    def load(self, id: UUID) -> Order | None:
        with reading(self._engine) as session:
            return OrderBook(session, self._key).load(id)

    def open(self, instruction: Instruction, event: Event) -> None:
        with unit_of_work(self._engine, self._key) as session:
            OrderBook(session, self._key).open(self._asof, instruction, event)

    def append(self, order: Order, event: Event) -> None:
        with unit_of_work(self._engine, self._key) as session:
            OrderBook(session, self._key).append(order, event)

    def stops(self, instrument: str) -> tuple[Order, ...]:
        with reading(self._engine) as session:
            return tuple(OrderBook(session, self._key).stops(instrument))

    def orders(self, since: datetime) -> tuple[Order, ...]:
        with reading(self._engine) as session:
            return tuple(OrderBook(session, self._key).orders(since))
