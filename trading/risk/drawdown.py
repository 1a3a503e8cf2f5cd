"""Drawdown on unit value, its tiers and the latched halt.

Two peaks: the risk peak since the last approved re-base drives the tiers; the lifetime peak is never re-based
and drives the verdict. A deposit or withdrawal rescales both by equity after over equity before, rounded up,
so that comparing money with the peak is exactly the unit-value test. A tier begins at its percentage and ends
a hysteresis lower; the last one halts entries and ends only by approval. It is not a floor on losses.
"""

from trading.config import Limits
from trading.money import PPM, muldiv_ceil, muldiv_floor
from trading.portfolio import Account

HALT_TIER = 3


def is_down(equity: int, peak: int, percent: int) -> bool:
    """True when equity is at least `percent` below the peak, exactly."""
    return 100 * (peak - equity) >= percent * peak


def flow(amount: int, account: Account) -> None:
    """Book a deposit (+) or withdrawal (-) at the last mark.

    A withdrawal beyond the cash, or of all the equity, is not possible and books nothing.
    """
    before = account.equity
    after = before + amount
    if amount == 0 or before <= 0 or after <= 0 or account.cash + amount < 0:
        return
    account.cash += amount
    account.equity = after
    account.units = muldiv_floor(account.units, after, before)
    account.peak = muldiv_ceil(account.peak, after, before)
    account.lifetime_peak = muldiv_ceil(account.lifetime_peak, after, before)


def guard(hour: int, review_after_h: int, limits: Limits, account: Account) -> None:
    """Raise the peaks, move the tier, latch the halt; a review ends it `review_after_h` later (0: never)."""
    if account.halted != 0 and 0 < review_after_h <= hour - account.halt_hour:
        resume(account)
    account.peak = max(account.peak, account.equity)
    account.lifetime_peak = max(account.lifetime_peak, account.equity)
    account.tier = tier_of(account.equity, account.peak, account.tier, limits)
    if account.tier == HALT_TIER:
        trip(hour, account)


def trip(hour: int, account: Account) -> None:
    """Latch a halt; a halt that stands keeps its hour."""
    if account.halted == 0:
        account.halted = 1
        account.halt_hour = hour
        account.halt_epoch += 1


def resume(account: Account) -> None:
    """End a halt after its approval: the risk peak starts anew at today's equity, the lifetime peak stays."""
    account.halted, account.tier = 0, 0
    account.peak = account.equity
    account.halt_epoch += 1


def tier_of(equity: int, peak: int, tier: int, limits: Limits) -> int:
    """The tier after this mark: 0 none, 1 smaller size, 2 fewer and smaller, 3 halt (kept until a resume)."""
    if tier == HALT_TIER or is_down(equity, peak, limits.drawdown_halt_pct):
        return HALT_TIER
    slack = limits.drawdown_hysteresis_pct
    if is_down(equity, peak, limits.drawdown_large_pct - (slack if tier >= 2 else 0)):
        return 2
    return 1 if is_down(equity, peak, limits.drawdown_small_pct - (slack if tier >= 1 else 0)) else 0


def size_ppm(tier: int, limits: Limits) -> int:
    """Multiplier of the base risk fraction in a tier."""
    if tier >= 2:
        return limits.size_large_ppm
    return limits.size_small_ppm if tier == 1 else PPM
