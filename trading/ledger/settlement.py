"""Fold the venue's fills into the portfolio: money, lots, cost basis, and the memory that a position
carries.
"""

from collections.abc import Sequence

from trading.codes import FILL_STOP, FILL_STOP_GAP
from trading.config import TradingConfig
from trading.execution.fills import FillLog
from trading.money import muldiv_floor
from trading.portfolio import Account, PortfolioState, Position, Terms
from trading.risk.approve import ApprovedOrder


def settle(
    hour: int,
    first: int,
    log: FillLog,
    orders: Sequence[ApprovedOrder],
    state: PortfolioState,
    config: TradingConfig,
    terms: Sequence[Terms],
) -> None:
    """Fold the fills from row `first` on, decided at asof `hour`; writes each sale's profit into its row."""
    for k in range(first, log.used[0]):
        fill = log.rows[k]
        position = state.positions[fill.instrument]
        if fill.lots > 0:
            paid = fill.value + fill.fee
            book_buy(hour, fill.lots, paid, orders[fill.instrument], state.account, position)
        else:
            fill.pnl = book_sell(-fill.lots, fill.value - fill.fee, state.account, position)
            if fill.kind == FILL_STOP or fill.kind == FILL_STOP_GAP:
                position.cooldown = hour + 1 + config.strategy.cooldown_h
    for k in range(first, log.used[0]):
        a = log.rows[k].instrument
        sweep_dust(state.positions[a], terms[a])


def book_buy(
    hour: int, lots: int, paid: int, order: ApprovedOrder, account: Account, position: Position
) -> None:
    """A purchase; the first one opens the position and takes its protective prices from the order."""
    if position.lots == 0:
        position.since, position.entry, position.peak = hour, order.limit, order.limit
        position.stop, position.take, position.trail = order.stop, order.take, order.trail
        position.reversal, position.extended = 0, 0
    account.cash -= paid
    position.lots += lots
    position.cost += paid


def book_sell(lots: int, received: int, account: Account, position: Position) -> int:
    """A sale; returns its profit over the average cost of the lots sold, dust included."""
    held = position.lots + position.dust
    part = muldiv_floor(position.cost, lots, held)
    account.cash += received
    position.cost -= part
    position.lots, position.dust = held - lots, 0
    return received - part


def sweep_dust(position: Position, terms: Terms) -> None:
    """What is below the venue's minimum is dust, not a position; a position takes its dust along."""
    held = position.lots + position.dust
    if held >= terms.order_min_lots:
        position.lots, position.dust = held, 0
        return
    position.lots, position.dust = 0, held
    position.since, position.entry, position.stop, position.take = 0, 0, 0, 0
    position.trail, position.peak, position.reversal, position.extended = 0, 0, 0, 0
