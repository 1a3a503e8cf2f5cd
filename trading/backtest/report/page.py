"""The report of one run: a page that loads nothing and reads on a phone, in light and dark."""

from html import escape

from trading.backtest.report import conduct, evidence, parts
from trading.backtest.report.analysis import Analysis, analyse
from trading.backtest.report.html import document, number, percent, tone
from trading.backtest.report.run import BITCOIN, Run
from trading.backtest.report.style import SCRIPT, STYLE
from trading.backtest.report.svg import DEPTH
from trading.ledger.bootstrap import Interval

CLASSES = {"MET": "met", "NOT MET": "not", "INCONCLUSIVE": "open"}


def render(run: Run) -> str:
    """The whole page."""
    return page_of(run, analyse(run))


def page_of(run: Run, of: Analysis) -> str:
    """The page of figures that have been computed already."""
    body = (
        _head(run, of)
        + parts.curves(run)
        + parts.calendar(run)
        + parts.benchmarks(run, of)
        + evidence.statistics(of)
        + evidence.verdict(of)
        + conduct.breakdown(run, of)
        + conduct.trading(run, of)
        + conduct.discipline(run)
        + conduct.assumptions(run)
    )
    title = f"{run.details['predictor']} {run.details['from'][:10]} to {run.details['to'][:10]}"
    return document(f"Ballast: {title}", STYLE, script(), body)


def script() -> str:
    """The crosshair; the page is complete without it."""
    return f"const DEPTH={DEPTH};{SCRIPT}"


def _head(run: Run, of: Analysis) -> str:
    details = run.details
    venue = escape(str(details["venue"]))
    label = f'<span class="proxy">PROXY data ({venue})</span>' if details.get("proxy") else f"data of {venue}"
    return (
        f"<header><h1>{escape(str(details['predictor']))}</h1>"
        f'<p class="meta">Backtest, {escape(details["from"][:10])} to {escape(details["to"][:10])} · '
        f"fees {escape(str(details['fees']))} · {label} · run {escape(run.name)}</p>"
        f'<span class="verdict {CLASSES[of.verdict.outcome]}">{of.verdict.outcome}</span>'
        f'<p class="say">{escape(plainly(run, of))}</p>{_tiles(of)}</header>'
    )


def plainly(run: Run, of: Analysis) -> str:
    """What happened, in words that do not flatter."""
    m = of.metrics
    equity = run.record.equity["equity"]
    did = "made money" if m.cagr > 0 else "lost money" if m.cagr < 0 else "neither made nor lost money"
    sentences = [
        f"It {did}: {number(float(equity[0]))} became {number(float(equity[-1]))}, "
        f"{percent(m.cagr, sign=True)} a year after all costs, "
        f"with {percent(m.exposure)} invested on average.",
        f"Its deepest fall was {percent(m.max_drawdown)}; "
        f"its worst month brought {percent(m.worst_month, sign=True)}.",
    ]
    if of.intervals:
        sentences.append(_certainty(m.sharpe, of.intervals.sharpe))
        if BITCOIN in of.intervals.sharpe_gain:
            sentences.append(_beside_bitcoin(of, of.intervals.sharpe_gain[BITCOIN]))
    if run.record.equity["halted"].cast(bool).any():
        sentences.append("It reached the 20 % halt, which stopped all entries.")
    return " ".join(sentences)


def _certainty(sharpe: float, interval: Interval) -> str:
    if sharpe <= 0:
        reading = "no skill shows"
    elif interval.low <= 0:
        reading = "chance alone could explain it"
    else:
        reading = "chance alone hardly explains it"
    return (
        f"The Sharpe ratio is {number(sharpe)}, with 90 % confidence between {number(interval.low)} and "
        f"{number(interval.high)}: {reading}."
    )


def _beside_bitcoin(of: Analysis, gain: Interval) -> str:
    bitcoin = of.benchmarks[BITCOIN]
    if gain.low > 0:
        proof = "the run's Sharpe ratio was higher, beyond what chance explains"
    elif gain.high < 0:
        proof = "the run's Sharpe ratio was lower, beyond what chance explains"
    else:
        proof = "the difference in Sharpe ratio is not proven"
    return f"Holding 20 % bitcoin brought {percent(bitcoin.cagr, sign=True)} a year; {proof}."


def _tiles(of: Analysis) -> str:
    m, i = of.metrics, of.intervals
    tiles = [
        ("growth a year", percent(m.cagr, sign=True), i and _range(i.cagr, share=True), tone(m.cagr)),
        ("Sharpe ratio", number(m.sharpe), i and _range(i.sharpe, share=False), ""),
        ("Sortino ratio", number(m.sortino), None, ""),
        ("volatility a year", percent(m.volatility), None, ""),
        ("deepest drawdown", percent(m.max_drawdown), i and _range(i.max_drawdown, share=True), ""),
        ("monthly drawdown", percent(m.max_monthly_drawdown), None, ""),
        ("worst month", percent(m.worst_month, sign=True), i and _range(i.worst_month, share=True), ""),
        ("mean exposure", percent(m.exposure), None, ""),
        ("turnover a year", f"{number(m.turnover, 1)} ×", None, ""),
        ("fills", f"{m.trades:,}", None, ""),
        ("fees paid", number(m.fees_paid), f"{percent(of.costs.fee_drag, 2)} of equity a year", ""),
        ("deflated Sharpe", number(of.luck.dsr, 3), f"of {of.luck.trials} trials", ""),
    ]
    cells = (
        f'<div><span>{name}</span><b class="{css}">{value}</b><small>{note or "&nbsp;"}</small></div>'
        for name, value, note, css in tiles
    )
    return f'<div class="tiles">{"".join(cells)}</div>'


def _range(interval: Interval, *, share: bool) -> str:
    spell = percent if share else number
    return f"{spell(interval.low)} to {spell(interval.high)}"
