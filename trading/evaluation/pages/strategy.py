"""The page of the strategy: beside every benchmark, under both fees, and with one thing changed."""

from collections.abc import Mapping
from typing import Any

from trading.backtest.report import Run, charts, evidence, parts
from trading.backtest.report.html import folded, section, table
from trading.backtest.report.page import plainly, script
from trading.evaluation.checks import passed
from trading.evaluation.pages.parts import frame, verdict
from trading.evaluation.strategy import BASE, Strategy

KINDS = {
    "cost": "Costs",
    "delay": "Every decision an hour late",
    "threshold": "Thresholds 20 % lower and higher",
    "without": "One learner left out of the stack",
}
NOTE = "Whether it may trade. Whether it met its targets is the verdict below: other checks, fixed as well."


def page(of: Strategy, runs: Mapping[str, Run], told: Mapping[str, Any]) -> str:
    """The whole page; `runs` by fee preset as in `of.analyses`."""
    fees, run = next(iter(runs.items()))
    headline = of.analyses[fees]
    meta = f"{told['from'][:10]} to {told['to'][:10]} · data of {told['venue']}"
    meta += f"{' (PROXY)' if told['proxy'] else ''} · preset {told['preset']} · log {told['log_digest'][:12]}"
    body = verdict(of.checks, NOTE)
    body += section("In words", plainly(run, headline), charts.growth(run))
    body += evidence.verdict(headline) + evidence.statistics(headline) + _changed(of)
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
