"""The sections of the page, in reading order."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from trading.backtest.report import charts, tables
from trading.backtest.report.analysis import Analysis
from trading.backtest.report.html import MISSING, folded, number, percent, section, table
from trading.backtest.report.run import Run
from trading.ledger import performance
from trading.ledger.bootstrap import Interval
from trading.ledger.performance import Metrics
from trading.ledger.verdict import Check

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
FULL_HEAT = 0.08
"""The monthly return that is drawn in full colour."""
FILLS_SHOWN = 3_000
METRIC_HEAD = (
    "",
    "growth/yr",
    "volatility",
    "Sharpe",
    "Sortino",
    "max drawdown",
    "worst month",
    "exposure",
    "turnover",
    "fills",
    "fees",
)


def curves(run: Run) -> str:
    """Growth, drawdown and exposure over time."""
    falls = [
        [_day(peak), _day(trough), _day(recovered), percent(depth)]
        for peak, trough, recovered, depth in tables.deepest_falls(run.record.equity).iter_rows()
    ]
    head, rows = charts.year_ends(run)
    return (
        section(
            "Growth of 100",
            "Unit value after all costs. Benchmarks pay the same fees; cash earns nothing.",
            charts.growth(run),
            folded("The chart as a table: unit value at each year's end", table("From 100", head, rows)),
        )
        + section(
            "Drawdown",
            "Fall from the highest unit value so far, the worst hour of each day.",
            charts.drawdown(run),
            folded(
                "The five deepest falls", table("Falls", ["peak", "trough", "recovered", "depth"], falls, 3)
            ),
        )
        + section("Exposure", "Share of equity invested, each day's mean.", charts.exposure(run))
    )


def calendar(run: Run) -> str:
    """Months by year, and years."""
    cells: dict[int, dict[int, float]] = {}
    for period, change in performance.periods(run.record.equity, "M").select("period", "return").iter_rows():
        cells.setdefault(period.year, {})[period.month] = change
    years = [
        [
            str(year),
            percent(change, sign=True),
            percent(volatility),
            number(sharpe),
            percent(drawdown),
            percent(exposure),
            f"{fills:,}",
            number(fees),
        ]
        for year, change, volatility, sharpe, drawdown, exposure, fills, fees in tables.yearly(
            run.record
        ).iter_rows()
    ]
    head = ("year", "return", "volatility", "Sharpe", "drawdown", "exposure", "fills", "fees")
    return section("Months and years", "", _heat(cells), table("By year", head, years))


def _heat(cells: dict[int, dict[int, float]]) -> str:
    head = "".join(f"<th scope=col>{month}" for month in MONTHS)
    rows = "".join(
        f"<tr><th scope=row class=t>{year}" + "".join(_heat_cell(months.get(m)) for m in range(1, 13))
        for year, months in cells.items()
    )
    return (
        '<div class="scroll" tabindex="0" role="region" aria-label="Monthly returns"><table class="wide">'
        "<caption>Return of each UTC month, per cent</caption>"
        f"<thead><tr><th>{head}<tbody>{rows}</table></div>"
    )


def _heat_cell(change: float | None) -> str:
    if change is None:
        return "<td>"
    hue = "gain" if change > 0 else "loss"
    strength = min(abs(change) / FULL_HEAT, 1.0) * 60
    figure = f"{change * 100:+.1f}".replace("-", "−")
    return f'<td class=heat style="--hue:var(--{hue});--v:{strength:.0f}">{figure}'


def metric_row(name: str, m: Metrics) -> list[str]:
    """One record as a row under `METRIC_HEAD`."""
    return [
        name,
        percent(m.cagr, sign=True),
        percent(m.volatility),
        number(m.sharpe),
        number(m.sortino),
        percent(m.max_drawdown),
        percent(m.worst_month, sign=True),
        percent(m.exposure),
        number(m.turnover, 1),
        f"{m.trades:,}",
        number(m.fees_paid),
    ]


def benchmarks(run: Run, of: Analysis) -> str:
    """The run beside what anyone could have done."""
    rows = [metric_row(str(run.details["predictor"]), of.metrics)]
    rows += [metric_row(name, m) for name, m in of.benchmarks.items()]
    gains = []
    if of.intervals:
        gains = [
            [name, *_interval(gain, share=False), proven(gain)]
            for name, gain in of.intervals.sharpe_gain.items()
        ]
    head = ("against", "gain", "low", "high", "")
    return section(
        "Beside the benchmarks",
        "Raw benchmarks run without risk rules; the others keep exposure, position, drawdown and halt rules.",
        table("All records, the same hours and fees", METRIC_HEAD, rows),
        table("Sharpe ratio less each benchmark's, paired bootstrap, 90 % interval", head, gains)
        if gains
        else "",
    )


def proven(gain: Interval) -> str:
    """What a 90 % interval of a difference says."""
    return "better" if gain.low > 0 else "worse" if gain.high < 0 else "not proven"


def _interval(interval: Interval, *, share: bool) -> list[str]:
    return [percent(value) if share else number(value) for value in interval]


def statistics(of: Analysis) -> str:
    """Intervals, and how much could be luck."""
    rows = []
    if of.intervals:
        i = of.intervals
        rows = [
            ["growth a year", *_interval(i.cagr, share=True)],
            ["Sharpe ratio", *_interval(i.sharpe, share=False)],
            ["deepest drawdown, daily closes", *_interval(i.max_drawdown, share=True)],
            ["worst month", *_interval(i.worst_month, share=True)],
        ]
    note = "Fewer than 30 days: no intervals."
    if of.intervals:
        note = (
            f"Stationary bootstrap of daily returns, {of.intervals.repetitions:,} paths, mean block "
            f"{of.intervals.block_days:.0f} days. Drawdowns and worst months of resampled paths tend to be "
            "deeper than the one that happened."
        )
    head = ("", "record", "low", "high")
    return section(
        "Statistics",
        note,
        table("90 % intervals", head, rows) if rows else "",
        table("Could it be luck?", ("", "value", "meaning"), _luck_rows(of), css="words"),
    )


def _luck_rows(of: Analysis) -> Iterator[tuple[str, str, str]]:
    luck, m = of.luck, of.luck.moments
    yield "skewness, kurtosis (raw)", f"{number(m.skewness)}, {number(m.kurtosis, 1)}", f"{m.periods:,} days"
    yield "probabilistic Sharpe ratio", number(luck.psr, 3), f"on weeks {number(luck.weekly_psr, 3)}"
    kind = "variance measured across trials" if luck.variance_measured else "variance of trials without skill"
    yield "deflated Sharpe ratio", number(luck.dsr, 3), f"{luck.trials} trials, {kind}"
    yield (
        "probability of overfitting",
        number(luck.pbo),
        "of selecting the best trial" if luck.pbo else "not measured",
    )
    yield (
        "track record needed",
        f"{number(luck.track_record_years, 1)} years",
        "for a ratio above 0 with 95 %",
    )
    if of.against_bitcoin:
        a = of.against_bitcoin
        yield "alpha against 20 % bitcoin", f"{percent(a.alpha)} a year", f"t {number(a.alpha_t)}, Newey-West"
        yield "beta against 20 % bitcoin", number(a.beta), f"t {number(a.beta_t)}, Newey-West"
    if of.excess:
        excess, ratio = of.excess
        meaning = f"Sharpe ratio {number(ratio)}, approximate"
        yield "return above Treasury bills", f"{percent(excess)} a year", meaning
    else:
        yield "return above Treasury bills", MISSING, "a year has no rate in config/tbill.json"


def verdict(of: Analysis) -> str:
    """The rule, check by check."""
    rows = [
        [check.name, "target" if check.point else "bound", check.wanted, _checked(check), _held(check)]
        for check in of.verdict.checks
    ]
    head = ("check", "kind", "wanted", "measured", "")
    note = (
        "The rule was fixed before any record was seen. MET needs every line; INCONCLUSIVE means that the "
        "targets hold but a statistical bound fails or was not measured."
    )
    return section(f"Verdict: {of.verdict.outcome}", note, table("Acceptance rule", head, rows, texts=2))


def _checked(check: Check) -> str:
    return MISSING if check.value is None else number(check.value, 3)


def _held(check: Check) -> str:
    return "not measured" if check.holds is None else "holds" if check.holds else "fails"


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
    trades = table(
        caption, head, ([_cell(v) for v in row] for row in fills.select(head).iter_rows()), texts=4
    )
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


def _day(moment: Any) -> str:
    return MISSING if moment is None else f"{moment:%Y-%m-%d %H:%M}"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if hasattr(value, "strftime"):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, str):
        return value
    return f"{float(value):.8f}".rstrip("0").rstrip(".")
