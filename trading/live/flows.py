"""Deposits, withdrawals and rewards folded into a portfolio's state.

A flow buys or redeems units at the mark of the hour, so that it is neither gain nor loss; a reward is income.
Money is booked by `trading.risk.drawdown.flow`. Coins are worth their mark: they move as dust, which no
decision counts on, and their value passes through the cash account, out of it here and into it there.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from trading.instruments import Instrument, quote_of
from trading.ledger.settlement import sweep_dust
from trading.live.values import Held
from trading.money import muldiv_floor
from trading.portfolio import PortfolioState, Position, Terms, View, value_at


class Flow(NamedTuple):
    """One movement that no trade explains."""

    entry: str
    """Of the journal."""
    asset: str
    amount: int
    """> 0 comes in; lots of a base asset, 1e-8 quote of money."""
    is_income: bool
    """A reward; anything else buys or redeems units."""


def take_flows(
    flows: Sequence[Flow], state: PortfolioState, view: View, instruments: Sequence[Instrument]
) -> int:
    """Fold flows into a state; returns what is left for `flow` to book, 1e-8 quote.

    An asset that is no instrument is no part of a portfolio.
    """
    account, quote = state.account, quote_of(instruments)
    places = {instrument.base: a for a, instrument in enumerate(instruments)}
    total = 0
    for flow in flows:
        if flow.asset == quote:
            if flow.is_income:
                account.cash += flow.amount
            else:
                total += flow.amount
        elif flow.asset in places:
            a = places[flow.asset]
            position, terms = state.positions[a], Terms.of(instruments[a])
            move_coins(flow.amount, position, terms)
            if not flow.is_income:
                mark = view.readings[a].close or position.mark
                lots = abs(flow.amount)
                value = value_at(mark, lots, terms)
                worth = value if flow.amount == lots else -value
                account.cash -= worth
                total += worth
    return total


def move_coins(lots: int, position: Position, terms: Terms) -> None:
    """Coins come in as dust; they leave dust first, then the position, at its average cost."""
    position.dust += lots
    if position.dust < 0:
        gone, held = -position.dust, position.lots
        position.cost -= muldiv_floor(position.cost, min(gone, held), held) if held else 0
        position.lots, position.dust = held - gone, 0
        sweep_dust(position, terms)


def before_flows(held: Held, total: int) -> Held:
    """What the venue held, less the flows that are booked after the comparison."""
    return held._replace(cash=held.cash - total)


def with_flow(view: View, total: int) -> View:
    """The view of a portfolio in whose account so much came or went."""
    return view._replace(market=replace(view.market, flow=total)) if total else view
