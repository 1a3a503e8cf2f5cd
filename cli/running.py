"""Assemble a backtest from the home: bars, universe, predictor, benchmarks, report, and the run's folder."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.happenings import flows, missed
from trading.clock import DAY_H, TradingHour
from trading.errors import DataError, UsageError

if TYPE_CHECKING:
    from trading.backtest.contest import Plan
    from trading.backtest.inputs import Scene
    from trading.backtest.report import Analysis, Run
    from trading.models.protocol import Predictions

WARM_UP_H = 122 * DAY_H
"""Hours before the first decision that the longest benchmark window needs."""
ENSEMBLE = "ensemble"

TRIAL_KEYS = (
    "predictor",
    "release",
    "from",
    "to",
    "fees",
    "venue",
    "data_digest",
    "config_digest",
    "review_after",
)
"""What makes a look at results another look."""

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Request:
    """A backtest as it was asked for; dates are UTC, `to` included."""

    start: date
    to: date
    predictor: str
    fees: str
    venue: str
    review_after_h: int = 0
    preset: str = "full"
    """Of the walk-forward whose predictions are traded on."""
    flows: Path | None = None
    """A file of deposits and withdrawals."""
    missed: Path | None = None
    """A file of hours in which we were down."""


@dataclass(frozen=True, slots=True)
class Finished:
    """A finished backtest and where it lies."""

    folder: Path
    details: Mapping[str, Any]
    run: "Run"
    analysis: "Analysis"


def predictors() -> tuple[str, ...]:
    from trading.models.families import LEARNERS
    from trading.policies.benchmarks import POLICIES

    return (*POLICIES, ENSEMBLE, *LEARNERS)


def execute(request: Request, home: Path, progress: Progress) -> Finished:
    """Run, judge and write one backtest; a `UsageError` or `DataError` says what is missing and what to do.

    A run whose journal does not fold to its final state is an `InvariantError` and writes nothing.
    """
    from adapters.runs import Trials, save
    from config import tbill
    from trading.backtest import frames
    from trading.backtest.contest import BESIDE, DOUBLE_COST, contest, regimes
    from trading.backtest.report import Run, analyse, page_of
    from trading.backtest.report import Trials as Counted
    from trading.backtest.report.run import RAW
    from trading.compiled import use_cache
    from trading.ledger.journal import post
    from trading.ledger.statement import prove
    from trading.policies.benchmarks import POLICIES

    use_cache(home / "cache" / "compiled")
    plan, market, data_digest = prepare(request, home)
    learned = plan.predictor not in POLICIES
    predictions = logged(request, plan, market, home, progress) if learned else None
    logs, closing = contest(plan, market, predictions, lambda done, total: progress("trading", done, total))
    details = describe(request, plan, market, data_digest, logs[plan.predictor].digest())
    details["release"] = predictions.release if predictions else None
    details["skipped"] = frames.skipped(logs[plan.predictor].equity)
    earlier = researched(request.venue) if learned else []
    trials = Trials(home / "trials.jsonl").log({k: details[k] for k in TRIAL_KEYS}, *earlier)
    labels, instruments = regimes(market, plan.first, plan.last), market.instruments
    # What is done with goes: years of bars and of fifteen portfolios would stay beside their report.
    del market, predictions
    decisions = frames.decisions(logs[plan.predictor].decisions, instruments)
    judged = frames.record(logs.pop(plan.predictor), instruments, labels)
    records = {name: frames.beside(logs.pop(name), instruments) for name in list(logs)}
    records[plan.predictor] = judged
    journal = post(plan.opening, judged.fills, judged.equity, plan.flows, instruments)
    prove(journal, closing, instruments)
    run = Run(
        name=f"{request.predictor}-{request.fees}-{details['digest'][:12]}",
        details=details,
        record=judged,
        decisions=decisions,
        benchmarks={name: records[name] for name in records if name.removesuffix(RAW) in POLICIES},
        bill_rates=tbill.load(),
        trials=Counted(logged=trials),
        beside=records[BESIDE],
        double_cost=records[DOUBLE_COST],
    )
    progress("measuring", 0, 1)
    analysis = analyse(run)
    benchmarks = {name: of._asdict() for name, of in analysis.benchmarks.items()}
    details |= {"metrics": analysis.metrics._asdict(), "benchmarks": benchmarks}
    details["verdict"] = analysis.verdict.outcome
    parts = {
        "decisions": decisions,
        "fills": judged.fills,
        "equity": judged.equity,
        "journal": journal.postings,
    }
    folder = save(home / "runs", run.name, parts, details, page_of(run, analysis))
    return Finished(folder, details, run, analysis)


def researched(venue: str) -> list[dict[str, Any]]:
    """What research tried with the learners on real bars; a made-up market was not looked at then."""
    from adapters.status import GENERATED
    from config import research

    return [] if venue == GENERATED else research.looks()


def prepare(request: Request, home: Path) -> tuple["Plan", "Scene", str]:
    """The plan, the market it trades in, and the digest of its bars."""
    from adapters.bars import BarStore
    from config import instruments, trading, universe
    from trading.backtest.contest import Plan
    from trading.backtest.inputs import scene
    from trading.universe import eligibility

    if request.predictor not in predictors():
        raise UsageError(f"no predictor {request.predictor!r}; choose one of {', '.join(predictors())}")
    store, venues = BarStore(home / "bars"), trading.data_venues()
    if request.venue not in venues or request.venue not in store.venues():
        known = ", ".join(store.venues()) or "none"
        raise UsageError(f"no bars of venue {request.venue!r} (there are: {known}); import or generate some")
    venue = venues[request.venue]
    names = [n for n in store.instruments(request.venue) if n.endswith(f"/{venue.quote}") and tradable(n)]
    first = TradingHour.at(datetime.combine(request.start, datetime.min.time(), UTC)).number
    last = TradingHour.at(datetime.combine(request.to, datetime.min.time(), UTC)).number + DAY_H
    if last <= first:
        raise UsageError(f"--to {request.to} lies before --from {request.start}; swap them")
    grid, data_digest = store.digested_grid(request.venue, first - WARM_UP_H, last, names)
    check_span(grid, first, last, request)
    lists, rules = universe.load()
    held = eligibility(grid, lists, rules, venue.volume_scale)
    others = [name for name in trading.fee_presets() if name != request.fees]
    plan = Plan(
        predictor=request.predictor,
        first=first,
        last=last,
        config=trading.load(request.fees),
        other_fees=trading.fee_presets()[others[0]],
        review_after_h=request.review_after_h,
        flows=flows(request.flows, first, last) if request.flows else {},
        missed=missed(request.missed, first, last) if request.missed else frozenset(),
    )
    market = scene(grid, [instruments.grid_for(name) for name in grid.instruments], venue, held, first)
    return plan, market, data_digest


def tradable(name: str) -> bool:
    """True when the trading venue's grid of the instrument is known."""
    from config import instruments

    try:
        instruments.grid_for(name)
    except UsageError:
        return False
    return True


def check_span(grid: Any, first: int, last: int, request: Request) -> None:
    """Refuse a span that the bars do not cover; says which span they do cover."""
    import numpy as np

    rows = np.flatnonzero(grid.valid.any(axis=1))
    if not rows.size:
        raise UsageError(
            f"no bars of {request.venue} from {request.start} to {request.to}; see `ballast data status`"
        )
    begin, end = TradingHour(grid.first + int(rows[0])), TradingHour(grid.first + int(rows[-1]))
    if begin.number > first or end.number < last:
        raise DataError(
            f"bars of {request.venue} cover {begin} to {end}, "
            f"not {TradingHour(first)} to {TradingHour(last)}; choose --from and --to inside, or import more"
        )


def logged(request: Request, plan: "Plan", market: "Scene", home: Path, progress: Progress) -> "Predictions":
    """What the ensemble, or a stack over one learner alone, said out of sample in a finished walk-forward."""
    from adapters.bars import BarStore
    from adapters.predictions import ABOUT, latest
    from adapters.training import stack_alone, walk_of
    from trading.models.prediction_log import STACK, predictions_of

    log = latest(home / "predictions", request.venue, request.preset, plan.first, plan.last)
    about = log.noted(ABOUT) or {}
    begin, end, names = about["bars_first"], about["last"], about["instruments"]
    _, data_digest = BarStore(home / "bars").digested_grid(request.venue, begin, end, names)
    if data_digest != about["data_digest"]:
        raise DataError("the bars have changed since the walk-forward; run `ballast walkforward` again")
    model_id = STACK
    if request.predictor != ENSEMBLE:
        model_id = f"{STACK}-{request.predictor}"
        stack_alone(
            walk_of(home, log, about),
            (request.predictor,),
            model_id,
            about["stack_first"],
            plan.last,
            lambda done, total: progress("stacking", done, total),
        )
    frame = log.read(model_id, plan.first, plan.last)
    return predictions_of(frame, market.grid.instruments, plan.first, plan.last)


def describe(
    request: Request, plan: "Plan", market: "Scene", data_digest: str, digest: str
) -> dict[str, Any]:
    """`run.json`: what was asked for, of which data and configuration, and what came of it."""
    return {
        "digest": digest,
        "from": TradingHour(plan.first).asof.isoformat(),
        "to": TradingHour(plan.last).asof.isoformat(),
        "predictor": request.predictor,
        "fees": request.fees,
        "venue": request.venue,
        "proxy": market.venue.proxy,
        "instruments": list(market.grid.instruments),
        "opening_equity": plan.opening / 1e8,
        "review_after": request.review_after_h or None,
        "flows": len(plan.flows),
        "missed": len(plan.missed),
        "data_digest": data_digest,
        "config_digest": plan.config.digest(),
        "params": {group: getattr(plan.config, group)._asdict() for group in plan.config._fields},
    }
