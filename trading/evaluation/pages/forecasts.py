"""The page of the forecasts: skill by model and horizon, calibration, deciles, and where the skill lies."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from trading.backtest.report.html import folded, number, percent, section, table
from trading.backtest.report.svg import Series, thin
from trading.evaluation.checks import passed
from trading.evaluation.forecasts import Forecasts, Line, Picture
from trading.evaluation.pages.parts import chart, frame, verdict, with_t
from trading.models.labels import HORIZONS_H

SKILL_HEAD = (
    *("rows", "Brier skill", "t", "log-loss skill", "ECE", "reliability", "IC", "t"),
    *("rank IC", "t", "R² of E", "slope of E", "t"),
)
KINDS = {"year": "By year", "regime": "By the likeliest regime of the next day", "coin": "By coin"}
NOTE = (
    "Against the share of rises among all rows settled before each asof, over a year. For a t-value all rows "
    "of a day are one observation, with Newey-West weights over five days or more. IC compares returns in "
    "units of their volatility; R² is against expecting zero. Learners are shown as they speak, before "
    "calibration."
)


def page(of: Forecasts, told: Mapping[str, Any]) -> str:
    """The whole page; `told` is what the suite's JSON says of the log and its span."""
    body = verdict(of.checks, "Of the stack's forecasts of a day. A forecast that is too good is a leak.")
    for horizon_h in HORIZONS_H:
        body += _horizon(of, horizon_h)
    body += _regimes(of)
    meta = f"Forecasts from {told['from'][:10]} to {told['to'][:10]} · data of {told['venue']}"
    meta += f"{' (PROXY)' if told['proxy'] else ''} · preset {told['preset']} · log {told['log_digest'][:12]}"
    return frame("Forecasts", meta, passed(of.checks), body)


def _horizon(of: Forecasts, horizon_h: int) -> str:
    lines = [line for line in of.lines if line.horizon_h == horizon_h]
    picture = next(p for p in of.pictures if p.horizon_h == horizon_h)
    models = table(
        "All rows", ("", *SKILL_HEAD), _rows((of.model, of) for of in lines if of.kind == "all"), css="wide"
    )
    pairs = [
        [pair.model, *with_t(pair.brier, 5), *with_t(pair.log, 5)]
        for pair in of.pairs
        if pair.horizon_h == horizon_h
    ]
    head = ("against", "Brier", "t", "log loss", "t")
    against = table("Loss of each model less the stack's; above zero the stack is better", head, pairs)
    parts = "".join(
        folded(
            title,
            table(
                title, ("", *SKILL_HEAD), _rows((of.group, of) for of in lines if of.kind == kind), css="wide"
            ),
        )
        for kind, title in KINDS.items()
    )
    title = f"{horizon_h} hour{'s' if horizon_h > 1 else ''}"
    parts += folded("Intervals", table(INTERVALS, INTERVAL_HEAD, _intervals(picture)))
    return section(title, NOTE if horizon_h == HORIZONS_H[0] else "", models, against, _drawn(picture), parts)


INTERVALS = "Intervals around the expected return, adapted to their own misses: held, and half of their width"
INTERVAL_HEAD = ("promised", "", "rows", "held", "half width")


def _intervals(of: Picture) -> list[list[str]]:
    return [
        [percent(c.level, 0), c.group, f"{c.rows:,}", percent(c.share), percent(c.width, 2)]
        for c in of.covers
    ]


def _regimes(of: Forecasts) -> str:
    """The classifier of the market's next day, where its folds tell what a day is."""
    if not of.regimes:
        return ""
    rows = [
        [
            row.group,
            f"{row.hours:,}",
            percent(row.answered, 0),
            *(f"{loss:.3f}" for loss in (row.loss, row.persistence, row.rates)),
            *with_t(row.gain),
        ]
        for row in of.regimes
    ]
    head = ("", "hours", "by itself", "log loss", "persistence", "rolling rates", "gain", "t")
    note = (
        "Persistence is the table of what follows the class of the day before, from each fold's training. "
        "Where the classifier lost to it on its later rows, the table answered: by itself counts the rest."
    )
    return section("The market's next day", note, table("What was said of it", head, rows))


def _rows(named: Iterable[tuple[str, Line]]) -> list[list[str]]:
    return [[name, *_cells(line)] for name, line in named]


def _cells(line: Line) -> list[str]:
    of = line.skill
    return [
        f"{of.rows:,}",
        percent(of.brier_skill, 2, sign=True),
        with_t(of.gain)[1],
        percent(of.log_skill, 2, sign=True),
        percent(of.ece, 2),
        with_t(of.reliability, 2)[0],
        *with_t(of.ic),
        *with_t(of.rank_ic),
        percent(of.r_squared, 2, sign=True),
        *with_t(of.e_slope, 2),
    ]


def _drawn(of: Picture) -> str:
    """Calibration, deciles and the path of the gain."""
    low, high = of.ece
    tenths = [str(i + 1) for i in range(len(of.reliability))]
    first, last = (np.datetime64(int(day), "D").astype(str) for day in (of.days[0], of.days[-1]))
    pictures = ""
    if len(of.reliability) > 1:
        told = np.array([b.told for b in of.reliability])
        came = np.array([b.came.value if b.came else np.nan for b in of.reliability])
        pictures += chart(
            f"P(up) by tenth: told and came. Calibration error with 90 % between {percent(low, 2)} and "
            f"{percent(high, 2)}.",
            [Series("told", "k-soft", told, "told"), Series("came", "own", came, "came")],
            "{:.0%}",
            tenths,
            (0.5,),
        )
    if len(of.deciles) > 1:
        told = np.array([b.told for b in of.deciles])
        came = np.array([b.came.value if b.came else np.nan for b in of.deciles])
        pictures += chart(
            "E[r] by tenth: expected and realised mean.",
            [Series("expected", "k-soft", told, "expected"), Series("realised", "own", came, "realised")],
            "{:.1%}",
            [str(i + 1) for i in range(len(of.deciles))],
        )
    if len(of.days) > 1:
        gain = Series("gain", "own", thin(of.gain), number(float(of.gain[-1])))
        pictures += chart(
            "Brier score of the rolling rate less the stack's, added up by day.",
            [gain],
            "{:.3g}",
            [first, last],
        )
    return pictures + table("Expected returns by tenth", DECILE_HEAD, _deciles(of))


DECILE_HEAD = ("tenth", "rows", "expected", "realised", "t")


def _deciles(of: Picture) -> list[list[str]]:
    return [
        [
            str(i + 1),
            f"{b.rows:,}",
            percent(b.told, 3, sign=True),
            percent(b.came.value if b.came else None, 3, sign=True),
            with_t(b.came)[1],
        ]
        for i, b in enumerate(of.deciles)
    ]
