"""Runs laid over one another: the hours that they share, measured alike."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

import polars as pl

from trading.backtest.report import charts, parts
from trading.backtest.report.analysis import DAYS_MIN, SEED, month_numbers
from trading.backtest.report.html import document, number, section, table
from trading.backtest.report.page import script
from trading.backtest.report.run import Record
from trading.backtest.report.style import STYLE
from trading.errors import UsageError
from trading.ledger import performance
from trading.ledger.bootstrap import REPETITIONS, Interval, bootstrap
from trading.ledger.performance import Metrics, metrics

COLOURS = ("own", "k-1", "k-2", "k-3", "k-4", "k-5")
RUNS_MAX = len(COLOURS)
GAIN_HEAD = ("gain", "low", "high", "")
SHOWN = ("predictor", "fees", "venue", "proxy", "from", "to", "review_after", "data_digest", "digest")


class Comparison(NamedTuple):
    """Runs over the hours that all of them have; the first is the one that the others are held against."""

    first: datetime
    last: datetime
    records: dict[str, Record]
    metrics: dict[str, Metrics]
    sharpe_gain: dict[str, Interval]
    """Each other run's Sharpe ratio less the first one's, paired, 90 %; empty below 30 days."""


def compare(records: Mapping[str, Record], repetitions: int = REPETITIONS) -> Comparison:
    """Cut the runs to their common hours and measure them; runs that share none are a `UsageError`."""
    first = max(record.equity["asof"][0] for record in records.values())
    last = min(record.equity["asof"][-1] for record in records.values())
    if not 2 <= len(records) <= RUNS_MAX or first >= last:
        raise UsageError(f"compare needs 2 to {RUNS_MAX} runs that share hours: choose runs of the same span")
    within = pl.col("asof").is_between(first, last)
    common = {name: Record(*(frame.filter(within) for frame in record)) for name, record in records.items()}
    return Comparison(
        first,
        last,
        common,
        {name: metrics(*record) for name, record in common.items()},
        _gains(common, repetitions),
    )


def _gains(records: Mapping[str, Record], repetitions: int) -> dict[str, Interval]:
    base, *others = records
    returns = {name: performance.daily_returns(record.equity) for name, record in records.items()}
    if len(returns[base]) < DAYS_MIN:
        return {}
    months = month_numbers(records[base].equity)
    of = bootstrap(returns[base], months, {name: returns[name] for name in others}, repetitions, SEED)
    return {name: Interval(-gain.estimate, -gain.high, -gain.low) for name, gain in of.sharpe_gain.items()}


def render(of: Comparison, details: Mapping[str, Mapping[str, Any]]) -> str:
    """The page: growth, metrics, paired differences, and what the runs were made with."""
    base = next(iter(of.records))
    lines = [
        charts.growth_line(name, record, css)
        for (name, record), css in zip(of.records.items(), COLOURS, strict=False)
    ]
    rows = [parts.metric_row(name, m) for name, m in of.metrics.items()]
    gains = [[name, *(number(v) for v in gain), parts.proven(gain)] for name, gain in of.sharpe_gain.items()]
    made = [[key, *(str(details[name].get(key, "")) for name in of.records)] for key in SHOWN]
    span = f"{of.first:%Y-%m-%d %H:%M} to {of.last:%Y-%m-%d %H:%M} UTC, the hours that all runs have."
    equity = of.records[base].equity
    growth = charts.growth_figure("growth", lines, equity, raw=False)
    body = (
        f"<header><h1>{len(of.records)} runs compared</h1><p class=meta>{span}</p></header>"
        + section("Growth of 100", "", f'<div style="--room:15rem">{growth}</div>')
        + section(
            "Figures",
            "",
            table("Metrics", parts.METRIC_HEAD, rows),
            table(f"Sharpe ratio less that of {base}, paired bootstrap, 90 %", ("", *GAIN_HEAD), gains),
        )
        + section(
            "Made with",
            "",
            table("Inputs and digests", ("", *of.records), made, texts=1 + len(of.records), css="words"),
        )
    )
    return document("Ballast: runs compared", STYLE, script(), body)
