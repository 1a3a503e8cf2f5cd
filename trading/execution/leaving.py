"""One exit or cut at the venue: free the coins, sell at a marketable limit, then at the market.

A spot stop holds its coins and the venue knows no one-cancels-other, so the stop has to go first. From then
until the coins are sold, or a stop rests again, the position is bare: that gap is measured and reported, and
every step below has a limit so that the whole stays within `STOP_GAP_S_MAX`.

1. Every stop of ours in the instrument is cancelled and seen to be over before a sell leaves; one that filled
   instead has sold for us.
2. A sell is for what is still wanted, at most what the venue says is available beyond what is to be kept.
   So a second sell may follow one of unknown outcome: if the first one rests or has filled, what it took is
   no longer available, and spot cannot go short.
3. Exits ask for no clearance. A halt lets them pass.
4. What stays of the position has its stop again right after the last sell, and not only when the hour closes:
   a cut must not leave the rest bare. If the fate of a sell is open, no stop is placed beside it.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

from trading.execution.guarding import Stops, Wanted, take_down
from trading.execution.orders import Order
from trading.execution.placing import Leg, LegName, Now, Steps, cancel, leg, send, space, watch
from trading.execution.protocol import Instruction, Kind
from trading.money import PPM, muldiv_floor

STOP_GAP_S_MAX = 90
STOP_CANCEL = timedelta(seconds=20)
LIMIT = timedelta(seconds=30)
"""How long the marketable limit is given."""
SETTLE = timedelta(seconds=20)
"""How long a cancel or the market order is followed."""
SLIP_MAX_PPM = 5_000
"""The limit lies this far below the best bid."""


class Exit(NamedTuple):
    """What is to be sold of one instrument."""

    track: str
    intent: str
    instrument: str
    lots: int
    """Lots to sell, positive."""
    keep: int
    """Lots of the position that stay; 0 for a full exit."""
    order_min_lots: int
    stop: Wanted = Wanted(0, 0)
    """What protects the position before anything of it is sold."""


class Supply(NamedTuple):
    """What could be sold now."""

    available: int
    """Lots at the venue that no open order holds."""
    bid: int
    """Best bid, ticks."""


class Ask(NamedTuple):
    """Read what could be sold now. Answer: `Supply`."""

    instrument: str


class Left(NamedTuple):
    """What an exit came to."""

    orders: tuple[Order, ...]
    """Stops that were taken down, then sells, then the stop of what stays."""
    bare_s: float
    """From the first cancel of a stop to the end: how long no stop rested."""


def leave(exit: Exit) -> Steps[Left]:
    """Sell as far as the venue lets us; begun anew after a crash it goes on where it was."""
    began: datetime = yield Now()
    cover = yield from leg(LegName(exit.track, exit.intent, Kind.STOP))
    if not cover.may_send:
        return Left(cover.orders, 0.0)
    resting: tuple[Order, ...] = yield Stops(exit.instrument)
    stops = yield from take_down(resting, began + STOP_CANCEL)
    # What a stop had sold before is no longer among the lots that were decided to leave.
    sold = -sum(stop.filled - before.filled for stop, before in zip(stops, resting, strict=True))
    limits = yield from _sell(exit, Kind.LIMIT, sold, began + STOP_CANCEL + LIMIT)
    sold -= limits.filled
    markets = yield from _sell(exit, Kind.MARKET, sold, began + STOP_CANCEL + LIMIT + SETTLE)
    sold -= markets.filled
    orders = (*stops, *limits.orders, *markets.orders)
    if all(order.is_over for order in orders):
        cover = yield from _cover(exit, cover, exit.stop.lots - sold)
    ended: datetime = yield Now()
    bare_s = (ended - began).total_seconds() if stops else 0.0
    return Left((*orders, *cover.orders), bare_s)


def _sell(exit: Exit, kind: Kind, sold: int, until: datetime) -> Steps[Leg]:
    """One leg: what is still wanted and available, followed until it is over or the time is."""
    found = yield from leg(LegName(exit.track, exit.intent, kind))
    while found.may_send:
        yield from space(found)
        supply: Supply = yield Ask(exit.instrument)
        lots = min(exit.lots - sold + found.filled, supply.available - exit.keep)
        if lots < exit.order_min_lots:
            return found
        price = muldiv_floor(supply.bid, PPM - SLIP_MAX_PPM, PPM) if kind is Kind.LIMIT else 0
        order = yield from send(Instruction(found.next, exit.instrument, kind, -lots, price))
        found = found.followed_by(order)
    last = yield from watch(found.last, until)
    if kind is Kind.LIMIT:
        last = yield from cancel(last, until + SETTLE)
    return found.with_last(last)


def _cover(exit: Exit, found: Leg, lots: int) -> Steps[Leg]:
    """Let a stop rest for what stays of the position, as far as the venue shows it; dust has none."""
    if lots < exit.order_min_lots:
        return found
    supply: Supply = yield Ask(exit.instrument)
    dust = exit.keep + exit.lots - exit.stop.lots
    lots = min(lots, supply.available - dust)
    if lots < exit.order_min_lots:
        return found
    stop = Instruction(found.next, exit.instrument, Kind.STOP, -lots, exit.stop.price)
    return found.followed_by((yield from send(stop)))
