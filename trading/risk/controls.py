"""The pre-trade controls: how much of a purchase each limit leaves, in 1e-8 quote, and which of them
bound.
"""

from collections.abc import Sequence

from trading.codes import (
    BETA,
    CASH_SHORT,
    CLUSTER,
    CLUSTER_POSITIONS,
    EXPOSURE,
    HALTED,
    KILL_SWITCH,
    NAME,
    POSITIONS,
    STALE,
    UNRECONCILED,
    VOLUME,
)
from trading.config import Limits
from trading.money import PPM, muldiv_floor, share
from trading.portfolio import (
    Account,
    ClusterTotal,
    Decision,
    Intent,
    PortfolioState,
    Position,
    Reading,
    Terms,
    View,
    value_at,
)

LARGE_TIER = 2


def blocked(view: View, account: Account) -> int:
    """Breaches that keep every entry out at this hour."""
    mask = 0
    if account.halted != 0:
        mask |= HALTED
    if account.move_clear_h > 0 or account.volatility_clear_h > 0 or account.data_clear_h > 0:
        mask |= KILL_SWITCH
    if account.unreconciled != 0:
        mask |= UNRECONCILED
    if view.market.refused != 0:
        mask |= STALE
    return mask


def hard_exposure_ppm(tier: int, limits: Limits) -> int:
    return limits.large_exposure_ppm if tier >= LARGE_TIER else limits.exposure_hard_ppm


def entry_exposure_ppm(tier: int, limits: Limits) -> int:
    """Entries stop a margin below the hard cap, so that a rising market does not cut them at once."""
    return min(hard_exposure_ppm(tier, limits) - limits.cut_margin_ppm, limits.exposure_entry_ppm)


def positions_max(tier: int, limits: Limits) -> int:
    return limits.large_positions_max if tier >= LARGE_TIER else limits.positions_max


def open_totals(view: View, state: PortfolioState, terms: Sequence[Terms], decision: Decision) -> None:
    """Start the running totals from what is held, exits of this hour included: an exit may not fill."""
    totals = decision.totals
    totals.exposure, totals.positions, totals.beta_exposure = 0, 0, 0
    totals.cash = state.account.cash
    for cluster in range(len(decision.clusters)):
        decision.clusters[cluster].value, decision.clusters[cluster].positions = 0, 0
    for a in range(len(state.positions)):
        position = state.positions[a]
        if position.lots > 0:
            value = value_at(position.mark, position.lots, terms[a])
            count(value, 1, view.readings[a], decision)


def count(value: int, opening: int, reading: Reading, decision: Decision) -> None:
    """Add a holding of `value` to the running totals, a new position when `opening` is 1."""
    totals, cluster = decision.totals, decision.clusters[reading.cluster]
    totals.exposure += value
    totals.positions += opening
    totals.beta_exposure += share(value, reading.beta_ppm)
    cluster.value += value
    cluster.positions += opening


def spend(cost: int, opening: int, reading: Reading, decision: Decision) -> None:
    """Add a purchase to the running totals; the cash it may take is gone for the next one."""
    count(cost, opening, reading, decision)
    # It may not fill: what it would take off the portfolio's beta makes no room for others.
    decision.totals.beta_exposure -= share(cost, min(reading.beta_ppm, 0))
    decision.totals.cash -= cost


def allowed(
    cost: int,
    account: Account,
    reading: Reading,
    position: Position,
    limits: Limits,
    portfolio_rules_only: int,
    terms: Terms,
    decision: Decision,
    intent: Intent,
) -> int:
    """How much of a purchase that may cost `cost` every control leaves; notes those that bound as
    breaches.
    """
    totals = decision.totals
    opening = position.lots == 0
    left = cost
    if opening and totals.positions >= positions_max(account.tier, limits):
        left = bound(0, left, POSITIONS, intent)
    room = share(account.equity, entry_exposure_ppm(account.tier, limits)) - totals.exposure
    left = bound(room, left, EXPOSURE, intent)
    left = bound(totals.cash, left, CASH_SHORT, intent)
    if portfolio_rules_only == 0:
        held = value_at(position.mark, position.lots, terms)
        left = bound(share(account.equity, limits.name_ppm) - held, left, NAME, intent)
        cluster = decision.clusters[reading.cluster]
        left = bound(cluster_room(opening, account, cluster, limits, intent), left, CLUSTER, intent)
        room = share(account.equity, limits.beta_ppm) - totals.beta_exposure
        left = bound(beta_room(room, left, reading.beta_ppm), left, BETA, intent)
        left = bound(share(reading.notional_24h, limits.volume_ppm), left, VOLUME, intent)
    return left


def bound(room: int, left: int, breach: int, intent: Intent) -> int:
    """What a control with `room` leaves of `left`; notes the breach when it is less."""
    if room >= left:
        return left
    intent.breach |= breach
    return max(room, 0)


def cluster_room(
    opening: bool, account: Account, cluster: ClusterTotal, limits: Limits, intent: Intent
) -> int:
    """Room in the instrument's correlation cluster; none for another name once it holds its share of
    names.
    """
    if opening and cluster.positions >= limits.cluster_positions_max:
        intent.breach |= CLUSTER_POSITIONS
        return 0
    return share(account.equity, limits.cluster_ppm) - cluster.value


def beta_room(room: int, cost: int, beta_ppm: int) -> int:
    """The cost whose beta-weighted part fills `room`; a beta of zero or less needs none."""
    if beta_ppm <= 0 or share(cost, beta_ppm) <= room:
        return cost
    return muldiv_floor(max(room, 0), PPM, beta_ppm)
