"""Kraken's official OHLCVT download: `PAIR_MINUTES.csv`, a row for every interval that had a trade.

Columns: unix time of the bar's open in seconds (UTC), open, high, low, close, volume, trades; no header.
"""

from typing import BinaryIO

import polars as pl

from adapters.importing.rows import Parsed, blocks, fields, hours, is_header, last_stamp, parsed
from trading.quality import judge

COLUMNS: dict[str, pl.DataType] = {
    "time": pl.Float64(),
    "open": pl.Float64(),
    "high": pl.Float64(),
    "low": pl.Float64(),
    "close": pl.Float64(),
    "volume": pl.Float64(),
    "trades": pl.Int64(),
}


def read(stream: BinaryIO, interval_s: int, now_s: int) -> Parsed:
    """Hours rebuilt from bars of `interval_s`, a divisor of the hour."""
    parts, bad, after_s = [], [], -1.0
    for lines in blocks(stream):
        if lines["line"][0] == 1 and is_header(lines["text"][0]):
            lines = lines[1:]
        good, faulty = judge(fields(lines, COLUMNS), interval_s, now_s, after_s)
        parts.append(hours(good))
        bad.append(faulty)
        after_s = last_stamp(good, after_s)
    return parsed(parts, bad)
