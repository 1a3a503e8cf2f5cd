"""How a bar fills orders. One order of events inside a bar, the same in backtest, paper and simulator.

exits at the open -> resting stops gapped through -> entry limit -> stop -> fallback at the close. An entry
fills at the open as taker when the open is at or below its limit, else as maker only when price trades a tick
through it. A stop fills at min(open, stop) less slippage, never at the low; when the low reaches the stop in
the bar of a limit entry, the entry filled first and is stopped. No fill in a bar without a trade; at most a
share of the bar's volume.

The venue keeps its own books (`Session.holdings`, `purse`); what it tells us are fills, which the portfolio
folds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from trading.codes import (
    FILL_DELIST,
    FILL_EXIT,
    FILL_FALLBACK,
    FILL_MAKER,
    FILL_STOP,
    FILL_STOP_GAP,
    FILL_TAKER,
)
from trading.config import TradingConfig
from trading.costs import slippage_ppm
from trading.execution.fills import FillLog, Holding
from trading.money import PPM, fee, muldiv_ceil, muldiv_floor, share
from trading.portfolio import Ints, PortfolioState, Terms, View, value_at
from trading.sizing import worst_ask


@dataclass(slots=True)
class Bar:
    """The bar after a decision, in ticks and lots; nothing fills where `traded` is 0."""

    traded: int
    open: int
    high: int
    low: int
    close: int
    volume: int


class VenueOrder(Protocol):
    """What a venue reads of an order: an approved one in the backtest, any client's in the simulator."""

    lots: int
    limit: int
    stop: int


class Session(NamedTuple):
    """One hour at the venue: what was decided before it, what it brought, whose books it moves."""

    seen: View
    """What the decision saw: volatilities, spread and notional that price the market legs."""
    bars: Sequence[Bar]
    orders: Sequence[VenueOrder]
    state: PortfolioState
    purse: Ints
    """The venue's quote balance, one element, 1e-8 quote."""
    holdings: Sequence[Holding]
    config: TradingConfig
    terms: Sequence[Terms]
    log: FillLog


def play(s: Session) -> None:
    """Fill one hour's orders and resting stops on the bar that follows the decision."""
    for a in range(len(s.orders)):
        if s.orders[a].lots == 0 and s.holdings[a].stop == 0:
            continue
        if s.bars[a].traded != 0:
            play_instrument(a, s)
        elif s.orders[a].lots < 0 and s.state.positions[a].silent >= s.config.execution.delist_h:
            force_out(a, s)


def play_instrument(a: int, s: Session) -> None:
    """The events of one instrument inside one bar, in order."""
    bar, holding, first = s.bars[a], s.holdings[a], s.log.used[0]
    budget = share(bar.volume, s.config.execution.participation_ppm)
    wanted = s.orders[a].lots
    if wanted < 0:
        budget -= sell(a, -wanted, budget, bar.open, FILL_EXIT, s)
    if bar.open <= holding.stop:
        budget -= sell(a, holding.stop_lots, budget, bar.open, FILL_STOP_GAP, s)
    if wanted > 0:
        bought = enter(a, wanted, budget, s)
        wanted -= bought
        budget -= bought
    if bar.low <= holding.stop:
        price = bar.open if bar.open < holding.stop else holding.stop
        budget -= sell(a, holding.stop_lots, budget, price, FILL_STOP, s)
    if wanted > 0 and not stopped_since(first, s.log):
        fall_back(a, wanted, budget, s)


def enter(a: int, wanted: int, budget: int, s: Session) -> int:
    """The entry limit: at the open as taker, or at the limit as maker once traded through; returns lots
    bought.
    """
    bar, limit = s.bars[a], s.orders[a].limit
    if bar.open <= limit:
        return buy(a, wanted, budget, bar.open, 0, FILL_TAKER, s)
    if bar.low < limit:
        return buy(a, wanted, budget, limit, 0, FILL_MAKER, s)
    return 0


def fall_back(a: int, wanted: int, budget: int, s: Session) -> None:
    """The remainder of an entry at the market when the ask, half a spread above the close, is near the
    limit.
    """
    close, spread = s.bars[a].close, s.seen.readings[a].spread
    ask = int(close * (1.0 + 0.5 * spread)) + 1 if spread > 0.0 else close + 1
    price = ask + slipped(a, wanted, ask, s)
    if price <= worst_ask(s.orders[a].limit, s.config.execution):
        buy(a, wanted, budget, price, price - close, FILL_FALLBACK, s)


def slipped(a: int, lots: int, reference: int, s: Session) -> int:
    """Slippage of a market leg in ticks, rounded up against us."""
    seen = s.seen.readings[a]
    value = value_at(reference, lots, s.terms[a])
    ppm = slippage_ppm(seen.sigma_1h, seen.sigma_24, value, seen.notional_24h, s.config.execution)
    return muldiv_ceil(reference, ppm, PPM)


def sell(a: int, lots: int, budget: int, reference: int, kind: int, s: Session) -> int:
    """A market sell at the reference price less slippage, as taker; what exceeds `budget` is not sold.

    Returns lots sold. A resting stop that sold a part keeps resting for the rest.
    """
    filled = lots if lots < budget else budget
    if filled > s.holdings[a].lots:
        filled = s.holdings[a].lots
    if filled <= 0:
        return 0
    slip = slipped(a, filled, reference, s)
    if slip >= reference:
        slip = reference - 1
    record(a, kind, -filled, reference - slip, slip, s)
    return filled


def buy(a: int, wanted: int, budget: int, price: int, slip: int, kind: int, s: Session) -> int:
    """Buy at most `budget` of the wanted lots at `price`; the fill brings its stop along. Returns lots
    bought.
    """
    filled = wanted if wanted < budget else budget
    if filled <= 0:
        return 0
    if s.orders[a].stop > 0:
        s.holdings[a].stop = s.orders[a].stop
        s.holdings[a].stop_lots = s.holdings[a].lots + filled
    record(a, kind, filled, price, slip, s)
    return filled


def record(a: int, kind: int, lots: int, price: int, slip: int, s: Session) -> None:
    """Move the venue's books by one fill of signed `lots` and append it; `slip` ticks of the price are
    slippage.
    """
    holding, quantity = s.holdings[a], lots if lots > 0 else -lots
    fill = s.log.rows[s.log.used[0]]
    s.log.used[0] += 1
    fill.hour, fill.instrument, fill.kind, fill.lots, fill.ticks = s.seen.market.hour, a, kind, lots, price
    fill.value = value_at(price, quantity, s.terms[a])
    rate = s.config.fees.maker_ppm if kind == FILL_MAKER else s.config.fees.taker_ppm
    fill.fee = 0 if kind == FILL_DELIST else fee(fill.value, rate)
    fill.limit = s.orders[a].limit if lots > 0 else 0
    fill.stop = holding.stop
    fill.slippage = value_at(slip, quantity, s.terms[a])
    fill.pnl = 0
    s.purse[0] += (-fill.value if lots > 0 else fill.value) - fill.fee
    holding.lots += lots
    if lots < 0:
        # What was sold needs no stop; coins that are not ours, should there be any, never had one.
        holding.stop_lots = holding.stop_lots - quantity if holding.stop_lots > quantity else 0
    if holding.stop_lots == 0:
        holding.stop = 0


def force_out(a: int, s: Session) -> None:
    """An instrument that fell silent leaves at its last price less the delisting haircut, whatever the
    volume.
    """
    last = s.state.positions[a].mark
    price = muldiv_floor(last, PPM - s.config.execution.delist_haircut_ppm, PPM)
    record(a, FILL_DELIST, s.orders[a].lots, price, last - price, s)


def stopped_since(first: int, log: FillLog) -> bool:
    """True when a stop filled in this bar: what was stopped out is not bought again at the close."""
    for k in range(first, log.used[0]):
        if log.rows[k].kind == FILL_STOP or log.rows[k].kind == FILL_STOP_GAP:
            return True
    return False
