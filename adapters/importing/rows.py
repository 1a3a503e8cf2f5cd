"""What the readers of all layouts share: lines with their numbers, and raw rows rebuilt into hours."""

from collections.abc import Iterable, Iterator
from typing import BinaryIO, NamedTuple

import polars as pl

from trading.clock import HOUR_S
from trading.errors import DataError
from trading.quality import SCHEMA

BLOCK_BYTES = 32 << 20
LINE_BYTES_MAX = 1 << 16
VOLUME_DECIMALS = 8
REJECTED = pl.Schema({"line": pl.Int64(), "reason": pl.String(), "text": pl.String()})


class Parsed(NamedTuple):
    """One file, read."""

    bars: pl.DataFrame
    """The bar schema plus `line`, the first line (or row) that an hour was made from; sorted and unique."""
    rejected: pl.DataFrame
    """Rows that were not used: line, reason, text."""


def blocks(stream: BinaryIO) -> Iterator[pl.DataFrame]:
    """The lines of a text file as frames of (line, text), so that a file of any size fits in memory.

    Lines are numbered from 1; empty ones are dropped. A line without an end is a `DataError`.
    """
    number = 1
    for text in _whole_lines(stream):
        lines = pl.Series("text", [text.decode("utf-8", "replace")]).str.split("\n").explode()
        frame = lines.str.strip_chars().to_frame().with_row_index("line", number)
        number += len(lines)
        frame = frame.cast({"line": pl.Int64}).filter(pl.col("text") != "")
        if frame.height:
            yield frame


def _whole_lines(stream: BinaryIO) -> Iterator[bytes]:
    """The stream in blocks that end where a line ends, without that end."""
    rest = b""
    while block := stream.read(BLOCK_BYTES):
        whole, newline, rest = (rest + block).rpartition(b"\n")
        if len(rest) > LINE_BYTES_MAX:
            raise DataError(f"a line has more than {LINE_BYTES_MAX} bytes: not a table")
        if newline:
            yield whole
    if rest:
        yield rest


def fields(lines: pl.DataFrame, columns: dict[str, pl.DataType]) -> pl.DataFrame:
    """Lines of comma-separated values as typed columns beside line and text; null where one is unreadable.

    A line with another number of fields has null in all of them.
    """
    parts = pl.col("text").str.split(",")
    fits = parts.list.len() == len(columns)
    values = [pl.when(fits).then(parts.list.get(i, null_on_oob=True)) for i in range(len(columns))]
    typed = [
        value.str.strip_chars().cast(kind, strict=False).alias(name)
        for value, (name, kind) in zip(values, columns.items(), strict=True)
    ]
    return lines.with_columns(typed)


def is_header(line: str) -> bool:
    """Whether a line has words and no number, as column names do."""
    return any(map(str.isalpha, line)) and not any(map(str.isdigit, line))


def last_stamp(good: pl.DataFrame, before_s: float) -> float:
    """The stamp that the next block of the file has to come after."""
    return before_s if good.is_empty() else float(good["time"][-1])


def rejected(rows: pl.DataFrame) -> pl.DataFrame:
    """The judged bad rows as they are kept; a row that never was text is written out value by value."""
    if "text" not in rows.columns:
        values = pl.concat_str(pl.exclude("line", "reason").cast(pl.String).fill_null(""), separator=",")
        rows = rows.with_columns(text=values)
    return rows.select(REJECTED.names())


def hours(rows: pl.DataFrame) -> pl.DataFrame:
    """Bars that start at `time` inside an hour as bars of that hour, keyed by `asof_s`, with `line`."""
    asof_s = ((pl.col("time").cast(pl.Int64) // HOUR_S + 1) * HOUR_S).alias("asof_s")
    return combine(rows.with_columns(asof_s))


def combine(parts: pl.DataFrame) -> pl.DataFrame:
    """One bar for all parts of the same `asof_s`: first open, highest high, lowest low, last close, sums."""
    uncounted = pl.col("trades").is_null().any()
    return parts.group_by("asof_s", maintain_order=True).agg(
        pl.col("line").first(),
        pl.col("open").first(),
        pl.col("high").max(),
        pl.col("low").min(),
        pl.col("close").last(),
        pl.col("volume").sum(),
        pl.when(uncounted).then(None).otherwise(pl.col("trades").sum()).alias("trades"),
    )


def parsed(parts: Iterable[pl.DataFrame], bad: Iterable[pl.DataFrame]) -> Parsed:
    """Hours from the partial hours of all blocks; a file without one good row is a `DataError`."""
    faults = pl.concat([pl.DataFrame(schema=REJECTED), *(rejected(rows) for rows in bad)])
    usable = [part for part in parts if part.height]
    if not usable:
        what = "it is empty" if faults.is_empty() else "line {}: {}".format(*faults.row(0)[:2])
        raise DataError(f"no usable row ({what})")
    hourly = combine(pl.concat(usable))
    asof = pl.from_epoch("asof_s", time_unit="s").dt.replace_time_zone("UTC").alias("asof")
    bars = hourly.with_columns(asof, pl.col("volume").round(VOLUME_DECIMALS))
    return Parsed(bars.cast({name: SCHEMA[name] for name in SCHEMA}).select(*SCHEMA, "line"), faults)
