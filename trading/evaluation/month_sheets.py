"""The tables of a monthly report, in the order of its page."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from trading.backtest.report import Record
from trading.backtest.report.analysis import DAYS_MIN, Analysis
from trading.backtest.report.run import RAW
from trading.backtest.report.tables import yearly
from trading.evaluation.lived import costs, gap
from trading.evaluation.month import Month, within
from trading.evaluation.sheets import (
    BACKTEST,
    COUNT,
    NUMBER,
    PERCENT,
    SHARE,
    TEXT,
    Column,
    Figure,
    Row,
    Sheet,
    columns,
)
from trading.evaluation.skill import by_bin, measure
from trading.ledger.bootstrap import Interval
from trading.ledger.performance import Metrics, drawdowns, metrics, period_drawdowns, periods

DEEPEST = 5
EXPOSURE_CAP = 0.20
FIGURES = columns(("figure",), NUMBER, ("value",))


def sheets(of: Month, analysis: Analysis | None) -> tuple[Sheet, ...]:
    """Every table of the report, in the order of the page."""
    return (
        _month(of),
        _verdict(of, analysis),
        _months(of),
        _years(of),
        _benchmarks(of),
        _statistics(of, analysis),
        _falls(of),
        _calibration(of),
        _reliability(of),
        _exposure(of),
        _against_backtest(of),
        _happenings(of),
        _hashes(of),
    )


def _rows(label: str, told: Mapping[str, Figure]) -> tuple[Row, ...]:
    return tuple(Row(label, pair) for pair in told.items())


def _month(of: Month) -> Sheet:
    equity, fills = of.inside
    fees, slippage = (float(fills[name].cast(pl.Float64).sum()) for name in ("fee", "slippage"))
    mean = float(equity["equity"].cast(pl.Float64).to_numpy().mean())
    net = float(periods(equity, "M")["return"][-1])
    told = {
        "net return": Figure(net, PERCENT),
        "gross return, before fees": Figure(net + fees / mean, PERCENT),
        "fees": Figure(fees / mean, SHARE),
        "paid beyond the close at asof": Figure(slippage / mean, PERCENT),
        "deepest fall inside the month": Figure(-float(period_drawdowns(equity, "M")[-1]), PERCENT),
        "equity at the end": Figure(float(equity["equity"][-1])),
        "fees in quote currency": Figure(fees),
        "traded value": Figure(float(fills["value"].cast(pl.Float64).sum())),
        "fills": Figure(fills.height, COUNT),
    }
    note = "Net of fees. Shares are of the month's mean equity, returns of unit value: flows do not count."
    return Sheet("month", "The month", note, FIGURES, _rows(of.label, told))


def _verdict(of: Month, analysis: Analysis | None) -> Sheet:
    if analysis is None:
        note = f"INCONCLUSIVE: fewer than {DAYS_MIN} days have been lived."
        return Sheet("verdict", "Verdict since the opening", note, columns(("check", "wanted"), TEXT, ()), ())
    rows = [
        Row(of.label, (check.name, check.wanted, check.value, _held(check.holds)))
        for check in analysis.verdict.checks
    ]
    note = f"{analysis.verdict.outcome}, by the rule that was fixed beforehand; it is computed, never edited."
    head = (Column("check", TEXT), Column("wanted", TEXT), Column("found"), Column("holds", TEXT))
    return Sheet("verdict", "Verdict since the opening", note, head, tuple(rows))


def _held(holds: bool | None) -> str:
    return "not measured" if holds is None else "holds" if holds else "FAILS"


def _months(of: Month) -> Sheet:
    table = periods(of.record.equity, "M")
    falls = period_drawdowns(of.record.equity, "M").tolist()
    rows = [
        Row(of.label, (f"{period:%Y-%m}", result, -fall))
        for period, result, fall in zip(table["period"], table["return"], falls, strict=True)
    ]
    return Sheet(
        "months",
        "Month by month",
        "",
        columns(("month",), PERCENT, ("net return", "deepest fall")),
        tuple(rows),
    )


def _years(of: Month) -> Sheet:
    names = ("return", "volatility", "drawdown", "exposure")
    table = yearly(of.record)
    rows = [
        Row(of.label, (str(row["year"]), *(row[name] for name in names)))
        for row in table.iter_rows(named=True)
    ]
    return Sheet(
        "years",
        "Year by year",
        "Years that were only touched too.",
        (*columns(("year",), PERCENT, names[:1]), *columns((), SHARE, names[1:])),
        tuple(rows),
    )


def _benchmarks(of: Month) -> Sheet:
    def row(label: str, name: str, record: Record) -> Row:
        month = float(periods(within(record, of.first, of.end).equity, "M")["return"][-1])
        m: Metrics = metrics(*record)
        # What so few days would come to in a year says nothing.
        yearly = (m.cagr, m.sharpe, m.turnover) if periods(record.equity, "D").height >= DAYS_MIN else ()
        a_year, sharpe, turnover = yearly or (None, None, None)
        return Row(label, (name, month, a_year, m.max_drawdown, m.exposure, sharpe, turnover))

    rows = [row(of.label, "this track", of.record), row(BACKTEST, "its backtest", of.beside.shadow)]
    rows += [row(BACKTEST, _spelled(name), record) for name, record in sorted(of.beside.benchmarks.items())]
    note = "The same hours, bars and fees. Benchmarks run under the risk rules; raw ones without any."
    head = (
        *columns(("record",), PERCENT, ("month", "a year")),
        *columns((), SHARE, ("deepest fall", "exposure")),
        *columns((), NUMBER, ("Sharpe", "turnover")),
    )
    return Sheet("benchmarks", "Beside the benchmarks", note, head, tuple(rows))


def _spelled(name: str) -> str:
    return f"{name.removesuffix(RAW)}, raw" if name.endswith(RAW) else name


def _statistics(of: Month, analysis: Analysis | None) -> Sheet:
    rows: list[Row] = []
    if analysis is not None:
        luck, intervals = analysis.luck, analysis.intervals
        if intervals:
            named: dict[str, Interval] = {
                "growth a year": intervals.cagr,
                "Sharpe ratio": intervals.sharpe,
                "worst month": intervals.worst_month,
                **{f"Sharpe ratio less {_spelled(n)}'s": gain for n, gain in intervals.sharpe_gain.items()},
            }
            forms = dict.fromkeys(("growth a year", "worst month"), PERCENT)
            rows += [
                Row(of.label, (name, *(Figure(value, forms.get(name, NUMBER)) for value in interval)))
                for name, interval in named.items()
            ]
        single = {
            "probabilistic Sharpe ratio": Figure(luck.psr),
            "deflated Sharpe ratio, of all trials": Figure(luck.dsr),
            "probability of overfitting": Figure(luck.pbo),
            "trials logged": Figure(luck.trials, COUNT),
        }
        rows += [Row(of.label, (name, value, None, None)) for name, value in single.items()]
    note = "90 % intervals of a stationary bootstrap of daily returns. A dash is what was not measured."
    head = columns(("figure",), NUMBER, ("estimate", "low", "high"))
    return Sheet("statistics", "How sure one can be", note, head, tuple(rows))


def _falls(of: Month) -> Sheet:
    """The deepest falls of the record: from which day's peak, to which day, and when it was made good."""
    equity = of.record.equity
    depth, asofs = drawdowns(equity), equity["asof"].to_list()
    rows = []
    for begin, end in _spells(depth):
        low = begin + int(np.argmax(depth[begin:end]))
        made_good = f"{asofs[end]:%Y-%m-%d}" if end < len(asofs) else "not yet"
        rows.append(
            (float(depth[low]), f"{asofs[max(begin - 1, 0)]:%Y-%m-%d}", f"{asofs[low]:%Y-%m-%d}", made_good)
        )
    deepest = sorted(rows, reverse=True)[:DEEPEST]
    told = tuple(Row(of.label, (begin, low, good, -depth)) for depth, begin, low, good in deepest)
    head = columns(("peak", "lowest", "made good"), PERCENT, ("depth",))
    return Sheet("falls", "The deepest falls since the opening", "", head, told)


def _spells(depth: Sequence[float] | Any) -> Iterator[tuple[int, int]]:
    """Runs of rows below the peak, as [begin, end)."""
    below = np.concatenate(([False], np.asarray(depth) > 0.0, [False]))
    edges = np.flatnonzero(below[1:] != below[:-1])
    yield from zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)


def _calibration(of: Month) -> Sheet:
    rows = []
    for horizon_h, said in of.forecasts.said.items():
        if not len(said.p):
            continue
        skill = measure(said._replace(e=np.nan_to_num(said.e)))
        slope = skill.e_slope if not np.isnan(said.e).any() else None
        ic = skill.ic if slope else None
        found = (
            skill.brier_skill,
            skill.ece,
            *(e.value if e else None for e in (skill.reliability, ic, slope)),
        )
        rows.append(Row(of.label, (f"{horizon_h} h", Figure(skill.rows, COUNT), *found)))
    note = "What releases said since the opening, of rows whose outcome is known."
    if not rows:
        note = "No release has decided on this track, so there is nothing to calibrate."
    names = (
        "rows",
        "Brier skill",
        "calibration error",
        "reliability slope",
        "information coefficient",
        "slope of returns",
    )
    return Sheet(
        "calibration",
        "What the forecasts were worth",
        note,
        columns(("horizon",), NUMBER, names),
        tuple(rows),
    )


def _reliability(of: Month) -> Sheet:
    rows = []
    for horizon_h, said in of.forecasts.said.items():
        tenths = by_bin(said.p, said.up, said.asof) if len(said.p) else []
        for tenth, one in enumerate(tenths, 1):
            came = one.came.value if one.came else None
            rows.append(
                Row(of.label, (f"{horizon_h} h", str(tenth), Figure(one.rows, COUNT), one.told, came))
            )
    head = columns(("horizon", "tenth"), NUMBER, ("rows", "said", "came"))
    note = "Share of rises, by tenths of the probability that was said."
    return Sheet("reliability", "Calibration by tenths", note, head, tuple(rows))


def _exposure(of: Month) -> Sheet:
    equity = of.inside.equity
    exposure = equity["exposure"].cast(pl.Float64).to_numpy()
    told = {
        "mean exposure": Figure(float(exposure.mean()), SHARE),
        "highest exposure": Figure(float(exposure.max()), SHARE),
        f"hours above {EXPOSURE_CAP:.0%}": Figure(int((exposure > EXPOSURE_CAP).sum()), COUNT),
        "most positions": Figure(int(equity["positions"].cast(pl.Int64).to_numpy().max()), COUNT),
        "hours": Figure(equity.height, COUNT),
    }
    counted = equity.filter(pl.col("outcome") != "")["outcome"].value_counts().sort("outcome")
    told |= {f"hours {outcome}": Figure(count, COUNT) for outcome, count in counted.iter_rows()}
    return Sheet("exposure", "Exposure and hours of the month", "", FIGURES, _rows(of.label, told))


def _against_backtest(of: Month) -> Sheet:
    inside, shadow = of.inside, within(of.beside.shadow, of.first, of.end)
    apart, cost = gap(inside, shadow), costs(inside, shadow)
    held = [held for asof, held in of.proofs.items() if of.first <= asof < of.end]
    told = {
        "daily return less the backtest's, mean, bp": Figure(apart.mean_bp),
        "size of that difference, mean, bp": Figure(apart.mean_size_bp),
        "its worst day, bp": Figure(apart.worst_bp),
        "realised cost of a fill, bp": Figure(cost.realised_bp),
        "modelled cost of a fill, bp": Figure(cost.modelled_bp),
        "fills that both made": Figure(cost.matched, COUNT),
        "fills that only the track made": Figure(cost.only_lived, COUNT),
        "fills that only the backtest made": Figure(cost.only_shadow, COUNT),
        "hours proved": Figure(len(held), COUNT),
        "hours whose proof failed": Figure(len(held) - sum(held), COUNT),
    }
    note = "The backtest runs the opening's mandate on the same bars, for the same hours."
    return Sheet("gap", "Live against backtest", note, FIGURES, _rows(of.label, told))


def _happenings(of: Month) -> Sheet:
    rows = tuple(Row(of.label, (str(one.entry), one.at, one.kind, one.what)) for one in of.happenings)
    note = "As the audit log tells them: incidents, halts and their reviews, promotions, restores."
    return Sheet(
        "happenings", "What happened", note, columns(("entry", "at", "kind", "what"), TEXT, ()), rows
    )


def _hashes(of: Month) -> Sheet:
    seal = of.attested
    told = {
        **of.hashes,
        "audit log attested up to entry": str(seal.seq),
        "digest of that entry": seal.digest,
        "checkpoint of": seal.at,
        "signed by": seal.key,
    }
    rows = tuple(Row(of.label, pair) for pair in told.items())
    note = "With these, an auditor finds the entries, the data and the code that the numbers come from."
    return Sheet("hashes", "What it rests on", note, columns(("what", "value"), TEXT, ()), rows)
