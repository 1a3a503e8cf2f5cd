"""One hour of one portfolio as its rows tell it, for people: stage by stage, and why nothing was traded.

Only reads. Prices, quantities and money are decimals here, converted exactly from the integers of the rows.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from adapters.storage.base import PortfolioKey
from adapters.storage.decisions import Approval, Decisions, StoredDecision
from adapters.storage.hours import Hour, PortfolioHour, Stage
from adapters.storage.orders import EventRow, FillRow, OrderRow
from adapters.storage.states import FoldedFill, Mark, Proof
from config.instruments import grid_for
from trading.codes import BREACHES, TRIGGERS
from trading.errors import UsageError
from trading.execution.orders import What
from trading.instruments import amount

OPEN = "OPEN"
"""The outcome of an hour that is not over."""


class Verdict(NamedTuple):
    """What risk made of one intent."""

    instrument: str
    verdict: str
    reason: str
    breaches: tuple[str, ...]
    """The controls that bound."""
    wanted: Decimal
    """Base asset; > 0 buys."""
    approved: Decimal
    limit: Decimal
    stop: Decimal
    """0 for none."""


class Sent(NamedTuple):
    """One order and where it stands."""

    instrument: str
    kind: str
    quantity: Decimal
    price: Decimal
    """0 for a market order."""
    state: str
    note: str
    """Why it was denied, or what the venue said."""


class Filled(NamedTuple):
    """One fill that the hour's state took in."""

    instrument: str
    kind: str
    """Of its order."""
    quantity: Decimal
    price: Decimal
    value: Decimal
    fee: Decimal
    maker: bool
    at: datetime


class Account(NamedTuple):
    """The account before the hour's orders, in the quote currency."""

    equity: Decimal
    cash: Decimal
    exposure: float
    """Share of equity in marked positions."""
    positions: int
    risk_drawdown: float
    """Since the last approved re-base; drives the tiers."""
    lifetime_drawdown: float
    tier: int
    state: str
    """ACTIVE, REDUCING or HALTED."""
    halt: str
    """Names the halt that stands; empty without one."""
    triggers: tuple[str, ...]


class Story(NamedTuple):
    """Everything that is known of one hour of one portfolio."""

    track: str
    portfolio: str
    asof: datetime
    outcome: str
    """A word of `trading.codes.OUTCOMES`, or `OPEN`."""
    reason: str
    stages: Mapping[str, Mapping[str, Any]]
    """What the market's stages left: a summary each, with the reference of the object."""
    account: Account | None
    decision: str
    """Digest of the stored decision; empty before there is one."""
    why_not: Mapping[str, str]
    """Of each instrument without an intent, what kept it out, or that it is held."""
    verdicts: Sequence[Verdict]
    orders: Sequence[Sent]
    fills: Sequence[Filled]
    proof: str
    """HELD, what it found instead, or nothing where there was none."""


def last_asof(session: Session, track: str) -> datetime | None:
    """The asof of the newest hour of a track that is over."""
    query = select(Hour.asof).where(Hour.track == track).order_by(Hour.asof.desc()).limit(1)
    return session.scalars(query).first()


def outcomes(session: Session, key: PortfolioKey, last: int) -> list[PortfolioHour]:
    """How the newest hours of a portfolio ended, at most `last` of them, oldest first."""
    query = select(PortfolioHour).where(*_mine(PortfolioHour, key))
    return list(session.scalars(query.order_by(PortfolioHour.asof.desc()).limit(last)))[::-1]


def story(session: Session, key: PortfolioKey, asof: datetime) -> Story:
    """The hour as stored; a `UsageError` when nothing is stored of it."""
    decided, mark = Decisions(session, key).at(asof), session.get(Mark, (*key, asof))
    ended = session.get(PortfolioHour, (*key, asof))
    stages = session.scalars(select(Stage).where(Stage.track == key.track, Stage.asof == asof)).all()
    if not (decided or mark or ended or stages):
        raise UsageError(f"nothing is stored of the hour {asof:%Y-%m-%dT%H:%MZ}; see `ballast hour list`")
    proof = session.get(Proof, (*key, asof))
    return Story(
        *key,
        asof=asof,
        outcome=ended.outcome if ended else OPEN,
        reason=ended.reason if ended else "",
        stages={row.stage: {"reference": row.reference} | json.loads(row.summary) for row in stages},
        account=_account(mark) if mark else None,
        decision=decided.digest if decided else "",
        why_not=_why_not(decided) if decided else {},
        verdicts=[_verdict(row) for row in Decisions(session, key).approvals(asof)],
        orders=_orders(session, key, asof),
        fills=_fills(session, key, asof),
        proof="" if proof is None else "HELD" if proof.held else proof.note,
    )


def _account(mark: Mark) -> Account:
    return Account(
        equity=amount(mark.equity),
        cash=amount(mark.cash),
        exposure=mark.exposure / mark.equity if mark.equity else 0.0,
        positions=mark.positions,
        risk_drawdown=1 - mark.equity / mark.peak if mark.peak else 0.0,
        lifetime_drawdown=1 - mark.equity / mark.lifetime_peak if mark.lifetime_peak else 0.0,
        tier=mark.tier,
        state=mark.state,
        halt=mark.halt,
        triggers=_words(mark.triggers, TRIGGERS),
    )


def _why_not(decided: StoredDecision) -> dict[str, str]:
    return dict(json.loads(decided.document).get("why_not", {}))


def _verdict(row: Approval) -> Verdict:
    grid = grid_for(row.instrument)
    return Verdict(
        instrument=row.instrument,
        verdict=row.verdict,
        reason=row.reason,
        breaches=_words(row.breach, BREACHES),
        wanted=grid.quantity(row.wanted_lots),
        approved=grid.quantity(row.lots),
        limit=grid.price(row.limit),
        stop=grid.price(row.stop),
    )


def _orders(session: Session, key: PortfolioKey, asof: datetime) -> list[Sent]:
    """The orders that the decision of `asof` led to, in the order in which they were opened."""
    query = select(OrderRow).where(*_mine(OrderRow, key), OrderRow.asof == asof).order_by(OrderRow.number)
    found = []
    for row in session.scalars(query):
        grid = grid_for(row.instrument)
        price, quantity = grid.price(row.price), grid.quantity(row.lots)
        found.append(Sent(row.instrument, row.kind, quantity, price, row.state, _note(session, row)))
    return found


def _note(session: Session, row: OrderRow) -> str:
    """What was said when an order was not taken."""
    said = (What.DENIED, What.REFUSED, What.ABSENT, What.LAPSED, What.LOST)
    query = select(EventRow.note).where(
        EventRow.track == row.track, EventRow.portfolio == row.portfolio, EventRow.id == row.id
    )
    notes = query.where(EventRow.what.in_([str(what) for what in said])).order_by(EventRow.number.desc())
    return session.scalars(notes.limit(1)).first() or ""


def _fills(session: Session, key: PortfolioKey, asof: datetime) -> list[Filled]:
    query = (
        select(FillRow, OrderRow.kind)
        .join(FoldedFill, (FoldedFill.trade_id == FillRow.trade_id) & (FoldedFill.track == FillRow.track))
        .join(OrderRow, OrderRow.id == FillRow.id)
        .where(*_mine(FillRow, key), *_mine(FoldedFill, key), FoldedFill.asof == asof)
        .order_by(FillRow.at, FillRow.trade_id)
    )
    found = []
    for row, kind in session.execute(query):
        grid = grid_for(row.instrument)
        price, quantity = grid.price(row.ticks), grid.quantity(row.lots)
        money = amount(row.value), amount(row.fee)
        found.append(Filled(row.instrument, kind, quantity, price, *money, row.maker, row.at))
    return found


def _mine(row: Any, key: PortfolioKey) -> tuple[Any, Any]:
    return row.track == key.track, row.portfolio == key.portfolio


def _words(mask: int, words: Sequence[str]) -> tuple[str, ...]:
    return tuple(word for bit, word in enumerate(words) if mask >> bit & 1)
