"""One judged portfolio beside every benchmark, raw and ruled, on the same bars, costs and fills."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from trading.backtest.engine import Logs, Portfolio, check_bounds, simulate
from trading.backtest.inputs import Scene, blocks
from trading.backtest.report.run import RAW
from trading.backtest.step import Advice, EquityRow, Inputs
from trading.clock import DAY_H
from trading.config import Fees, TradingConfig
from trading.hour import PREDICTIONS, SIGNALS, Mandate
from trading.ledger.statement import Closing
from trading.models.protocol import Predictions
from trading.money import PPM
from trading.policies.benchmarks import POLICIES, Signals, signals
from trading.portfolio import Signal
from trading.records import fields, table

NEVER = 1_000
"""A percentage, a count of names and a factor that are never reached."""
MOVE = 0.10
SEED = 20_190_601
"""Of the bars in which nothing of ours is filled."""
MEASURED = ("hour", "equity", "units", "exposure")
"""Fields of the hourly account that a portfolio beside the judged one is measured by."""
Progress = Callable[[int, int], None]

BESIDE, DOUBLE_COST = "beside", "double cost"


@dataclass(frozen=True, slots=True)
class Plan:
    """What a backtest runs: one predictor or benchmark over a span of asof hours."""

    predictor: str
    first: int
    last: int
    config: TradingConfig
    other_fees: Fees
    """The schedule of the run beside the headline."""
    opening: int = 100_000 * 100_000_000
    """Opening equity, 1e-8 quote."""
    review_after_h: int = 0
    flows: Mapping[int, int] = field(default_factory=dict)
    missed: Collection[int] = ()


class Result(NamedTuple):
    """What every portfolio logged, by name, and how the judged one ended."""

    logs: dict[str, Logs]
    closing: Closing


def contest(plan: Plan, market: Scene, predictions: Predictions | None, progress: Progress) -> Result:
    """Run the judged portfolio under the plan's name, at the other fees and at double cost, and every
    benchmark.

    `progress(done, total)` counts hours. The benchmarks are named as in `POLICIES`, raw ones with `RAW`
    behind.
    """
    advised = {name: advise(name, market) for name in POLICIES}

    def enrol(
        name: str, config: TradingConfig, *, raw: bool = False, kept: Sequence[str] = MEASURED
    ) -> Portfolio:
        """A portfolio of a benchmark or of the predictor; a raw one has no rule of a single name either."""
        if name not in advised:
            order = Mandate(PREDICTIONS, 0, 0, plan.review_after_h)
            return Portfolio(plan.opening, config, order, market.instruments, kept=kept)
        policy, rules = advised[name], unlimited(config) if raw else config
        order = Mandate(SIGNALS, policy.kind, int(raw or policy.portfolio_rules_only), plan.review_after_h)
        return Portfolio(plan.opening, rules, order, market.instruments, policy.advice, kept)

    runs = {
        plan.predictor: enrol(plan.predictor, plan.config, kept=fields(EquityRow)),
        BESIDE: enrol(plan.predictor, plan.config._replace(fees=plan.other_fees)),
        DOUBLE_COST: enrol(plan.predictor, at_cost(plan.config, 2.0)),
    }
    for name in POLICIES:
        runs.setdefault(name, enrol(name, plan.config))
        runs[name + RAW] = enrol(name, plan.config, raw=True)
    logs = simulate(_counted(plan, market, predictions, progress), list(runs.values()))
    return Result(dict(zip(runs, logs, strict=True)), runs[plan.predictor].closing())


def variants(
    plan: Plan,
    market: Scene,
    predictions: Predictions,
    configs: Mapping[str, TradingConfig],
    progress: Progress,
    unfilled: float = 0.0,
) -> dict[str, Logs]:
    """Run the plan's predictor once under each configuration, by name.

    `unfilled` is the share of bars, drawn for each instrument, in which the venue fills nothing of ours.
    """
    order = Mandate(PREDICTIONS, 0, 0, plan.review_after_h)
    runs = [
        Portfolio(plan.opening, config, order, market.instruments, kept=MEASURED)
        for config in configs.values()
    ]
    hours = _counted(plan, market, predictions, progress)
    logs = simulate((shut(block, unfilled) for block in hours), runs)
    return dict(zip(configs, logs, strict=True))


def shut(block: Inputs, share: float) -> Inputs:
    """The block with that share of its bars shut to us: entries lapse, exits and stops wait for the next one.

    An hour draws the same instruments in whatever block it lies. What decisions see does not change.
    """
    if share == 0.0:
        return block
    bars: Any = np.array(block.bars)
    for row, hour in zip(bars, np.asarray(block.market)["hour"].tolist(), strict=True):
        row["traded"][np.random.default_rng((SEED, hour)).random(len(row)) < share] = 0
    return block._replace(bars=bars)


def _counted(
    plan: Plan, market: Scene, predictions: Predictions | None, progress: Progress
) -> Iterator[Inputs]:
    """The blocks of the plan, checked for overflow and counted."""
    execution, flows = plan.config.execution, dict(plan.flows)
    for block in blocks(market, plan.first, plan.last, execution, predictions, flows, plan.missed):
        check_bounds(plan.opening, np.asarray(block.bars), market.instruments)
        yield block
        progress(int(np.asarray(block.market)["hour"][-1]) - plan.first, plan.last - plan.first)


class Advised(NamedTuple):
    """A benchmark's nature and its packed signals, which all portfolios that follow it share."""

    kind: int
    portfolio_rules_only: bool
    advice: Advice


def advise(name: str, market: Scene) -> Advised:
    """A benchmark's signals over the market."""
    daily = signals(name, market.grid, market.universe.eligible)
    return Advised(daily.kind, daily.portfolio_rules_only, advice(daily))


def advice(daily: Signals) -> Advice:
    """Signals, packed; row d is midnight day_first + 24 d."""
    days = table(Signal, *daily.weight.shape)
    for column in fields(Signal):
        days[column] = getattr(daily, column)
    return Advice(daily.day_first, days)


def unlimited(config: TradingConfig) -> TradingConfig:
    """The configuration without risk rules: what a raw benchmark runs under. Cash is still all there is."""
    limits = config.limits._replace(
        positions_max=NEVER,
        large_positions_max=NEVER,
        exposure_entry_ppm=PPM,
        exposure_hard_ppm=PPM,
        large_exposure_ppm=PPM,
        cut_margin_ppm=0,
        drawdown_small_pct=NEVER,
        drawdown_large_pct=NEVER,
        drawdown_halt_pct=NEVER,
    )
    switch = config.kill_switch._replace(btc_fall=NEVER, btc_sigmas=NEVER, volatility_percentile=NEVER)
    return config._replace(limits=limits, kill_switch=switch)


def at_cost(config: TradingConfig, times: float) -> TradingConfig:
    """The configuration with every cost so many times as high; fees to the nearest ppm."""
    fees, rules = config.fees, config.execution
    return config._replace(
        fees=Fees(round(times * fees.maker_ppm), round(times * fees.taker_ppm)),
        execution=rules._replace(
            slippage_min=times * rules.slippage_min,
            slippage_sigma=times * rules.slippage_sigma,
            impact=times * rules.impact,
            spread_min=times * rules.spread_min,
        ),
    )


def regimes(market: Scene, first: int, last: int) -> NDArray[np.str_]:
    """A plain label of each hour from bitcoin's 30 days to its asof: rising, falling, or flat.

    Rising and falling mean a move of at least 10 %; it is a description for the report, no input of a
    decision.
    """
    hours = np.arange(first, last + 1) - market.grid.first
    close = market.grid.close[:, market.grid.btc]
    change = close[hours] / close[np.maximum(hours - 30 * DAY_H, 0)] - 1.0
    return np.where(change >= MOVE, "rising", np.where(change <= -MOVE, "falling", "flat"))
