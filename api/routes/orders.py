"""Orders with everything that befell them, verdicts with those denied, and trades with what they cost."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from sqlalchemy import ColumnElement, select, tuple_
from sqlalchemy.orm import Session

from adapters.storage.base import Owned, PortfolioKey
from adapters.storage.decisions import Approval
from adapters.storage.orders import EventRow, FillRow, OrderRow
from api.access.roles import Action
from api.answers import Remembered
from api.problems import REFUSALS, Refused
from api.scope import Scoped
from api.wire import (
    Answer,
    BeforeQuery,
    LimitQuery,
    Money,
    Page,
    csv_file,
    cursor,
    decimal_text,
    moment,
    money,
    place,
)
from config.instruments import grid_for
from trading.codes import BREACHES

router = APIRouter(
    prefix="/api/portfolios/{portfolio}", tags=["orders"], responses=REFUSALS, route_class=Remembered
)

InstrumentQuery = Annotated[str | None, Query(max_length=20, examples=["BTC/USD"])]


class Event(Answer):
    """One thing that befell an order."""

    number: int
    what: str
    at: datetime
    note: str
    deadline: datetime | None
    trade_id: str | None


class Order(Answer):
    """One instruction to the venue."""

    id: UUID
    number: int
    asof: datetime
    instrument: str
    side: str
    kind: str
    quantity: Money
    price: Money | None
    """Limit, or trigger of a stop; null for a market order."""
    stop: Money | None
    expires: datetime | None
    state: str
    ended: bool
    venue_id: str | None


class OrderHistory(Answer):
    """An order, its events and its fills."""

    order: Order
    events: list[Event]
    trades: "list[Trade]"


class Verdict(Answer):
    """What risk said to one intent; a denied one is here too."""

    asof: datetime
    instrument: str
    side: str
    verdict: str
    reason: str
    breaches: list[str]
    wanted: Money
    approved: Money
    limit: Money
    stop: Money | None
    take: Money | None


class Trade(Answer):
    """One execution; slippage is against the limit or trigger of its order, positive when it cost us."""

    trade_id: str
    order: UUID
    at: datetime
    asof: datetime
    instrument: str
    side: str
    kind: str
    quantity: Money
    price: Money
    value: Money
    fee: Money
    slippage: Money | None
    maker: bool


OrderHistory.model_rebuild()


@router.get("/orders", summary="Orders, newest first")
def orders(
    scope: Scoped,
    instrument: InstrumentQuery = None,
    state: Annotated[str | None, Query(max_length=40)] = None,
    open: Annotated[bool | None, Query(description="Only those at work, or only those ended.")] = None,
    limit: LimitQuery = 100,
    before: BeforeQuery = None,
) -> Page[Order]:
    wanted = [*_mine(OrderRow, scope.key)]
    if instrument is not None:
        wanted.append(OrderRow.instrument == instrument)
    if state is not None:
        wanted.append(OrderRow.state == state)
    if open is not None:
        wanted.append(OrderRow.ended != open)
    if before is not None:
        wanted.append(OrderRow.number < _whole(place(before, 1)[0]))
    query = select(OrderRow).where(*wanted).order_by(OrderRow.number.desc()).limit(limit + 1)
    rows = scope.session.scalars(query).all()
    more = cursor(str(rows[limit - 1].number)) if len(rows) > limit else None
    return Page(items=[_order(row) for row in rows[:limit]], next=more)


@router.get("/orders/{order}", summary="One order with its events and trades")
def order(scope: Scoped, order: UUID) -> OrderHistory:
    row = scope.session.get(OrderRow, (*scope.key, order))
    if row is None:
        raise Refused(404, "no such order", f"portfolio {scope.key.portfolio} has no order {order}")
    events = (
        select(EventRow).where(*_mine(EventRow, scope.key), EventRow.id == order).order_by(EventRow.number)
    )
    return OrderHistory(
        order=_order(row),
        events=[
            Event(
                number=event.number,
                what=event.what,
                at=event.at,
                note=event.note,
                deadline=event.deadline,
                trade_id=event.trade_id,
            )
            for event in scope.session.scalars(events)
        ],
        trades=_trades(scope.session, [*_mine(FillRow, scope.key), FillRow.id == order], None),
    )


@router.get("/verdicts", summary="What risk kept, shrank, forced or denied, newest first")
def verdicts(
    scope: Scoped,
    instrument: InstrumentQuery = None,
    verdict: Annotated[str | None, Query(max_length=20, examples=["denied"])] = None,
    limit: LimitQuery = 100,
    before: BeforeQuery = None,
) -> Page[Verdict]:
    wanted = [*_mine(Approval, scope.key)]
    if instrument is not None:
        wanted.append(Approval.instrument == instrument)
    if verdict is not None:
        wanted.append(Approval.verdict == verdict)
    if before is not None:
        time, name = place(before, 2)
        wanted.append(tuple_(Approval.asof, Approval.instrument) < tuple_(moment(time), name))
    query = select(Approval).where(*wanted).order_by(Approval.asof.desc(), Approval.instrument.desc())
    rows = scope.session.scalars(query.limit(limit + 1)).all()
    last = rows[limit - 1] if len(rows) > limit else None
    more = cursor(last.asof.isoformat(), last.instrument) if last else None
    return Page(items=[_verdict(row) for row in rows[:limit]], next=more)


@router.get("/trades", summary="Trades with their costs, newest first")
def trades(
    scope: Scoped, instrument: InstrumentQuery = None, limit: LimitQuery = 100, before: BeforeQuery = None
) -> Page[Trade]:
    wanted = [*_mine(FillRow, scope.key)]
    if instrument is not None:
        wanted.append(FillRow.instrument == instrument)
    if before is not None:
        time, trade = place(before, 2)
        wanted.append(tuple_(FillRow.at, FillRow.trade_id) < tuple_(moment(time), trade))
    found = _trades(scope.session, wanted, limit + 1)
    last = found[limit - 1] if len(found) > limit else None
    return Page(items=found[:limit], next=cursor(last.at.isoformat(), last.trade_id) if last else None)


@router.get("/trades.csv", summary="Every trade as a file", response_class=Response)
def trades_csv(scope: Scoped) -> Response:
    if not scope.principal.may(Action.EXPORT):
        raise Refused(403, "not allowed", "you may not export")
    found = _trades(scope.session, [*_mine(FillRow, scope.key)], None)
    rows = ([getattr(trade, name) for name in Trade.model_fields] for trade in found)
    return csv_file(f"trades-{scope.key.portfolio}", Trade.model_fields, rows)


def _verdict(row: Approval) -> Verdict:
    grid = grid_for(row.instrument)
    return Verdict(
        asof=row.asof,
        instrument=row.instrument,
        side=_side(row.wanted_lots),
        verdict=row.verdict,
        reason=row.reason,
        breaches=breaches(row.breach),
        wanted=decimal_text(grid.quantity(abs(row.wanted_lots))),
        approved=decimal_text(grid.quantity(abs(row.lots))),
        limit=decimal_text(grid.price(row.limit)),
        stop=decimal_text(grid.price(row.stop)) if row.stop else None,
        take=decimal_text(grid.price(row.take)) if row.take else None,
    )


def breaches(mask: int) -> list[str]:
    """The controls of a bit mask, in words."""
    return [word for bit, word in enumerate(BREACHES) if mask >> bit & 1]


def _order(row: OrderRow) -> Order:
    grid = grid_for(row.instrument)
    return Order(
        id=row.id,
        number=row.number,
        asof=row.asof,
        instrument=row.instrument,
        side=_side(row.lots),
        kind=row.kind,
        quantity=decimal_text(grid.quantity(abs(row.lots))),
        price=decimal_text(grid.price(row.price)) if row.price else None,
        stop=decimal_text(grid.price(row.stop)) if row.stop else None,
        expires=row.expires,
        state=row.state,
        ended=row.ended,
        venue_id=row.venue_id,
    )


def _trades(session: Session, wanted: list[ColumnElement[bool]], limit: int | None) -> list[Trade]:
    same = (
        FillRow.track == OrderRow.track,
        FillRow.portfolio == OrderRow.portfolio,
        FillRow.id == OrderRow.id,
    )
    query = select(FillRow, OrderRow.asof, OrderRow.kind, OrderRow.price).join(
        OrderRow, same[0] & same[1] & same[2]
    )
    newest = FillRow.at.desc(), FillRow.trade_id.desc()
    if limit is not None:
        # Joined before they are sorted, all trades of years would be read for a page of fifty.
        page = select(FillRow.trade_id).where(*wanted).order_by(*newest).limit(limit)
        query = query.where(FillRow.trade_id.in_(page))
    query = query.where(*wanted).order_by(*newest)
    return [_trade(row, asof, kind, price) for row, asof, kind, price in session.execute(query)]


def _trade(row: FillRow, asof: datetime, kind: str, price: int) -> Trade:
    grid = grid_for(row.instrument)
    worse = (row.ticks - price) * row.lots
    return Trade(
        trade_id=row.trade_id,
        order=row.id,
        at=row.at,
        asof=asof,
        instrument=row.instrument,
        side=_side(row.lots),
        kind=kind,
        quantity=decimal_text(grid.quantity(abs(row.lots))),
        price=decimal_text(grid.price(row.ticks)),
        value=money(row.value),
        fee=money(row.fee),
        slippage=money(worse * grid.multiplier // grid.divisor) if price else None,
        maker=row.maker,
    )


def _mine(row: type[Owned], key: PortfolioKey) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return row.track == key.track, row.portfolio == key.portfolio


def _side(lots: int) -> str:
    return "buy" if lots > 0 else "sell"


def _whole(text: str) -> int:
    if not text.isdecimal() or len(text) > 18:
        raise Refused(400, "bad cursor", "send `next` of the part before, unchanged")
    return int(text)
