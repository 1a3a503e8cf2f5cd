"""Targets to intents: limit, lots and protective prices on the venue's grid.

The one place where scores in floats meet integer money; how many lots a value buys stands in
`trading.sizing`.
"""

from collections.abc import Sequence
from typing import NamedTuple

from trading.codes import ADD, ENTER, EXIT, TRIM
from trading.config import TradingConfig
from trading.money import PPM, muldiv_floor
from trading.portfolio import Decision, Intent, PortfolioState, Position, Terms, View
from trading.sizing import above, below, below_minimum, entry_limit, lots_to_buy, worst_cost


def plan(
    view: View, state: PortfolioState, config: TradingConfig, terms: Sequence[Terms], decision: Decision
) -> None:
    """Fill lots, limit, stop, take and trail of every intent from what risk left of the wishes."""
    for a in range(len(state.positions)):
        intent, position = decision.intents[a], state.positions[a]
        if intent.action == EXIT:
            intent.lots = -(position.lots + position.dust)
        elif intent.action == TRIM:
            intent.lots = -lots_to_sell(intent.capped, position, terms[a])
        elif intent.action == ENTER or intent.action == ADD:
            plan_entry(view.readings[a].close, config, terms[a], intent)


def plan_entry(close: int, config: TradingConfig, terms: Terms, intent: Intent) -> None:
    """A limit below the close, protective prices fixed from it, as many lots as the capped value buys."""
    intent.limit = entry_limit(close, config.execution)
    intent.stop = below(intent.limit, intent.stop_distance)
    intent.take = above(intent.limit, intent.take_distance)
    intent.trail = int(intent.limit * intent.trail_distance)
    intent.lots = lots_to_buy(intent.capped, intent.limit, config, terms)


def lots_to_sell(value: int, position: Position, terms: Terms) -> int:
    """Lots worth `value` at the mark, at most what is held."""
    return min(muldiv_floor(value, terms.divisor, position.mark * terms.multiplier), position.lots)


FALL_PPM = 10_000
"""A smaller fall of equity since the decision is what the hour's own fills cost, not a loss of capital: a
backtest has these costs too and does not resize for them."""


class Capital(NamedTuple):
    """What a portfolio has when an order is about to leave, 1e-8 quote."""

    cash: int
    """At the venue, less what open orders hold."""
    equity: int
    decided: int
    """Equity at the decision."""


def resize(lots: int, limit: int, capital: Capital, config: TradingConfig, terms: Terms) -> int:
    """What is left of an approved buy at fresh capital; never more than approved.

    It shrinks in proportion when equity fell by `FALL_PPM` or more since the decision, and to what the cash
    still pays for at worst; 0 when the venue would find the rest too small.
    """
    worst = worst_cost(lots, limit, config, terms)
    left = min(capital.cash, worst)
    if PPM * (capital.decided - capital.equity) >= FALL_PPM * capital.decided:
        left = min(left, muldiv_floor(worst, max(capital.equity, 0), capital.decided))
    fits = lots if left == worst else lots_to_buy(left, limit, config, terms)
    return 0 if below_minimum(fits, limit, terms) else fits
