"""Prices and quantities of an order on the venue's grid, and what the order can cost at worst.

An entry is sized so that its worst outcome, the fallback at the highest ask it accepts plus the taker's fee,
costs no more than the value it was given. Quantities, buy limits and stops round down; a target rounds up.
"""

from trading.config import ExecutionRules, TradingConfig
from trading.money import PPM, fee, muldiv_floor
from trading.portfolio import Terms, value_at


def entry_limit(close: int, rules: ExecutionRules) -> int:
    """close * (1 - offset), down to the tick."""
    return muldiv_floor(close, PPM - rules.entry_offset_ppm, PPM)


def worst_ask(limit: int, rules: ExecutionRules) -> int:
    """The highest ask that the fallback accepts, in ticks."""
    return muldiv_floor(limit, PPM + rules.fallback_slip_max_ppm, PPM)


def worst_cost(lots: int, limit: int, config: TradingConfig, terms: Terms) -> int:
    """What buying `lots` can cost at most: value at the worst ask and the taker's fee."""
    value = value_at(worst_ask(limit, config.execution), lots, terms)
    return value + fee(value, config.fees.taker_ppm)


def lots_to_buy(value: int, limit: int, config: TradingConfig, terms: Terms) -> int:
    """The most lots whose worst cost is at most `value`; 0 when nothing fits.

    What is at most a whole amount stays so when it is rounded to the nearest: neither the trade's value nor
    its fee can round above `value`.
    """
    ask = worst_ask(limit, config.execution)
    if ask == 0:
        return 0
    net = muldiv_floor(max(value, 0), PPM, PPM + config.fees.taker_ppm)
    return muldiv_floor(net, terms.divisor, ask * terms.multiplier)


def below_minimum(lots: int, limit: int, terms: Terms) -> bool:
    """True when the venue would refuse the order for its size."""
    return lots < terms.order_min_lots or value_at(limit, lots, terms) < terms.cost_min


def below(limit: int, distance: float) -> int:
    """The price a fraction below the limit, down to the tick; 0 for no distance."""
    return int(limit * (1.0 - distance)) if distance > 0.0 else 0


def above(limit: int, distance: float) -> int:
    """The price a fraction above the limit, up to the next tick; 0 for no distance."""
    return int(limit * (1.0 + distance)) + 1 if distance > 0.0 else 0
