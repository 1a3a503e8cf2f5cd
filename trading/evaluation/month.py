"""One month of a track in figures, each in a row that says whether its money is replay, paper or real.

What a month says follows from what was stored by its end, so that it can be made again and compared. Nothing
is judged here that the pre-registered verdict does not judge.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

import polars as pl

from trading.backtest.report import Record, Run, Trials, analyse
from trading.backtest.report.analysis import DAYS_MIN, Analysis
from trading.evaluation.lived import Beside, Forecasts
from trading.evaluation.sheets import Sheet
from trading.ledger.performance import periods


class Happening(NamedTuple):
    """Something of the month that the audit log tells: an incident, a halt, a promotion, a restore."""

    entry: int
    at: str
    kind: str
    what: str


class Attested(NamedTuple):
    """The first checkpoint after the month: everything that the month says stands before it."""

    seq: int
    digest: str
    at: str
    key: str


class Month(NamedTuple):
    """The material of a report."""

    label: str
    """What kind of money the track is: replay, paper or real."""
    track: str
    portfolio: str
    first: datetime
    """The month's first instant."""
    end: datetime
    """The next month's."""
    record: Record
    """From the opening of the track to `end`."""
    beside: Beside
    forecasts: Forecasts
    proofs: Mapping[datetime, bool]
    happenings: tuple[Happening, ...]
    attested: Attested
    hashes: Mapping[str, str]
    trials: int
    bill_rates: Mapping[int, float]

    @property
    def inside(self) -> Record:
        """The part of the record that lies in the month, its opening hour included."""
        return within(self.record, self.first, self.end)


def bounds(month: str) -> tuple[datetime, datetime]:
    """First instant of a month such as `2026-10`, and of the next; a `ValueError` for anything else."""
    first = datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC)
    after = date(first.year + first.month // 12, first.month % 12 + 1, 1)
    return first, datetime(after.year, after.month, 1, tzinfo=UTC)


def within(record: Record, first: datetime, end: datetime) -> Record:
    """The hours of a record that close `first` to `end`."""
    between = pl.col("asof").is_between(first, end)
    traded = pl.col("asof").is_between(first, end, closed="left")
    return Record(record.equity.filter(between), record.fills.filter(traded))


def analysed(of: Month) -> Analysis | None:
    """The whole record judged as a backtest is; None while it is too short for that."""
    if periods(of.record.equity, "D").height < DAYS_MIN:
        return None
    begin, last = of.record.equity["asof"][0], of.record.equity["asof"][-1]
    run = Run(
        name=of.track,
        details={"predictor": of.label, "from": f"{begin}", "to": f"{last}", "review_after": None},
        record=of.record,
        decisions=pl.DataFrame(),
        benchmarks=of.beside.benchmarks,
        bill_rates=of.bill_rates,
        trials=Trials(logged=of.trials),
        beside=of.beside.other_fees,
        double_cost=of.beside.double_cost,
    )
    return analyse(run)


def facts(of: Month, outcome: str, tables: Sequence[Sheet]) -> dict[str, Any]:
    """The report for programs."""
    return {
        "format": "ballast-month/1",
        "track": of.track,
        "portfolio": of.portfolio,
        "month": f"{of.first:%Y-%m}",
        "label": of.label,
        "verdict": outcome,
        "audit": of.attested._asdict() | {"label": of.label},
        "sheets": {sheet.key: {"title": sheet.title, "rows": sheet.facts()} for sheet in tables},
    }
