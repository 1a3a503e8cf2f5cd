"""The strategy, judged: the ensemble beside the benchmarks, and what is left of it when something changes."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from trading.backtest.contest import at_cost
from trading.backtest.report import Analysis, Record
from trading.config import StrategyRules, TradingConfig
from trading.evaluation.checks import Check, above, at_most
from trading.evaluation.resilience import Edge, Left
from trading.evaluation.superior import Superior
from trading.evaluation.trials import Effective
from trading.ledger import performance
from trading.ledger.performance import Floats, Metrics, metrics
from trading.models.protocol import Predictions

COSTS = (0.0, 1.5, 2.0)
MISSED_FILLS = 0.2
MISSED = f"{MISSED_FILLS:.0%} of fills missed"
THRESHOLD_SHIFT = 0.2
CHOICES = ("threshold", "without")
FAIR = 0.5
"""A probability that says nothing: confidence is the distance to it."""
SHARPE_MAX, DRAWDOWN_MAX, PBO_MAX = 2.5, 0.20, 0.5
TREND = "trend-a"
RIVALS = ("cash", "btc", "trend-vote")
STARTS_D = (10, 90, 180)
BASE = "ensemble"


class Variant(NamedTuple):
    """The strategy with one thing changed."""

    kind: str
    """cost, delay, fills, threshold, start, without or path."""
    name: str
    metrics: Metrics
    daily: Floats
    """Daily returns."""


class Strategy(NamedTuple):
    """Everything that the page shows beside the backtest's own report; the headline fees, if not said."""

    analyses: Mapping[str, Analysis]
    """By fee preset, the headline first."""
    variants: list[Variant]
    paths: list[Variant]
    """The tree families along every cross-validated path; none where the history is too short."""
    without: list[Left]
    """The record without its luckiest parts."""
    edge: Edge | None
    superior: Mapping[str, Superior]
    """All that could have been chosen, against each of `RIVALS`."""
    effective: Effective
    """Every run of the suite under either fees, clustered."""
    checks: list[Check]


def costs(config: TradingConfig) -> dict[str, TradingConfig]:
    """The same rules in worlds where trading costs more or nothing."""
    return {f"cost × {times:g}": at_cost(config, times) for times in COSTS}


def thresholds(config: TradingConfig) -> dict[str, TradingConfig]:
    """Every threshold of the strategy 20 % lower and higher, one at a time."""
    changed = {}
    for times in (1.0 - THRESHOLD_SHIFT, 1.0 + THRESHOLD_SHIFT):
        for name, rules in _moved(config.strategy, times).items():
            changed[f"{name} {times - 1.0:+.0%}"] = config._replace(strategy=rules)
    return changed


def _moved(of: StrategyRules, times: float) -> dict[str, StrategyRules]:
    def confident(p: float) -> float:
        return FAIR + (p - FAIR) * times

    return {
        "confidence": of._replace(
            p24_enter=confident(of.p24_enter),
            p4_enter=confident(of.p4_enter),
            p24_reverse=confident(of.p24_reverse),
        ),
        "edge wanted": of._replace(edge_min=of.edge_min * times),
        "crash limit": of._replace(p_crash_max=of.p_crash_max * times),
        "stop and target": of._replace(
            stop_sigmas=of.stop_sigmas * times,
            take_sigmas=of.take_sigmas * times,
            trail_sigmas=of.trail_sigmas * times,
        ),
    }


def delayed(predictions: Predictions) -> Predictions:
    """What was said an hour before: every decision is made one hour late."""
    return predictions._replace(first=predictions.first + 1)


def variant(kind: str, name: str, record: Record) -> Variant:
    return Variant(kind, name, metrics(*record), performance.daily_returns(record.equity))


def configurations(base: Floats, variants: list[Variant]) -> Floats:
    """Daily returns (days, configurations) of everything that could have been chosen, the base first.

    Costs, delays, missed fills and other starts are no choices: they are the same rules in a harder world.
    """
    return np.column_stack([base, *(of.daily for of in variants if of.kind in CHOICES)])


def looks(bases: list[Floats], variants: list[Variant]) -> Floats:
    """Daily returns (days, runs) of everything that was looked at, in cash before a later first day."""
    runs = [*bases, *(of.daily for of in variants)]
    days = max(len(run) for run in runs)
    return np.column_stack([np.pad(run, (days - len(run), 0)) for run in runs])


def names(variants: list[Variant]) -> list[str]:
    """Of the columns of `configurations`."""
    return [BASE, *(of.name for of in variants if of.kind in CHOICES)]


def checks(analyses: Mapping[str, Analysis], variants: list[Variant]) -> list[Check]:
    """What the strategy has to show before it may trade; the targets are the verdict's, not these."""
    by_name = {of.name: of.metrics.sharpe for of in variants}
    headline = next(iter(analyses.values()))
    found = [
        above("Sharpe ratio at one and a half times the cost", by_name["cost × 1.5"], 0.0),
        above("Sharpe ratio one hour late", by_name["one hour late"], 0.0),
        above("Sharpe ratio with every fifth fill missed", by_name[MISSED], 0.0),
        at_most("deepest drawdown", headline.metrics.max_drawdown, DRAWDOWN_MAX, "{:.1%}"),
        at_most("Sharpe ratio is not too good to be true", headline.metrics.sharpe, SHARPE_MAX, "{:.2f}"),
        at_most("probability of overfitting", headline.luck.pbo, PBO_MAX, "{:.2f}"),
    ]
    for fees, of in analyses.items():
        gain = of.metrics.sharpe - of.benchmarks[TREND].sharpe
        found.append(above(f"Sharpe ratio less that of {TREND}, fees {fees}", gain, 0.0))
    return found
