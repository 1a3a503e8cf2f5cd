"""A trading record as lines that two sides can be compared by: decisions, fills and the hourly account.

One side is a database that was lived hour by hour, the other a backtest's logs. Both are brought to the same
lines of canonical JSON; the first column in which two lines differ is named.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import zip_longest
from typing import Any, NamedTuple

from trading.backtest.engine import Logs
from trading.backtest.step import DecisionRow, EquityRow
from trading.clock import TradingHour
from trading.codes import FILL_EXIT, FILL_FALLBACK, FILL_MAKER, FILL_STOP, FILL_STOP_GAP, FILL_TAKER
from trading.config import canonical_json
from trading.execution.fills import Fill
from trading.instruments import Instrument
from trading.records import unpacked

DECIDED = (
    "action",
    "reason",
    "target_ppm",
    "breach",
    "verdict",
    "intent_lots",
    "limit",
    "stop",
    "approved_lots",
)
WORDS = {
    FILL_EXIT: "exit",
    FILL_STOP: "stop",
    FILL_STOP_GAP: "stop",
    FILL_TAKER: "limit",
    FILL_MAKER: "limit",
    FILL_FALLBACK: "fallback",
}
"""What a venue can tell of a fill: not at which moment of the bar a stop or a limit went."""


class Record(NamedTuple):
    """Lines of canonical JSON, in the order of time and instrument."""

    decisions: tuple[str, ...]
    fills: tuple[str, ...]
    accounts: tuple[str, ...]


class Difference(NamedTuple):
    """The first line in which two records differ."""

    part: str
    line: int
    columns: tuple[str, ...]
    """Columns that differ; all of them where one record has no such line."""
    here: str
    there: str


def of_backtest(logs: Logs, instruments: Sequence[Instrument]) -> Record:
    """A backtest's record; its last row is a mark without a decision and is left out."""
    names = [instrument.name for instrument in instruments]
    decisions: list[DecisionRow] = unpacked(DecisionRow, logs.decisions)
    fills: list[Fill] = unpacked(Fill, logs.fills)
    accounts: list[EquityRow] = unpacked(EquityRow, logs.equity[:-1])
    return Record(
        tuple(decision_line(row.hour, names[row.instrument], asdict(row)) for row in decisions),
        fill_lines([(row.hour, names[row.instrument], row) for row in fills]),
        tuple(canonical_json(asdict(row)).decode() for row in accounts),
    )


def decision_line(hour: int, instrument: str, intent: Mapping[str, Any]) -> str:
    """One instrument's intent and what risk left of it."""
    told = {name: intent[name] for name in DECIDED}
    return canonical_json({"asof": str(TradingHour(hour)), "instrument": instrument} | told).decode()


def fill_lines(fills: Sequence[tuple[int, str, Fill]]) -> tuple[str, ...]:
    """Fills by hour, instrument and kind. Pieces of one order at one price are one line, however a venue
    cut them.
    """
    merged: dict[tuple[int, str, str, int], list[int]] = {}
    for hour, instrument, fill in fills:
        total = merged.setdefault((hour, instrument, WORDS[fill.kind], fill.ticks), [0, 0, 0])
        for place, amount in enumerate((fill.lots, fill.value, fill.fee)):
            total[place] += amount
    return tuple(
        canonical_json(
            {
                "asof": str(TradingHour(hour)),
                "instrument": instrument,
                "kind": kind,
                "ticks": ticks,
                "lots": lots,
                "value": value,
                "fee": fee,
            }
        ).decode()
        for (hour, instrument, kind, ticks), (lots, value, fee) in sorted(merged.items())
    )


def difference(here: Record, there: Record) -> Difference | None:
    """The first difference between two records, accounts first: what decides shows there last."""
    for part in Record._fields:
        for number, (a, b) in enumerate(
            zip_longest(getattr(here, part), getattr(there, part), fillvalue="{}")
        ):
            if a != b:
                mine, theirs = json.loads(a), json.loads(b)
                columns = sorted(k for k in {*mine, *theirs} if mine.get(k) != theirs.get(k))
                return Difference(part, number, tuple(columns), a, b)
    return None
