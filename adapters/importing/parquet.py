"""Hourly bars in parquet, `PAIR.parquet`: time (UTC, bar open), open, high, low, close, volume, trades."""

from typing import BinaryIO

import polars as pl

from adapters.importing.rows import Parsed, hours, parsed
from trading.clock import HOUR_S
from trading.errors import DataError
from trading.quality import judge

COLUMNS = ("open", "high", "low", "close", "volume", "trades")
BYTES_MAX = 512 << 20
ROWS_MAX = 5_000_000
"""570 years of hours; a small file can expand to far more."""


def read(stream: BinaryIO, now_s: int) -> Parsed:
    """The hours of a file; `line` is the row, counted from 1."""
    content = stream.read(BYTES_MAX + 1)
    if len(content) > BYTES_MAX:
        raise DataError(f"more than {BYTES_MAX >> 20} MiB: not hourly bars")
    try:
        frame = _frame(content)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DataError(f"not a whole parquet file ({str(error).splitlines()[0]})") from error
    good, bad = judge(frame, HOUR_S, now_s)
    return parsed([hours(good)], [bad])


def _frame(content: bytes) -> pl.DataFrame:
    lazy = pl.scan_parquet(content)
    schema = lazy.collect_schema()
    missing = sorted({"time", *COLUMNS[:-1]} - set(schema.names()))
    if missing:
        raise DataError(f"no column {', '.join(missing)}")
    kind = schema["time"]
    if not isinstance(kind, pl.Datetime) or kind.time_zone is None:
        raise DataError("column time holds no times with a time zone; write it in UTC")
    rows = lazy.select(pl.len()).collect().item()
    if rows > ROWS_MAX:
        raise DataError(f"{rows} rows, more than {ROWS_MAX}: not hourly bars")
    if "trades" not in schema:
        lazy = lazy.with_columns(trades=pl.lit(None, pl.Int64))
    # Not rounded to seconds: a stamp a moment after the hour is off the hour.
    time = pl.col("time").dt.epoch("us") / 1e6
    numbers = [pl.col(name).cast(pl.Float64, strict=False) for name in COLUMNS[:-1]]
    bars = lazy.select(time, *numbers, pl.col("trades").cast(pl.Int64, strict=False)).collect()
    return bars.with_row_index("line", 1).cast({"line": pl.Int64})
