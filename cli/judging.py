"""The backtests behind `ballast evaluate strategy`: both fee presets, and each run with one thing changed."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from trading.clock import DAY_H, TradingHour

if TYPE_CHECKING:
    from adapters.evaluations import Walked
    from cli.running import Request
    from trading.backtest.contest import Plan
    from trading.backtest.inputs import Scene
    from trading.backtest.report import Run
    from trading.config import TradingConfig
    from trading.evaluation.orders import Desk
    from trading.evaluation.resilience import Edge
    from trading.evaluation.strategy import Strategy, Variant
    from trading.market import Grid
    from trading.models.protocol import Predictions

Beat = Callable[[str, int, int], None]


class Judged(NamedTuple):
    """The suite's result and the runs that it was made from."""

    strategy: "Strategy"
    runs: "dict[str, Run]"
    """By fee preset, the headline first."""
    trials: int


class Stage(NamedTuple):
    """One plan, its market and what the stack said."""

    plan: "Plan"
    market: "Scene"
    predictions: "Predictions"


def judge(of: "Walked", home: Path, beat: Beat) -> Judged:
    """Trade the log under both fee presets, change one thing at a time, and weigh it all."""
    from adapters.runs import Trials
    from cli.crossing import traded_paths
    from cli.running import researched
    from config import trading
    from trading.backtest.report import Trials as Counted
    from trading.backtest.report import analyse
    from trading.compiled import use_cache
    from trading.evaluation.resilience import edge as edge_of
    from trading.evaluation.resilience import without_luck
    from trading.evaluation.strategy import RIVALS, Strategy, checks, configurations, looks
    from trading.evaluation.superior import superior
    from trading.evaluation.trials import effective
    from trading.ledger.performance import daily_returns
    from trading.ledger.statistics import moments

    use_cache(home / "cache" / "compiled")
    runs: dict[str, Run] = {}
    edge: Edge | None = None
    variants: list[Variant] = []
    looked: list[Mapping[str, Any]] = []
    for fees in sorted(trading.fee_presets(), key=lambda name: name != "mission"):
        asked = request(of, fees)
        stage, digest = staged(asked, of, home, beat)
        runs[fees] = raced(asked, stage, digest, beat)
        if not variants:
            variants = changed(of, stage, beat)
            edge = edge_of(runs[fees].record, stage.market)
        looked.append(trial(runs[fees]))
    paths = traded_paths(of, home, next(iter(runs)), beat)
    looked += [{**looked[0], "changed": one.name} for one in variants]
    looked += [{**looked[0], "changed": "cross-validated paths"}] if paths else []
    counted = Trials(home / "trials.jsonl").log(*looked, *researched(of.about["venue"]))
    headline = next(iter(runs.values()))
    base = daily_returns(headline.record.equity)
    chosen = configurations(base, variants)
    different = effective(
        looks([daily_returns(run.record.equity) for run in runs.values()], variants), moments(base)
    )
    runs = {fees: replace(run, trials=Counted(counted, chosen)) for fees, run in runs.items()}
    beat("weighing", 0, 0)
    analyses = {fees: analyse(run) for fees, run in runs.items()}
    rivals = {name: superior(chosen, daily_returns(headline.benchmarks[name].equity)) for name in RIVALS}
    lucky = without_luck(headline.record)
    judged = Strategy(analyses, variants, paths, lucky, edge, rivals, different, checks(analyses, variants))
    return Judged(judged, runs, counted)


def request(of: "Walked", fees: str) -> "Request":
    """The backtest of every whole day that the stack predicts."""
    from cli.running import ENSEMBLE, Request

    first, last = TradingHour(of.about["stack_first"]), TradingHour(of.about["last"] // DAY_H * DAY_H)
    to = (last.asof - timedelta(days=1)).date()
    return Request(first.asof.date(), to, ENSEMBLE, fees, of.about["venue"], preset=of.about["preset"])


def staged(asked: "Request", of: "Walked", home: Path, beat: Beat) -> tuple[Stage, str]:
    """The market of a request with the log's predictions, and the digest of its bars."""
    from cli.running import prepare
    from trading.models.prediction_log import STACK

    beat(f"reading bars, fees {asked.fees}", 0, 0)
    plan, market, digest = prepare(asked, home)
    return Stage(plan, market, said(of, STACK, plan, market)), digest


def said(of: "Walked", model_id: str, plan: "Plan", market: "Scene") -> "Predictions":
    from trading.models.prediction_log import predictions_of

    frame = of.log.read(model_id, plan.first, plan.last)
    return predictions_of(frame, market.grid.instruments, plan.first, plan.last)


def raced(asked: "Request", stage: Stage, data_digest: str, beat: Beat) -> "Run":
    """The ensemble beside every benchmark, as `ballast backtest` runs them."""
    from cli.running import describe
    from config import tbill
    from trading.backtest import frames
    from trading.backtest.contest import BESIDE, DOUBLE_COST, contest, regimes
    from trading.backtest.report import Run
    from trading.backtest.report.run import RAW
    from trading.policies.benchmarks import POLICIES

    plan, market, predictions = stage
    logs, _ = contest(
        plan, market, predictions, lambda done, total: beat(f"trading, fees {asked.fees}", done, total)
    )
    judged = logs.pop(plan.predictor)
    details = describe(asked, plan, market, data_digest, judged.digest())
    details |= {"release": predictions.release, "skipped": frames.skipped(judged.equity)}
    records = {name: frames.beside(log, market.instruments) for name, log in logs.items()}
    return Run(
        name=f"{asked.predictor}-{asked.fees}-{details['digest'][:12]}",
        details=details,
        record=frames.record(judged, market.instruments, regimes(market, plan.first, plan.last)),
        decisions=frames.decisions(judged.decisions, market.instruments),
        benchmarks={name: record for name, record in records.items() if name.removesuffix(RAW) in POLICIES},
        bill_rates=tbill.load(),
        beside=records[BESIDE],
        double_cost=records[DOUBLE_COST],
    )


def trial(run: "Run") -> dict[str, Any]:
    """A run's line among the trials, the same that `ballast backtest` writes."""
    from cli.running import TRIAL_KEYS

    return {key: run.details[key] for key in TRIAL_KEYS}


def changed(of: "Walked", stage: Stage, beat: Beat) -> "list[Variant]":
    """The headline with one thing changed: costs, thresholds, an hour's delay, missed fills, the first day,
    a learner."""
    from trading.evaluation.strategy import MISSED, MISSED_FILLS, STARTS_D, costs, delayed, thresholds
    from trading.models.families import LEARNERS

    config = stage.plan.config
    found = traded(stage, "cost", costs(config), beat)
    found += traded(stage, "threshold", thresholds(config), beat)
    late = stage._replace(predictions=delayed(stage.predictions))
    found += traded(late, "delay", {"one hour late": config}, beat)
    found += traded(stage, "fills", {MISSED: config}, beat, MISSED_FILLS)
    for days in STARTS_D:
        first = stage.plan.first + days * DAY_H
        if first + DAY_H < stage.plan.last:
            shifted = stage._replace(plan=replace(stage.plan, first=first))
            found += traded(shifted, "start", {f"begun {days} days later": config}, beat)
    for left in LEARNERS:
        alone = stage._replace(predictions=without(of, left, stage, beat))
        found += traded(alone, "without", {f"without {left}": config}, beat)
    return found


def without(of: "Walked", left: str, stage: Stage, beat: Beat) -> "Predictions":
    """What the stack says when it is taught by the log of all learners but one."""
    from adapters.training import stack_alone
    from trading.models.families import LEARNERS
    from trading.models.prediction_log import STACK

    model_id, others = f"{STACK}-without-{left}", tuple(name for name in LEARNERS if name != left)
    first, last = of.about["stack_first"], stage.plan.last

    def progress(done: int, total: int) -> None:
        beat(f"stacking without {left}", done, total)

    stack_alone(of.walk, others, model_id, first, last, progress)
    return said(of, model_id, stage.plan, stage.market)


def traded(
    stage: Stage, kind: str, configs: "Mapping[str, TradingConfig]", beat: Beat, unfilled: float = 0.0
) -> "list[Variant]":
    """The stage's strategy once under each configuration."""
    from trading.backtest import frames
    from trading.backtest.contest import variants
    from trading.evaluation.strategy import variant

    what = f"trading, {kind} {next(iter(configs))}"
    logs = variants(*stage, configs, lambda done, total: beat(what, done, total), unfilled)
    return [variant(kind, name, frames.beside(log, stage.market.instruments)) for name, log in logs.items()]


def desk_of(venue: str) -> "Desk":
    """The rules under the headline fees, over a venue's bars."""
    from config import instruments, trading, universe
    from trading.backtest.inputs import scene
    from trading.evaluation.orders import Desk
    from trading.universe import eligibility

    of, schedules = trading.data_venues()[venue], trading.fee_presets()
    other = next(fees for name, fees in schedules.items() if name != trading.FEES_DEFAULT)

    def market(grid: "Grid", first: int) -> "Scene":
        held = eligibility(grid, *universe.load(), of.volume_scale)
        return scene(grid, [instruments.grid_for(name) for name in grid.instruments], of, held, first)

    return Desk(trading.load(), other, market)
