"""One order against one bar, by the rules of `trading.backtest.matching`: the same prices, slippage, fees,
rounding.

A session of one instrument is laid around the order; what the rules write into its log is the fill. Two
rules are the venue's own, because a backtest never rests a limit to sell: it trades at the open less
slippage where that is no worse than its limit, else at its limit, as maker, once price trades a tick above.
"""

from dataclasses import dataclass
from typing import NamedTuple

from simulator.orders import MARKET, STOP, Order
from trading.backtest.matching import Bar, Session, enter, fall_back, record, sell, slipped
from trading.codes import FILL_DELIST, FILL_EXIT, FILL_MAKER, FILL_STOP, FILL_STOP_GAP
from trading.config import TradingConfig
from trading.execution.fills import Fill, FillLog, Holding
from trading.money import share
from trading.portfolio import Market, PortfolioState, Reading, Terms, View
from trading.records import blank

NO_LIMIT = 1 << 40
"""A limit so high that the fallback takes any ask."""

EXITS, GAPS, ENTRIES, SELL_LIMITS, STOPS = range(5)
"""The events inside a bar, in order; an order that arrives later meets those of its kind at once."""


class Scenery(NamedTuple):
    """What an order meets: the bar it trades in and what was known before it."""

    hour: int
    """The asof before the bar."""
    bar: Bar
    reading: Reading
    terms: Terms
    config: TradingConfig


@dataclass(slots=True)
class Wanted:
    """The rules' view of an order."""

    lots: int
    limit: int
    stop: int


def only_close(bar: Bar) -> Bar:
    """What is left of a bar from minute 55 on: its close."""
    return Bar(bar.traded, bar.close, bar.close, bar.close, bar.close, bar.volume)


def meet(order: Order, event: int, lots: int, budget: int, scenery: Scenery) -> Fill | None:
    """The fill of at most `lots` of an order at one event, within `budget` lots; None without a trade."""
    if scenery.bar.traded == 0:
        return None
    session = _session(order, lots, scenery)
    if event == ENTRIES and order.buys:
        if order.kind == MARKET:
            fall_back(0, lots, budget, session)
        else:
            enter(0, lots, budget, session)
    elif event in (GAPS, STOPS) and order.kind == STOP:
        _stop(order, event, lots, budget, session)
    elif event in (EXITS, SELL_LIMITS) and not order.buys and order.kind != STOP:
        _sell(order, event, lots, budget, session)
    return session.log.rows[0] if session.log.used[0] else None


def marketable(order: Order, scenery: Scenery) -> bool:
    """Whether a limit would trade at once as taker: what a post-only order must not do."""
    return order.price >= scenery.bar.open if order.buys else order.price <= scenery.bar.open


def buy_price(order: Order, scenery: Scenery) -> Fill | None:
    """What a market buy would cost with all the volume it needs; None where nothing trades."""
    session = _session(order, order.lots, scenery)
    if scenery.bar.traded:
        fall_back(0, order.lots, order.lots, session)
    return session.log.rows[0] if session.log.used[0] else None


def at_limit(order: Order, scenery: Scenery) -> Fill:
    """A fill of all that is left of an order, at its limit, as maker."""
    session = _session(order, order.left, scenery)
    record(0, FILL_MAKER, order.left if order.buys else -order.left, order.price, 0, session)
    return session.log.rows[0]


def forced(order: Order, price: int, scenery: Scenery) -> Fill:
    """What is left of a market sell at the price of a delisting, without a fee, whatever the volume."""
    session = _session(order, order.left, scenery)
    record(0, FILL_DELIST, -order.left, price, 0, session)
    return session.log.rows[0]


def budget_of(bar: Bar, config: TradingConfig) -> int:
    """The share of a bar's volume that we may take."""
    return share(bar.volume, config.execution.participation_ppm)


def _stop(order: Order, event: int, lots: int, budget: int, session: Session) -> None:
    bar = session.bars[0]
    if event == GAPS and bar.open <= order.price:
        sell(0, lots, budget, bar.open, FILL_STOP_GAP, session)
    elif event == STOPS and bar.low <= order.price:
        sell(0, lots, budget, min(bar.open, order.price), FILL_STOP, session)


def _sell(order: Order, event: int, lots: int, budget: int, session: Session) -> None:
    bar, most = session.bars[0], min(lots, budget)
    if most <= 0:
        return
    if order.kind == MARKET or bar.open - slipped(0, most, bar.open, session) >= order.price:
        if event == EXITS:
            sell(0, lots, budget, bar.open, FILL_EXIT, session)
    elif event == SELL_LIMITS and bar.high > order.price:
        record(0, FILL_MAKER, -most, order.price, 0, session)


def _session(order: Order, lots: int, scenery: Scenery) -> Session:
    market = blank(Market, 1)[0]
    market.hour = scenery.hour
    limit, bar = order.price, scenery.bar
    if order.kind == MARKET:
        limit, bar = NO_LIMIT, Bar(bar.traded, bar.open, bar.high, bar.low, bar.open, bar.volume)
    return Session(
        View(market, [scenery.reading]),
        [bar],
        [Wanted(lots if order.buys else -lots, limit, 0)],
        PortfolioState.opening(0, 1),
        [0],
        [Holding(0 if order.buys else lots, 0, 0)],
        scenery.config,
        [scenery.terms],
        FillLog(blank(Fill, 1), [0]),
    )
