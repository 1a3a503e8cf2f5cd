"""Coinbase Exchange's public hours, for comparison only."""

from datetime import UTC, datetime
from typing import NamedTuple

from pydantic import TypeAdapter

from adapters.candles import HourCandle, finished_hours
from adapters.clock import Clock
from adapters.http import Wire
from adapters.importing.rows import Parsed
from adapters.kraken.schemas_public import NotNegative, Positive, Seconds
from adapters.reference.fetch import fetch
from trading.clock import HOUR_S

BASE_URL = "https://api.exchange.coinbase.com"
ROWS_MAX = 300


class Row(NamedTuple):
    """One row, newest first, low before high before open; an hour without a trade is left out."""

    time: Seconds
    low: Positive
    high: Positive
    open: Positive
    close: Positive
    volume: NotNegative


_ROWS = TypeAdapter(list[Row])


def hours(wire: Wire, clock: Clock, instrument: str, first: int, last: int) -> Parsed:
    """The finished hours of asof first..last of a pair such as BTC/USD, as far as Coinbase has them."""
    rows: dict[int, Row] = {}
    for start in range(first - 1, last, ROWS_MAX):
        end = min(start + ROWS_MAX, last) - 1
        fields = {"granularity": str(HOUR_S), "start": _time(start), "end": _time(end)}
        path = f"/products/{instrument.replace('/', '-')}/candles"
        rows |= {row.time: row for row in fetch(wire, path, fields, _ROWS)}
    candles = [
        HourCandle.of(float(r.time), (r.open, r.high, r.low, r.close, r.volume), None)
        for _, r in sorted(rows.items())
    ]
    return finished_hours(candles, clock.now().timestamp())


def _time(hour: int) -> str:
    return datetime.fromtimestamp(hour * HOUR_S, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
