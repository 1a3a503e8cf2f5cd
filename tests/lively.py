"""A busy configuration, and the backtest that a replay is compared with."""

from adapters.bars import BarStore
from config import trading, universe
from config.instruments import grid_for
from tests.replaying import CACHE, CASH, UNITS, WINDOW_H, Market
from trading.backtest.contest import advise
from trading.backtest.engine import Portfolio, simulate
from trading.backtest.inputs import blocks, scene
from trading.compiled import use_cache
from trading.config import TradingConfig
from trading.hour import PREDICTIONS, SIGNALS, Mandate
from trading.live.record import Record, of_backtest
from trading.policies.exercise import EXERCISE, exercise
from trading.universe import eligibility

PLAIN = trading.load()
LIVELY = PLAIN._replace(
    strategy=PLAIN.strategy._replace(
        hold_min_h=1,
        reversal_h=1,
        hold_max_h=5,
        hold_extended_h=6,
        cooldown_h=1,
        stop_sigmas=0.1,
        stop_min=0.006,
        stop_max=0.01,
        take_sigmas=0.1,
        take_costs=1.0,
        take_max=0.012,
        trail_sigmas=0.1,
        edge_min=0.0,
    )
)
"""Enters on little, leaves soon: stops, profits, reversals and time exits within hours."""


def backtested(
    market: Market, predictor: str, config: TradingConfig, hours: int, review_after_h: int = 0
) -> Record:
    """The record of the first hours of a market."""
    use_cache(CACHE)
    first, last = market.first.number, market.first.number + hours
    grid = BarStore(market.folder).grid("kraken", first - WINDOW_H + 12, last, market.instruments)
    venue = trading.data_venues()["kraken"]
    lists, rules = universe.load()
    held = eligibility(grid, lists, rules, venue.volume_scale)
    instruments = [grid_for(name) for name in grid.instruments]
    whole = scene(grid, instruments, venue, held, first)
    said, advice, mandate = None, None, Mandate(PREDICTIONS, 0, 0, review_after_h)
    if predictor == EXERCISE:
        said = exercise(grid)
    else:
        policy = advise(predictor, whole)
        advice = policy.advice
        mandate = Mandate(SIGNALS, policy.kind, int(policy.portfolio_rules_only), review_after_h)
    portfolio = Portfolio(CASH * UNITS, config, mandate, instruments, advice)
    (logs,) = simulate(blocks(whole, first, last, config.execution, said), [portfolio])
    return of_backtest(logs, instruments)
