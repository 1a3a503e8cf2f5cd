"""One hour in a straight line: mark -> guard -> strategy -> cap -> plan -> approve.

`decide` is the only composition of strategy and risk; the backtest compiles it, the live hour calls it as it
stands. `observe` comes before it in every hour, also in one that decides nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from trading.codes import (
    HALTED,
    HOUR_HALTED,
    HOUR_KILLED,
    HOUR_STALE,
    HOUR_UNRECONCILED,
    KILL_SWITCH,
    NO_CHANGE,
    NO_VERDICT,
    NONE,
    STALE,
    TRADED,
    UNRECONCILED,
    WARMING,
    WARMUP,
)
from trading.config import TradingConfig
from trading.execution.planning import plan
from trading.money import PPM, share
from trading.portfolio import (
    Account,
    Decision,
    Intent,
    PortfolioState,
    Position,
    Reading,
    Signal,
    Terms,
    View,
    value_at,
)
from trading.risk.approve import ApprovedOrder, approve
from trading.risk.cap import cap
from trading.risk.controls import blocked
from trading.risk.drawdown import flow, guard
from trading.risk.kill_switch import watch
from trading.strategy import from_predictions, from_signals

PREDICTIONS, SIGNALS = 0, 1


@dataclass(slots=True)
class Mandate:
    """What drives a portfolio and which rules it is under; fixed over a run."""

    mode: int
    """PREDICTIONS: the predictor strategy. SIGNALS: a benchmark of `kind`."""
    kind: int
    portfolio_rules_only: int
    """1: only exposure, positions, cash, drawdown and halt apply, as for benchmarks that hold one thing."""
    review_after_h: int
    """Hours until a halt is reviewed and lifted; 0: a halt is for ever."""


def observe(
    view: View, state: PortfolioState, config: TradingConfig, mandate: Mandate, terms: Sequence[Terms]
) -> int:
    """Mark the holdings, book the flow, guard drawdown and kill switch; returns the triggers that fired."""
    mark(view, state, config, terms)
    flow(view.market.flow, state.account)
    guard(view.market.hour, mandate.review_after_h, config.limits, state.account)
    return watch(view.market, config.kill_switch, state.account)


def mark(view: View, state: PortfolioState, config: TradingConfig, terms: Sequence[Terms]) -> None:
    """Value every holding at its last known price; one that fell silent is worth a haircut less."""
    market_trades = 0
    for a in range(len(state.positions)):
        market_trades += view.readings[a].traded
    exposure, positions = 0, 0
    for a in range(len(state.positions)):
        position = state.positions[a]
        follow_price(view.readings[a], position, 1 if market_trades > 0 else 0)
        lots = position.lots + position.dust
        if lots != 0:
            value = value_at(position.mark, lots, terms[a])
            if position.silent >= config.execution.delist_h:
                value = share(value, PPM - config.execution.delist_haircut_ppm)
            exposure += value
        positions += 1 if position.lots > 0 else 0
    account: Account = state.account
    account.equity = account.cash + exposure
    account.exposure, account.positions = exposure, positions


def follow_price(reading: Reading, position: Position, market_trades: int) -> None:
    """Take over a fresh price, the peak it makes, and how long the instrument has been silent."""
    position.silent = 0 if reading.traded != 0 else position.silent + market_trades
    if reading.close > 0:
        position.mark = reading.close
        if position.lots != 0:
            position.peak = max(position.peak, reading.close)


def decide(
    view: View,
    acting: int,
    signals: Sequence[Signal],
    state: PortfolioState,
    config: TradingConfig,
    mandate: Mandate,
    terms: Sequence[Terms],
    decision: Decision,
    orders: Sequence[ApprovedOrder],
) -> int:
    """One hour's decision: wishes, caps, intents, approvals. Fills `decision` and `orders`; returns the
    outcome.

    `signals` are read only under a benchmark's mandate, at the hours at which it is `acting`.
    """
    for a in range(len(decision.intents)):
        clear(decision.intents[a])
    if mandate.mode == PREDICTIONS:
        from_predictions(view, state, config, decision)
    else:
        from_signals(view, mandate.kind, acting, signals, state, config, terms, decision)
    buyers = cap(view, state, config, mandate.portfolio_rules_only, terms, decision)
    plan(view, state, config, terms, decision)
    approve(view, state, config, mandate.portfolio_rules_only, terms, decision, buyers, orders)
    return outcome(view, state, orders)


def clear(intent: Intent) -> None:
    """Forget the hour before."""
    intent.reason, intent.breach, intent.verdict = NONE, 0, NO_VERDICT
    intent.target_ppm, intent.capped, intent.lots = 0, 0, 0
    intent.limit, intent.stop, intent.take, intent.trail = 0, 0, 0, 0
    intent.weight, intent.stop_distance, intent.take_distance, intent.trail_distance = 0.0, 0.0, 0.0, 0.0


def outcome(view: View, state: PortfolioState, orders: Sequence[ApprovedOrder]) -> int:
    """How the hour ends when nothing else goes wrong: it traded, or why it did not."""
    for a in range(len(orders)):
        if orders[a].lots != 0:
            return TRADED
    if view.market.refused == WARMING:
        return WARMUP
    mask = blocked(view, state.account)
    if mask & STALE:
        return HOUR_STALE
    if mask & UNRECONCILED:
        return HOUR_UNRECONCILED
    if mask & HALTED:
        return HOUR_HALTED
    return HOUR_KILLED if mask & KILL_SWITCH else NO_CHANGE
