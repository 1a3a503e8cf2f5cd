"""Market-wide triggers that block entries and clear by themselves after clean hours; exits never wait for
them.

A backtest sees the subset that bars show: bitcoin's hour, its volatility, the integrity of the window. API
failures and the book's spread join them where there is an API and a book.
"""

from trading.codes import BTC_MOVE, BTC_VOLATILITY, DATA_INTEGRITY, REFUSED
from trading.config import KillSwitch
from trading.portfolio import Account, Market


def triggers(market: Market, rules: KillSwitch) -> int:
    """Bits of the triggers that fire at this hour; an unknown value fires nothing but the integrity
    trigger.
    """
    mask = 0
    bound = rules.btc_sigmas * market.btc_sigma_1h
    if market.btc_return < -rules.btc_fall or abs(market.btc_return) > bound > 0.0:
        mask |= BTC_MOVE
    if market.btc_volatility_percentile > rules.volatility_percentile:
        mask |= BTC_VOLATILITY
    if market.refused == REFUSED:
        mask |= DATA_INTEGRITY
    return mask


def watch(market: Market, rules: KillSwitch, account: Account) -> int:
    """Trip each trigger or let one clean hour pass; returns the bits that fired."""
    fired = triggers(market, rules)
    account.move_clear_h = clean_hours(fired & BTC_MOVE, rules.clear_h, account.move_clear_h)
    account.volatility_clear_h = clean_hours(
        fired & BTC_VOLATILITY, rules.clear_volatility_h, account.volatility_clear_h
    )
    account.data_clear_h = clean_hours(fired & DATA_INTEGRITY, rules.clear_h, account.data_clear_h)
    return fired


def clean_hours(fired: int, hours: int, left: int) -> int:
    """Clean hours still needed: all of them when the trigger fires, one fewer after a clean hour."""
    if fired != 0:
        return hours
    return max(left - 1, 0)
