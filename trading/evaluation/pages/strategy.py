"""The page of the strategy: beside every benchmark, under both fees, and with one thing changed."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from trading.backtest.report import Analysis, Run, charts, evidence, parts
from trading.backtest.report.html import folded, number, percent, section, table
from trading.backtest.report.page import plainly, script
from trading.evaluation.checks import passed
from trading.evaluation.pages.parts import frame, verdict
from trading.evaluation.strategy import BASE, Strategy, names

KINDS = {
    "cost": "Costs",
    "delay": "Every decision an hour late",
    "fills": "Bars in which nothing of ours fills: entries lapse, exits and stops wait",
    "threshold": "Thresholds 20 % lower and higher",
    "start": "Another first day",
    "without": "One learner left out of the stack",
}
LUCK = (
    "Profits are taken away on the day on which they were realised. Capacity is the equity at which impact, "
    "volatility times the root of the share of a day's volume, takes half of the gross edge. The best of all "
    "configurations is asked by Hansen's test of superior predictive ability, which of them are better by "
    "Romano and Wolf's stepdown; Sharpe ratios are compared."
)
TRIALS = (
    "Runs whose daily returns move together count once: average linkage, cut where the silhouettes are most "
    "distinct. The verdict takes every logged trial, research before 2023 included."
)
PATHS = (
    "The trees with equal voices in combinatorial purged cross-validation: eight groups of hours, each two "
    "of them tested by models that learned from the others, before and after, a quarter of embargo between; "
    "seven whole paths. They say how much a Sharpe ratio varies, not what would have been earned. "
)
NOTE = "Whether it may trade. Whether it met its targets is the verdict below: other checks, fixed as well."


def page(of: Strategy, runs: Mapping[str, Run], told: Mapping[str, Any]) -> str:
    """The whole page; `runs` by fee preset as in `of.analyses`."""
    fees, run = next(iter(runs.items()))
    headline = of.analyses[fees]
    meta = f"{told['from'][:10]} to {told['to'][:10]} · data of {told['venue']}"
    meta += f"{' (PROXY)' if told['proxy'] else ''} · preset {told['preset']} · log {told['log_digest'][:12]}"
    body = verdict(of.checks, NOTE)
    body += section("In words", plainly(run, headline), charts.growth(run))
    body += evidence.verdict(headline) + evidence.statistics(headline) + _trials(of, headline)
    body += _changed(of) + _paths(of) + _luck(of)
    for name, analysis in of.analyses.items():
        body += folded(f"Beside the benchmarks, fees {name}", parts.benchmarks(runs[name], analysis))
    return frame("Strategy", meta, passed(of.checks), body, script())


def _changed(of: Strategy) -> str:
    base = [parts.metric_row(BASE, next(iter(of.analyses.values())).metrics)]
    tables = (
        table(
            title,
            parts.METRIC_HEAD,
            base + [parts.metric_row(v.name, v.metrics) for v in of.variants if v.kind == kind],
        )
        for kind, title in KINDS.items()
    )
    return section("One thing changed", "The same hours and predictions, but for what is named.", *tables)


def _trials(of: Strategy, headline: Analysis) -> str:
    """The deflated ratio by every trial and by those that were really different."""
    counted, known = headline.luck, of.effective
    rows = [
        ["every logged trial", f"{counted.trials}", number(counted.dsr, 3)],
        [f"clusters of the {known.known} runs of this suite", f"{known.different}", number(known.dsr, 3)],
    ]
    heads = ("counted", "trials", "deflated Sharpe ratio")
    return section("Trials", TRIALS, table("How many looks were different", heads, rows))


def _paths(of: Strategy) -> str:
    if not of.paths:
        return section("Cross-validated paths", "Not measured: too few months to be cut into groups.")
    ratios = np.array([path.metrics.sharpe for path in of.paths])
    found = (
        f"Sharpe ratios from {ratios.min():.2f} to {ratios.max():.2f}, median {np.median(ratios):.2f}, "
        f"{int((ratios > 0).sum())} of {len(ratios)} above 0."
    )
    rows = [parts.metric_row(path.name, path.metrics) for path in of.paths]
    return section(
        "Cross-validated paths", PATHS + found, table("The tree families", parts.METRIC_HEAD, rows)
    )


def _luck(of: Strategy) -> str:
    """Without the luckiest parts, the edge, and whether the best of many is better than a rival."""
    rows = [[left.name, percent(left.cagr, 2, sign=True), number(left.sharpe, 2)] for left in of.without]
    tables = [table("Without its luckiest parts", ("without", "growth/yr", "Sharpe"), rows)]
    if of.edge:
        held = "–" if of.edge.capacity is None else f"{of.edge.capacity:,.0f}"
        row = [f"{of.edge.closings:,}", percent(of.edge.gross, 2, sign=True), percent(of.edge.cost, 2), held]
        head = ("closings", "gross edge", "cost", "capacity")
        tables.append(table("A round trip, as a share of what was sold", head, [row]))
    columns = names(of.variants)
    rivals = [
        [name, ", ".join(columns[k] for k in rival.better) or "none", number(rival.p, 3)]
        for name, rival in of.superior.items()
    ]
    heads = ("against", "better, all together at 5 %", "p of the best")
    tables.append(table(f"The best of {len(columns)} configurations", heads, rivals, 2))
    return section("Luck and size", LUCK, *tables)
