"""The page of a month: one file that loads nothing, every row and every line labelled."""

from collections.abc import Sequence
from html import escape

from trading.backtest.report import Record, charts
from trading.backtest.report.analysis import Analysis
from trading.backtest.report.html import document, section
from trading.backtest.report.page import CLASSES, script
from trading.backtest.report.run import BITCOIN
from trading.backtest.report.style import STYLE
from trading.evaluation.month import Month
from trading.evaluation.sheets import BACKTEST, REAL, Figure, Sheet, spelled
from trading.ledger.performance import periods

DAYS_DRAWN_MIN = 3
TILES = 6
LABEL_STYLE = (
    ".label{display:inline-block;font-weight:650;padding:.15rem .6rem;margin-right:.5rem;border-radius:4px;\
background:var(--warn);color:var(--card);text-transform:uppercase;letter-spacing:.04em}"
)
NOT_REAL = (
    "Nothing here is real money. Hypothetical results have inherent limits: no order moved a market, no "
    "outage cost anything, and whoever designs a strategy knows the past. Such results often differ from "
    "what is achieved later, and are no indication of it."
)
REAL_MONEY = (
    "Rows labelled backtest are hypothetical: they were never traded, and were computed with hindsight. Past "
    "results, real or not, are no indication of future ones."
)


def page(of: Month, analysis: Analysis | None, tables: Sequence[Sheet]) -> str:
    """The whole page."""
    drawn = {"month": _curves(of)}
    body = _head(of, analysis, tables[0])
    body += "".join(sheet.html(*filter(None, [drawn.get(sheet.key)])) for sheet in tables)
    body += section("Read this", REAL_MONEY if of.label == REAL else NOT_REAL)
    title = f"{of.first:%B %Y}, {of.track}, {of.label}"
    return document(f"Ballast: {title}", STYLE + LABEL_STYLE, script(), body)


def _head(of: Month, analysis: Analysis | None, month: Sheet) -> str:
    outcome = analysis.verdict.outcome if analysis else "INCONCLUSIVE"
    seal = of.attested
    place = f"attested by the audit log up to entry {seal.seq}, digest {seal.digest}"
    meta = f"{of.portfolio} on {of.track} · {place}"
    return (
        f"<header><h1>{of.first:%B %Y}</h1><p class=meta>{escape(meta)}</p>"
        f"<span class=label>{escape(of.label)}</span>"
        f'<span class="verdict {CLASSES[outcome]}">{outcome}</span>{_tiles(month)}</header>'
    )


def _tiles(month: Sheet) -> str:
    tiles = []
    for row in month.rows[:TILES]:
        name, figure = row.cells
        assert isinstance(figure, Figure)
        shown = spelled(figure.value, figure.form)
        tiles.append(
            f"<div><b>{shown}</b><span>{escape(name)}</span><small>{escape(row.label)}</small></div>"
        )
    return f'<div class="tiles">{"".join(tiles)}</div>'


def _curves(of: Month) -> str:
    """Growth of 100 since the opening, beside its backtest, bitcoin, and the raw basket."""
    if periods(of.record.equity, "D").height < DAYS_DRAWN_MIN:
        return ""
    lines: list[tuple[str, Record, str]] = [(f"{of.label}: this track", of.record, "own")]
    lines.append((f"{BACKTEST}: the same", of.beside.shadow, "k-soft"))
    named = ((BITCOIN, "k-btc"), ("basket", "k-basket"))
    lines += [(f"{BACKTEST}: {name}", of.beside.benchmarks[name], css) for name, css in named]
    series = [charts.growth_line(name, record, css) for name, record, css in reversed(lines)]
    figure = charts.growth_figure("growth", series, of.record.equity, raw=False)
    return f'<div style="--room:13rem">{figure}</div>'
