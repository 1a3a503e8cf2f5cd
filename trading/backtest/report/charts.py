"""The report's figures: growth beside the benchmarks, drawdown with its tiers, exposure under its cap."""

from collections.abc import Mapping, Sequence
from html import escape

import numpy as np
import polars as pl

from trading.backtest.report import svg
from trading.backtest.report.html import percent
from trading.backtest.report.run import RAW, Record, Run
from trading.backtest.report.svg import Floats, Scale, Series
from trading.ledger import performance

TIERS = (0.10, 0.15, 0.20)
EXPOSURE_CAP = 0.20
OPENING = 100.0

PICKS = """<div class="picks"><fieldset><legend>Scale</legend>
<label><input type="radio" name="scale-{name}" class="p-log" checked>log scale</label>
<label><input type="radio" name="scale-{name}" class="p-lin">linear</label></fieldset>{sets}</div>"""
SETS = """<fieldset><legend>Benchmarks</legend>
<label><input type="radio" name="set-{name}" class="p-ruled" checked>benchmarks under the risk rules</label>
<label><input type="radio" name="set-{name}" class="p-raw">raw</label>
<label><input type="radio" name="set-{name}">both</label></fieldset>"""


def growth(run: Run) -> str:
    """Unit value from 100, beside every benchmark."""
    series = [growth_line(name, record, _css(name)) for name, record in run.others.items()]
    own = growth_line(str(run.details["predictor"]), run.record, "own")
    return growth_figure("growth", [*series, own], run.record.equity, raw=any(RAW in s.name for s in series))


def growth_line(name: str, record: Record, css: str) -> Series:
    """A record's daily unit value from 100."""
    values = daily(record.equity)
    values = values / values[0] * OPENING
    return Series(name, css, values, f"{percent(values[-1] / OPENING - 1, sign=True)} {name}")


def growth_figure(name: str, series: Sequence[Series], equity: pl.DataFrame, *, raw: bool) -> str:
    """Lines from 100 with a switch of scale and, where there are raw benchmarks, of set."""
    layers = []
    for log in (True, False):
        scale = svg.scale_of(series, log)
        ticks = scale.ticks()
        spell = "{:,.0f}" if len({f"{tick:.0f}" for tick in ticks}) == len(ticks) else "{:,.1f}"
        lines = "".join(_line(s, scale) for s in series)
        grid = svg.rules(ticks, scale, len(series[0].values), "grid")
        base = svg.rules([OPENING], scale, len(series[0].values), "base")
        labels = svg.axis(ticks, scale, spell) + _end_labels(series, scale, raw=raw)
        css = "s-log" if log else "s-lin"
        title = (
            "Growth of 100, net of costs; the final figures stand beside the lines and in the table below."
        )
        layers.append(_drawing(scale, title, css, grid + base + lines, len(series[0].values)))
        layers.append(f'<div class="{css}">{labels}</div>')
    picks = PICKS.format(name=name, sets=SETS.format(name=name) if raw else "")
    return f"<figure>{picks}{_plot(equity, len(series[0].values), 'index', ''.join(layers))}</figure>"


def drawdown(run: Run) -> str:
    """The fall from the peak, the worst hour of each day, with the tiers at which risk shrinks and stops."""
    equity = run.record.equity
    lifetime = Series("lifetime", "k-fall", -_daily_worst(equity, performance.drawdowns(equity)), "")
    lines = [lifetime]
    if run.details.get("review_after") is not None:
        risk = equity["risk_drawdown"].cast(pl.Float64).to_numpy()
        lines.append(Series("since re-base", "k-soft", -_daily_worst(equity, risk), ""))
    deepest = min(float(s.values.min()) for s in lines)
    scale = Scale(min(-0.22, deepest * 1.08), 0.0)
    ticks = [tick for tick in scale.ticks(4) if round(-tick, 4) not in TIERS]
    drawn = (
        svg.rules(ticks, scale, len(lifetime.values), "grid")
        + svg.rules([-tier for tier in TIERS], scale, len(lifetime.values), "tier")
        + svg.area(lifetime, scale)
        + "".join(_line(s, scale) for s in lines)
    )
    words = ("10 % size halves", "15 % caps halve", "20 % halt")
    marks = "".join(
        f'<span class="mark" style="top:{place * 100:.1f}%">{word}</span>'
        for word, place in zip(words, scale.place(-np.array(TIERS)), strict=True)
    )
    title = f"Drawdown, deepest {percent(-deepest)}; tiers at 10, 15 and 20 per cent."
    content = (
        _drawing(scale, title, "", drawn, len(lifetime.values)) + svg.axis(ticks, scale, "{:.0%}") + marks
    )
    return f'<figure style="--tall:14rem">{_plot(equity, len(lifetime.values), "share", content)}</figure>'


def exposure(run: Run) -> str:
    """The share of equity invested, each day's mean, under the cap."""
    equity = run.record.equity
    values = _by_day(equity, equity["exposure"].cast(pl.Float64).to_numpy(), pl.col("value").mean())
    own = Series("exposure", "own", svg.thin(values), f"mean {percent(float(values.mean()))}")
    scale = Scale(0.0, max(0.22, float(values.max()) * 1.05))
    ticks = [tick for tick in scale.ticks(4) if round(tick, 4) != EXPOSURE_CAP]
    drawn = (
        svg.rules(ticks, scale, len(own.values), "grid")
        + svg.rules([EXPOSURE_CAP], scale, len(own.values), "tier")
        + svg.area(own, scale)
        + _line(own, scale)
    )
    cap = float(scale.place(np.array([EXPOSURE_CAP]))[0]) * 100
    mark = f'<span class="mark" style="top:{cap:.1f}%">20 % cap</span>'
    mean = own._replace(values=np.array([values.mean()]))
    labels = svg.axis(ticks, scale, "{:.0%}") + mark + svg.end_labels([mean], scale)
    content = _drawing(scale, "Share of equity invested, daily mean.", "", drawn, len(own.values)) + labels
    return f'<figure style="--tall:11rem">{_plot(equity, len(own.values), "share", content)}</figure>'


def year_ends(run: Run) -> tuple[list[str], list[list[str]]]:
    """The growth chart as a table: the unit value at the end of each year, from 100."""
    rows = {str(run.details["predictor"]): run.record, **run.others}
    head: list[str] = []
    body = []
    for name, record in rows.items():
        by_year = performance.periods(record.equity, "Y")
        head = [str(year) for year in by_year["period"].dt.year()]
        ends = by_year["end"].to_numpy() / by_year["start"][0] * OPENING
        body.append([name, *(f"{end:,.1f}" for end in ends)])
    return ["", *head], body


def daily(equity: pl.DataFrame) -> Floats:
    """The opening unit value and that at each midnight, thinned to what a chart can show."""
    days = performance.periods(equity, "D")
    return svg.thin(np.concatenate([days["start"].to_numpy()[:1], days["end"].to_numpy()]))


def _daily_worst(equity: pl.DataFrame, falls: Floats) -> Floats:
    return svg.thin(_by_day(equity, falls, pl.col("value").max()))


def _by_day(equity: pl.DataFrame, values: Floats, of: pl.Expr) -> Floats:
    day = (pl.col("asof") - pl.duration(hours=1)).dt.truncate("1d")
    return (
        equity.select(day=day, value=pl.Series(values))
        .group_by("day", maintain_order=True)
        .agg(of)["value"]
        .to_numpy()
    )


def _css(name: str) -> str:
    kind = name.removesuffix(RAW)
    return f"k-{kind} {'raw' if name.endswith(RAW) else 'ruled'}"


def _line(series: Series, scale: Scale) -> str:
    return svg.line(series, scale).replace("<path", f'<path data-name="{escape(series.name)}"', 1)


def _end_labels(series: Sequence[Series], scale: Scale, *, raw: bool) -> str:
    """Labels of each set, spaced on their own; with both sets shown, the raw one goes without."""
    if not raw:
        return svg.end_labels(series, scale)
    sets: Mapping[str, list[Series]] = {
        "ruled": [s for s in series if "raw" not in s.css.split()],
        "raw": [s for s in series if "ruled" not in s.css.split()],
    }
    return "".join(f'<div class="set-{name}">{svg.end_labels(of, scale)}</div>' for name, of in sets.items())


def _drawing(scale: Scale, title: str, css: str, content: str, points: int) -> str:
    log = ' data-log="1"' if scale.log else ""
    return (
        f'<svg class="{css}" viewBox="0 0 {points - 1} {svg.DEPTH}" preserveAspectRatio="none" role="img"'
        f' data-low="{scale.low:.6g}" data-high="{scale.high:.6g}"{log}>'
        f"<title>{escape(title)}</title>{content}</svg>"
    )


def _plot(equity: pl.DataFrame, points: int, kind: str, content: str) -> str:
    first, last = equity["asof"][0].date(), equity["asof"][-1].date()
    return (
        f'<div class="plot" data-first="{first}" data-last="{last}" data-points="{points}"'
        f' data-kind="{kind}">{content}{svg.calendar(first, last)}</div>'
    )
