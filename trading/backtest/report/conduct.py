"""The sections on conduct: where profit came from, what trading cost, where rules stepped in, assumptions."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import polars as pl

from trading.backtest.report import tables
from trading.backtest.report.analysis import Analysis
from trading.backtest.report.html import MISSING, folded, minute, number, percent, section, table
from trading.backtest.report.run import Run

FILLS_SHOWN = 3_000


def breakdown(run: Run, of: Analysis) -> str:
    """Where the profit came from: coins, regimes, concentration."""
    rows = [
        [name, f"{fills:,}", number(traded), number(fees), number(pnl), percent(hits, 0)]
        for name, fills, traded, fees, pnl, hits in tables.coins(run.record.fills).iter_rows()
    ]
    regimes = tables.regimes(run.record.equity)
    by_regime = (
        table(
            "By regime, as known when the hour began",
            ("regime", "hours", "return", "exposure"),
            [
                [name, f"{hours:,}", percent(r, sign=True), percent(e)]
                for name, hours, r, e in regimes.iter_rows()
            ],
        )
        if regimes is not None
        else ""
    )
    note = (
        f"Largest year: {percent(of.largest_year_share, 0)} of the profit. "
        f"Largest coin: {percent(of.largest_coin_share, 0)} of the realised profit. A dash: no profit."
    )
    head = ("instrument", "fills", "traded", "fees", "realised", "hits")
    return section("Coins and regimes", note, table("By coin", head, rows), by_regime)


def trading(run: Run, of: Analysis) -> str:
    """What trading cost, and every fill."""
    c = of.costs
    rows = [
        ["fees", number(c.fees), f"{percent(c.fee_drag, 2)} of mean equity a year"],
        ["slippage", number(c.slippage), f"{percent(c.slippage_drag, 2)} of mean equity a year"],
        ["closing sells", f"{c.closings:,}", f"{percent(c.hit_rate, 0)} gained after fees"],
        ["mean gain over mean loss", number(c.payoff), ""],
    ]
    fills = run.record.fills.tail(FILLS_SHOWN)
    more = run.record.fills.height - fills.height
    caption = (
        f"The last {fills.height:,}; {more:,} earlier ones are in fills.parquet" if more else "Every fill"
    )
    head = ("time", "instrument", "side", "kind", "quantity", "price", "value", "fee", "slippage", "pnl")
    trades = table(caption, head, (_fill(*row) for row in fills.select(head).iter_rows()), texts=4)
    return section(
        "Trading",
        "",
        table("Costs, in quote currency", ("", "amount", ""), rows),
        folded(f"All {run.record.fills.height:,} fills", trades),
    )


def discipline(run: Run) -> str:
    """Where the rules stepped in."""
    equity = run.record.equity
    exposed, crowded = tables.hours_above_caps(equity)
    rows = [
        ["hours with more than 20 % exposed", f"{exposed:,}"],
        ["hours with more than ten positions", f"{crowded:,}"],
        ["hours halted", f"{int(equity['halted'].cast(pl.Int64).sum()):,}"],
    ]
    skipped: Mapping[str, int] = run.details.get("skipped", {})
    rows += [[f"skipped hours: {name}", f"{hours:,}"] for name, hours in skipped.items()]
    rows += [[f"kill switch: {name}", f"{hours:,}"] for name, hours in tables.counts(equity, "triggers")]
    rows += [[f"cut: {name}", f"{times:,}"] for name, times in tables.counts(run.decisions, "breach")]
    rows += [[f"denied: {name}", f"{times:,}"] for name, times in tables.counts(run.decisions, "denial")]
    return section(
        "Discipline", "Where the risk rules stepped in.", table("Hours and decisions", ("", "number"), rows)
    )


def assumptions(run: Run) -> str:
    """What the figures rest on."""
    details = run.details
    review = details.get("review_after")
    halt = "is absorbing: nobody resumes" if review is None else f"is resumed after a review of {review} h"
    venue = (
        f"{details['venue']}, standing in for Kraken (PROXY)"
        if details.get("proxy")
        else str(details["venue"])
    )
    rows = [
        ["fees", str(details["fees"])],
        ["market data", venue],
        ["fills", "on hourly bars: limit first, by trade-through; then market at the close, less slippage"],
        ["halt at 20 % drawdown", halt],
        ["kill switch", "only the triggers that bars can show"],
        ["Treasury bills", "approximate yearly averages of the three-month rate; cash itself earns nothing"],
        ["realised profit by coin", "closed quantities only; what is still held counts in equity, not there"],
        ["parameters", json.dumps(details.get("params", {}), sort_keys=True, default=str)],
        ["data digest", str(details.get("data_digest", MISSING))],
        ["decision digest", str(details.get("digest", MISSING))],
    ]
    note = "A backtest is hypothetical: it was made with hindsight, and no order was ever sent."
    return section(
        "What this rests on", note, table("Assumptions", ("", "value"), rows, texts=2, css="words")
    )


def _fill(
    time: datetime, instrument: str, side: str, kind: str, quantity: Any, price: Any, *money: Any
) -> list[str]:
    """A fill as cells: quantity and price to the last digit, money to the cent."""
    exact = (f"{float(value):.8f}".rstrip("0").rstrip(".") for value in (quantity, price))
    cents = ("" if value is None else number(float(value)) for value in money)
    return [minute(time), instrument, side, kind, *exact, *cents]
