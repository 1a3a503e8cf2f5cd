"""One approved entry at the venue: limit first, the rest to market only as planned.

    until asof + 2 min    the limit leaves as a rule
    asof + 10 min         nothing of an entry leaves for the first time after this: LAPSED
    asof + 55 min         the limit is cancelled and seen to be over
    asof + 56 min         it expires at the venue, even if we are down
    asof + 58 min         all is done, so the next hour meets no working entry

1. Before every send capital and trading state are read anew: the order may shrink or be denied, never grow.
   The state is read once more when the order is stored: a halt either finds the order among those to cancel
   or is found by it.
2. At no time can more than the approved lots trade: the fallback leaves only after every earlier order of
   the entry is over, for at most what they left.
3. A limit that ended early was ended by a person or by a halt: no fallback.
"""

from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from trading.config import TradingConfig
from trading.costs import slippage_ppm
from trading.execution.orders import Event, Order, State, What
from trading.execution.placing import Leg, LegName, Now, Steps, begin, cancel, leg, send, space, watch
from trading.execution.planning import Capital, resize
from trading.execution.protocol import Instruction, Kind
from trading.money import PPM, muldiv_ceil
from trading.portfolio import Reading, Terms, value_at
from trading.risk.approve import ApprovedOrder
from trading.sizing import worst_ask

SEND_BY = timedelta(minutes=10)
CANCEL_AT = timedelta(minutes=55)
EXPIRE_AT = timedelta(minutes=56)
DONE_BY = timedelta(minutes=58)
LOOK_EVERY = timedelta(minutes=1)
"""While a limit rests: ten orders take half of what the lowest tier's rate counter gives."""


class Entry(NamedTuple):
    """What risk approved in one instrument, and what it rested on."""

    track: str
    intent: str
    instrument: str
    asof: datetime
    approved: ApprovedOrder
    equity: int
    """At the decision, 1e-8 quote."""
    halt_epoch: int
    config: TradingConfig
    terms: Terms
    reading: Reading | None = None
    """What the decision saw: by it a fallback expects a backtest's slippage; None expects none."""


class Clearance(NamedTuple):
    """Whether an entry may leave now, and with what capital."""

    refusal: str
    """Why not: trading state tighter than ACTIVE, another halt epoch, a frozen instrument; empty to pass."""
    cash: int
    equity: int
    ask: int
    """Best ask, ticks; 0 when there is none."""


class Clear(NamedTuple):
    """Read trading state, halt epoch and capital now. Answer: `Clearance`."""

    instrument: str
    halt_epoch: int


class MayLeave(NamedTuple):
    """Read trading state and halt epoch now. Answer: why the stored order may not leave, empty to pass."""

    order: UUID
    instrument: str
    halt_epoch: int


def enter(entry: Entry) -> Steps[list[Order]]:
    """Work one entry to its end or as far as the venue lets us see; returns its orders.

    Begun anew after a crash it goes on where it was.
    """
    limits = yield from _limits(entry)
    markets = yield from leg(LegName(entry.track, entry.intent, Kind.MARKET))
    at: datetime = yield Now()
    ended = limits.last.state in (State.CANCELLED, State.EXPIRED)
    rest = entry.approved.lots - limits.filled
    if markets.orders or (ended and rest > 0 and at >= entry.asof + CANCEL_AT):
        markets = yield from _fall_back(entry, markets, rest)
    return [*limits.orders, *markets.orders]


def _limits(entry: Entry) -> Steps[Leg]:
    approved, expires = entry.approved, entry.asof + EXPIRE_AT
    found = yield from leg(LegName(entry.track, entry.intent, Kind.LIMIT))
    while found.may_send:
        yield from space(found)
        wanted = Instruction(
            found.next, entry.instrument, Kind.LIMIT, approved.lots, approved.limit, approved.stop, expires
        )
        order = yield from _checked_send(entry, wanted, entry.asof + SEND_BY)
        found = found.followed_by(order)
    last = yield from watch(found.last, entry.asof + CANCEL_AT, LOOK_EVERY)
    last = yield from cancel(last, entry.asof + DONE_BY)
    return found.with_last(last)


def _fall_back(entry: Entry, found: Leg, rest: int) -> Steps[Leg]:
    while found.may_send:
        yield from space(found)
        wanted = Instruction(found.next, entry.instrument, Kind.MARKET, rest, 0, entry.approved.stop)
        order = yield from _checked_send(entry, wanted, entry.asof + DONE_BY)
        found = found.followed_by(order)
    last = yield from watch(found.last, entry.asof + DONE_BY)
    return found.with_last(last)


def _checked_send(entry: Entry, wanted: Instruction, by: datetime) -> Steps[Order]:
    """Send what time, trading state and capital still allow; else store why nothing left."""
    at: datetime = yield Now()
    if at > by:
        return (yield from begin(wanted, Event(What.LAPSED, at, f"not sent by {by.isoformat()}")))
    clearance: Clearance = yield Clear(entry.instrument, entry.halt_epoch)
    capital = Capital(clearance.cash, clearance.equity, entry.equity)
    lots = resize(wanted.lots, entry.approved.limit, capital, entry.config, entry.terms)
    refusal = clearance.refusal or ("" if lots else "capital no longer covers the smallest order")
    if not refusal and wanted.kind is Kind.MARKET:
        refusal = _too_dear(entry, clearance.ask, lots)
    if refusal:
        at = yield Now()
        return (yield from begin(wanted, Event(What.DENIED, at, refusal)))
    return (yield from send(wanted._replace(lots=lots), _objection(entry, wanted.id)))


def _objection(entry: Entry, order: UUID) -> Steps[str]:
    refusal: str = yield MayLeave(order, entry.instrument, entry.halt_epoch)
    return refusal


def _too_dear(entry: Entry, ask: int, lots: int) -> str:
    """Why the market is no place for the rest: ask and expected slippage lie too far above the limit."""
    dearest, seen, slip = worst_ask(entry.approved.limit, entry.config.execution), entry.reading, 0
    if seen is not None:
        value = value_at(ask, lots, entry.terms)
        told = (seen.sigma_1h, seen.sigma_24, value, seen.notional_24h, entry.config.execution)
        slip = muldiv_ceil(ask, slippage_ppm(*told), PPM)
    return "" if ask > 0 and ask + slip <= dearest else f"{ask} + {slip} ticks are not within {dearest}"
