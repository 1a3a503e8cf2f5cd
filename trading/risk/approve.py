"""The last function before a venue. It sees final ticks and lots and can only keep, shrink or deny.

Every buy is counted at its worst price with the taker's fee against the same controls as `cap`, on totals
that start from the holdings alone; so whatever planning did, the sum of what is approved stays inside every
limit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from trading.codes import BLOCKING, DENIED, FORCED, KEPT, MINIMUM, SHRUNK
from trading.config import TradingConfig
from trading.portfolio import Decision, Intent, PortfolioState, Position, Terms, View
from trading.records import blank, packed, unpacked
from trading.risk.controls import allowed, blocked, open_totals, spend
from trading.sizing import below_minimum, lots_to_buy, worst_cost


@dataclass(slots=True)
class ApprovedOrder:
    """The order of one instrument that may reach a venue this hour; only this module makes or fills one."""

    lots: int
    """> 0 buys with a limit, < 0 sells at the market, 0: no order."""
    limit: int
    stop: int
    """Protective stop that an entry carries, ticks; 0 for none."""
    take: int
    trail: int


def no_orders(instruments: int) -> list[ApprovedOrder]:
    """One blank order an instrument, for `approve` to fill."""
    return blank(ApprovedOrder, instruments)


def stored_order(lots: int, limit: int, stop: int, take: int, trail: int) -> ApprovedOrder:
    """An approval read back from where it was stored; the database holds an order to its approved lots."""
    return ApprovedOrder(lots, limit, stop, take, trail)


def packed_orders(orders: Sequence[ApprovedOrder]) -> Any:
    """Orders as a packed array, for a compiled step to read or overwrite."""
    return packed(ApprovedOrder, orders)


def plain_orders(rows: Any) -> list[ApprovedOrder]:
    """What a compiled step approved, as plain values."""
    return unpacked(ApprovedOrder, rows)


def approve(
    view: View,
    state: PortfolioState,
    config: TradingConfig,
    portfolio_rules_only: int,
    terms: Sequence[Terms],
    decision: Decision,
    buyers: int,
    orders: Sequence[ApprovedOrder],
) -> None:
    """Turn intents into approved orders and write a verdict on each."""
    withdraw(orders)
    for a in range(len(state.positions)):
        if decision.intents[a].lots < 0:
            pass_sell(state.positions[a], terms[a], decision.intents[a], orders[a])
    if buyers == 0:
        return
    open_totals(view, state, terms, decision)
    mask = blocked(view, state.account)
    for k in range(buyers):
        a = decision.order[k]
        intent, position, reading = decision.intents[a], state.positions[a], view.readings[a]
        intent.breach |= mask
        cost = worst_cost(intent.lots, intent.limit, config, terms[a])
        left = allowed(
            cost,
            state.account,
            reading,
            position,
            config.limits,
            portfolio_rules_only,
            terms[a],
            decision,
            intent,
        )
        lots = intent.lots if left == cost else lots_to_buy(left, intent.limit, config, terms[a])
        if mask & BLOCKING:
            lots = 0
        if grant_buy(lots, terms[a], intent, orders[a]):
            cost = worst_cost(lots, intent.limit, config, terms[a])
            spend(cost, 1 if position.lots == 0 else 0, reading, decision)


def grant_buy(lots: int, terms: Terms, intent: Intent, order: ApprovedOrder) -> bool:
    """Approve a buy of `lots`, or deny one that nothing is left of or that the venue would find too small."""
    if below_minimum(lots, intent.limit, terms):
        if lots > 0 or intent.breach == 0:
            intent.breach |= MINIMUM
        intent.verdict = DENIED
        return False
    intent.verdict = KEPT if intent.breach == 0 else SHRUNK
    order.lots, order.limit, order.stop = lots, intent.limit, intent.stop
    order.take, order.trail = intent.take, intent.trail
    return True


def withdraw(orders: Sequence[ApprovedOrder]) -> None:
    """Clear the orders of the hour before."""
    for a in range(len(orders)):
        order = orders[a]
        order.lots, order.limit, order.stop, order.take, order.trail = 0, 0, 0, 0, 0


def pass_sell(position: Position, terms: Terms, intent: Intent, order: ApprovedOrder) -> None:
    """A sell passes, at most for what is held; one below the venue's minimum cannot be sent."""
    held = position.lots + position.dust
    lots = min(-intent.lots, held)
    if lots < terms.order_min_lots:
        intent.breach |= MINIMUM
        intent.verdict = DENIED
        return
    if intent.verdict != FORCED:
        intent.verdict = KEPT
    order.lots = -lots
