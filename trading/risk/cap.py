"""Risk before orders exist: wishes become values that every limit leaves, holdings above a hard cap are
cut, and under a halt that flattens all of them are sold.
"""

from collections.abc import Sequence

from trading.codes import (
    ADD,
    BLOCKING,
    DRAWDOWN_SIZE,
    ENTER,
    EXIT,
    FLATTEN,
    FLATTENING,
    FORCED,
    HARD_CAP,
    TRIM,
)
from trading.config import TradingConfig
from trading.money import PPM, share
from trading.portfolio import Decision, Intent, PortfolioState, Terms, View, value_at
from trading.risk.controls import (
    allowed,
    blocked,
    hard_exposure_ppm,
    open_totals,
    positions_max,
    spend,
)
from trading.risk.drawdown import size_ppm

NOBODY = -1


def cap(
    view: View,
    state: PortfolioState,
    config: TradingConfig,
    portfolio_rules_only: int,
    terms: Sequence[Terms],
    decision: Decision,
) -> int:
    """Fill `capped`, `target_ppm` and `breach` of every wish; returns how many instruments want to buy.

    Buyers stand in `decision.order`, best rank first; a tie goes to the earlier instrument.
    """
    open_totals(view, state, terms, decision)
    if state.account.halted == FLATTENING:
        leave_all(state, decision)
    cut_above_caps(state, config, terms, decision)
    buyers = rank_buyers(decision)
    mask = blocked(view, state.account)
    for k in range(buyers):
        a = decision.order[k]
        intent, position, reading = decision.intents[a], state.positions[a], view.readings[a]
        intent.breach |= mask
        held = value_at(position.mark, position.lots, terms[a])
        wanted = max(wanted_value(state, config, intent) - held, 0)
        if mask & BLOCKING:
            continue
        intent.capped = allowed(
            wanted,
            state.account,
            reading,
            position,
            config.limits,
            portfolio_rules_only,
            terms[a],
            decision,
            intent,
        )
        if intent.capped != 0:
            spend(intent.capped, 1 if position.lots == 0 else 0, reading, decision)
    trim_to_weight(state, terms, decision)
    return buyers


def wanted_value(state: PortfolioState, config: TradingConfig, intent: Intent) -> int:
    """The wish in money, after the multiplier of the drawdown tier."""
    intent.target_ppm = int(intent.weight * PPM)
    multiplier = size_ppm(state.account.tier, config.limits)
    if multiplier < PPM:
        intent.target_ppm = share(intent.target_ppm, multiplier)
        intent.breach |= DRAWDOWN_SIZE
    return share(state.account.equity, intent.target_ppm)


def rank_buyers(decision: Decision) -> int:
    """Insertion sort of the buyers into `decision.order`, best first."""
    intents, order, count = decision.intents, decision.order, 0
    for a in range(len(intents)):
        if intents[a].action == ENTER or intents[a].action == ADD:
            k = count
            while k > 0 and intents[order[k - 1]].rank < intents[a].rank:
                order[k] = order[k - 1]
                k -= 1
            order[k] = a
            count += 1
    return count


def trim_to_weight(state: PortfolioState, terms: Sequence[Terms], decision: Decision) -> None:
    """Value to sell of every rebalancing TRIM; a forced cut has its value already."""
    for a in range(len(decision.intents)):
        intent, position = decision.intents[a], state.positions[a]
        if intent.action == TRIM and intent.reason != HARD_CAP:
            intent.target_ppm = int(intent.weight * PPM)
            held = value_at(position.mark, position.lots, terms[a])
            intent.capped = held - share(state.account.equity, intent.target_ppm)


def leave_all(state: PortfolioState, decision: Decision) -> None:
    """Sell every holding whole, whatever the strategy wished; what it leaves anyway keeps its reason."""
    for a in range(len(state.positions)):
        intent = decision.intents[a]
        if state.positions[a].lots > 0 and intent.action != EXIT:
            intent.action, intent.reason, intent.verdict = EXIT, FLATTEN, FORCED


def cut_above_caps(
    state: PortfolioState, config: TradingConfig, terms: Sequence[Terms], decision: Decision
) -> None:
    """Cut holdings above the hard cap on exposure or names, lowest rank first, to a margin below it.

    What this hour sells anyway counts as sold. A cut below the venue's minimum is left undone.
    """
    limits, account, totals = config.limits, state.account, decision.totals
    hard = hard_exposure_ppm(account.tier, limits)
    excess = 0
    if totals.exposure > share(account.equity, hard):
        excess = totals.exposure - share(account.equity, hard - limits.cut_margin_ppm)
    surplus = totals.positions - positions_max(account.tier, limits)
    for a in range(len(state.positions)):
        if decision.intents[a].action == EXIT:
            position = state.positions[a]
            excess -= value_at(position.mark, position.lots, terms[a])
            surplus -= 1
    while excess > 0 or surplus > 0:
        a = lowest_held(state, decision)
        if a == NOBODY:
            return
        held = value_at(state.positions[a].mark, state.positions[a].lots, terms[a])
        wanted = held if surplus > 0 else min(excess, held)
        sold = cut(wanted, held, least_value(state.positions[a].mark, terms[a]), decision.intents[a])
        if sold == 0:
            return
        excess -= sold
        # While there is a surplus every cut is of a whole holding.
        surplus -= 1


def least_value(mark: int, terms: Terms) -> int:
    """The smallest sale at the mark that the venue accepts, in 1e-8 quote."""
    return max(value_at(mark, terms.order_min_lots, terms), terms.cost_min)


def cut(wanted: int, held: int, least: int, intent: Intent) -> int:
    """Sell `wanted` of a holding, all of it when the rest would be below `least`; returns what is sold."""
    whole = held - wanted < least
    if wanted < least and not whole:
        return 0
    intent.reason, intent.verdict = HARD_CAP, FORCED
    intent.action = EXIT if whole else TRIM
    intent.capped = held if whole else wanted
    return intent.capped


def lowest_held(state: PortfolioState, decision: Decision) -> int:
    """The held instrument of lowest rank that is not being sold yet, or `NOBODY`; a tie goes to the later
    one.
    """
    lowest = NOBODY
    for a in range(len(state.positions)):
        intent = decision.intents[a]
        selling = intent.action == EXIT or intent.reason == HARD_CAP
        if state.positions[a].lots == 0 or selling:
            continue
        if lowest == NOBODY or intent.rank <= decision.intents[lowest].rank:
            lowest = a
    return lowest
