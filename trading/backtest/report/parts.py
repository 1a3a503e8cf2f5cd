"""The sections that show the record: curves, calendar, benchmarks."""

from trading.backtest.report import charts, tables
from trading.backtest.report.analysis import Analysis
from trading.backtest.report.html import folded, minute, number, percent, section, table
from trading.backtest.report.run import Run
from trading.ledger import performance
from trading.ledger.bootstrap import Interval
from trading.ledger.performance import Metrics

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
FULL_HEAT = 0.08
"""The monthly return that is drawn in full colour."""
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
        [minute(peak), minute(trough), minute(recovered), percent(depth)]
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
    rows += [metric_row(name, of.benchmarks[name]) for name in run.others]
    gains = []
    if of.intervals:
        gains = [
            [name, *interval_cells(gain, share=False), proven(gain)]
            for name, gain in of.intervals.sharpe_gain.items()
            if name in run.others
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


def interval_cells(interval: Interval, *, share: bool) -> list[str]:
    """The record's figure, low and high."""
    return [percent(value) if share else number(value) for value in interval]
