"""From predictions, or a benchmark's signals, to wishes: which instruments to enter, leave or resize, and
why.

The strategy wishes; risk decides. For every instrument it writes an action, a reason (the first gate that
kept it out, when it stays out), the wanted weight, a rank, and the distances of stop, target and trail from
the limit.
"""

from collections.abc import Sequence

from trading.codes import (
    ADD,
    COOLDOWN,
    CRASH_BREACH,
    CRASH_RISK,
    DENIED,
    DISSIMILAR_BREACH,
    ENTER,
    EXIT,
    EXPECTED_RETURN,
    HOLD,
    HOLDING,
    LOW_P4,
    LOW_PROBABILITY,
    LOW_RETURN,
    NO_PREDICTION,
    NO_SIGNAL,
    NONE,
    NOT_ELIGIBLE,
    REBALANCE,
    REVERSAL,
    SIGNAL,
    SIGNAL_ENDED,
    SILENT,
    TAKE_PROFIT,
    TIME,
    TRAILING,
    TRIM,
    UNUSABLE,
    VETOED,
)
from trading.config import TradingConfig
from trading.costs import round_trip, slippage
from trading.money import PPM, share
from trading.policies.benchmarks import CHANNEL, CHANNELS_D, TREND
from trading.portfolio import (
    Decision,
    Intent,
    Market,
    PortfolioState,
    Position,
    Reading,
    Signal,
    Terms,
    View,
    value_at,
)

CHANNELS = len(CHANNELS_D)
RANK_UNKNOWN = -1e9
"""Rank of a holding without a prediction: the first to be cut."""


def from_predictions(view: View, state: PortfolioState, config: TradingConfig, decision: Decision) -> None:
    """Wishes of the predictor strategy for every instrument; advances the memory of held ones."""
    market, equity = view.market, state.account.equity
    for a in range(len(state.positions)):
        reading, position, intent = view.readings[a], state.positions[a], decision.intents[a]
        if position.lots > 0:
            intent.rank = reading.e24 if reading.e24 == reading.e24 else RANK_UNKNOWN
            intent.reason = exit_reason(market, reading, position, equity, config)
            intent.action = EXIT if intent.reason != HOLDING else HOLD
        else:
            intent.reason = entry_gate(market, reading, position, equity, config)
            intent.action = ENTER if intent.reason == EXPECTED_RETURN else HOLD
            if intent.action == ENTER:
                wish(market, reading, equity, config, intent)
            elif intent.reason == CRASH_RISK or intent.reason == VETOED:
                refuse(market, reading, config, intent)


def wish(market: Market, reading: Reading, equity: int, config: TradingConfig, intent: Intent) -> None:
    """Weight, rank and protective distances of an entry."""
    rules, sigma = config.strategy, reading.sigma_24
    cost = cost_of(reading, equity, config)
    scale = clip(rules.sigma_reference / sigma, rules.size_scale_min, rules.size_scale_max)
    intent.weight = rules.size * scale * (1.0 - 0.5 * market.p_high_volatility)
    intent.rank = (reading.e24 - cost) / sigma
    intent.stop_distance = clip(rules.stop_sigmas * sigma, rules.stop_min, rules.stop_max)
    intent.take_distance = clip(rules.take_sigmas * sigma, rules.take_costs * cost, rules.take_max)
    intent.trail_distance = rules.trail_sigmas * sigma


def refuse(market: Market, reading: Reading, config: TradingConfig, intent: Intent) -> None:
    """Deny an entry that only the release's own guards keep out; each that does is a breach."""
    intent.verdict = DENIED
    intent.breach |= reading.veto * DISSIMILAR_BREACH
    if market.p_crash > config.strategy.p_crash_max:
        intent.breach |= CRASH_BREACH


def entry_gate(
    market: Market, reading: Reading, position: Position, equity: int, config: TradingConfig
) -> int:
    """EXPECTED_RETURN when the instrument may be entered, otherwise the first gate that is shut."""
    gate = quality_gate(market, reading, position)
    if gate != NONE:
        return gate
    return prediction_gate(market, reading, equity, config)


def quality_gate(market: Market, reading: Reading, position: Position) -> int:
    """Gates that hold for predictions and signals alike; NONE when all are open."""
    if reading.eligible == 0:
        return NOT_ELIGIBLE
    if reading.usable == 0 or reading.close <= 0 or not reading.sigma_24 > 0.0:
        return UNUSABLE
    return COOLDOWN if market.hour < position.cooldown else NONE


def prediction_gate(market: Market, reading: Reading, equity: int, config: TradingConfig) -> int:
    """The gates on what the release predicts; a NaN fails its gate."""
    rules = config.strategy
    known = reading.p24 + reading.e24 + reading.e_hold + market.p_crash + market.p_high_volatility
    if known != known:
        return NO_PREDICTION
    if reading.p24 < rules.p24_enter:
        return LOW_PROBABILITY
    if not reading.e_hold > cost_of(reading, equity, config) + rules.edge_min:
        return LOW_RETURN
    if not reading.p4 >= rules.p4_enter:
        return LOW_P4
    if market.p_crash > rules.p_crash_max:
        return CRASH_RISK
    return VETOED if reading.veto != 0 else EXPECTED_RETURN


def cost_of(reading: Reading, equity: int, config: TradingConfig) -> float:
    """Round-trip cost of a base-size position, a fraction."""
    value = int(config.strategy.size * equity)
    slip = slippage(reading.sigma_1h, reading.sigma_24, value, reading.notional_24h, config.execution)
    return round_trip(config.fees, reading.spread, slip)


def exit_reason(
    market: Market, reading: Reading, position: Position, equity: int, config: TradingConfig
) -> int:
    """Why the position ends at this asof, or HOLDING; counts reversals and extends time."""
    rules, age = config.strategy, market.hour - position.since
    down = reading.e24 < 0.0 and reading.p24 < rules.p24_reverse
    position.reversal = position.reversal + 1 if down else 0
    if position.silent >= config.execution.delist_h:
        return SILENT
    if 0 < position.take <= reading.close:
        return TAKE_PROFIT
    if age < rules.hold_min_h:
        return HOLDING
    armed = position.trail > 0 and position.peak >= position.entry + position.trail
    if armed and 0 < reading.close <= position.peak - position.trail:
        return TRAILING
    if position.reversal >= rules.reversal_h:
        return REVERSAL
    if age < rules.hold_max_h:
        return HOLDING
    if position.extended == 0 and entry_gate(market, reading, position, equity, config) == EXPECTED_RETURN:
        position.extended = 1
    return HOLDING if position.extended != 0 and age < rules.hold_extended_h else TIME


def from_signals(
    view: View,
    kind: int,
    acting: int,
    signals: Sequence[Signal],
    state: PortfolioState,
    config: TradingConfig,
    terms: Sequence[Terms],
    decision: Decision,
) -> None:
    """Wishes of a benchmark of one kind. Between the hours it acts at it only lets go of what fell silent."""
    equity = state.account.equity
    for a in range(len(state.positions)):
        reading, position, intent, signal = (
            view.readings[a],
            state.positions[a],
            decision.intents[a],
            signals[a],
        )
        held = position.lots > 0
        intent.action, intent.rank = HOLD, signal.rank
        intent.reason = HOLDING if held else NO_SIGNAL
        if held and position.silent >= config.execution.delist_h:
            intent.action, intent.reason = EXIT, SILENT
        elif acting == 0:
            continue
        elif kind == TREND:
            follow(view.market, reading, signal, position, intent)
        elif kind == CHANNEL:
            intent.weight = channel_weight(signal, position)
            rebalance(reading, position, equity, config, terms[a], intent)
        elif held and signal.leave != 0:
            intent.action, intent.reason = EXIT, SIGNAL_ENDED
        elif signal.rebalance != 0:
            intent.weight = signal.weight
            rebalance(reading, position, equity, config, terms[a], intent)


def follow(market: Market, reading: Reading, signal: Signal, position: Position, intent: Intent) -> None:
    """Enter when the signal says so and the bars can be trusted; leave when the signal ends."""
    if position.lots > 0:
        fallen = 0 < reading.close < position.peak * (1.0 - signal.trail)
        if signal.leave != 0:
            intent.action, intent.reason = EXIT, SIGNAL_ENDED
        elif signal.trail > 0.0 and fallen:
            intent.action, intent.reason = EXIT, TRAILING
        return
    gate = quality_gate(market, reading, position)
    if gate == NONE:
        gate = SIGNAL if signal.enter != 0 else NO_SIGNAL
    intent.reason = gate
    if gate == SIGNAL:
        intent.action, intent.weight, intent.stop_distance = ENTER, signal.weight, signal.stop


def rebalance(
    reading: Reading, position: Position, equity: int, config: TradingConfig, terms: Terms, intent: Intent
) -> None:
    """Trade a constant weight back when it is off by more than the band; weight 0 leaves."""
    held = value_at(position.mark, position.lots, terms)
    wanted = share(equity, int(intent.weight * PPM))
    band = int(config.strategy.rebalance_band * wanted)
    fresh = reading.usable != 0 and reading.close > 0
    if wanted == 0 and held > 0:
        intent.action, intent.reason = EXIT, SIGNAL_ENDED
    elif held == 0 and wanted > 0:
        intent.action = ENTER if fresh else HOLD
        intent.reason = REBALANCE if fresh else UNUSABLE
    elif held > wanted + band:
        intent.action, intent.reason = TRIM, REBALANCE
    elif held + band < wanted and fresh:
        intent.action, intent.reason = ADD, REBALANCE


def channel_weight(signal: Signal, position: Position) -> float:
    """Advance the instrument's channel systems and return the weight of those that are in."""
    position.channel = (position.channel | signal.channel_up) & ~signal.channel_down
    inside = 0
    for system in range(CHANNELS):
        inside += (position.channel >> system) & 1
    return signal.weight * inside / CHANNELS


def clip(x: float, low: float, high: float) -> float:
    """`x` within [low, high], the upper bound last; a NaN becomes `low`."""
    return min(max(low, x), high)
