"""Kraken's time and sales: `PAIR.csv`, a row for every trade, in the two layouts that Kraken publishes.

The complete history has no header and three columns: unix time in seconds (UTC), price, volume. The quarterly
files have a header and seven: price, volume, time, side, order type, a remark and the trade's number. An hour
holds the trades from its start to just before the next; built so, the bars equal Kraken's own.
"""

from typing import BinaryIO

import polars as pl

from adapters.importing.rows import Parsed, blocks, fields, hours, last_stamp, parsed
from trading.grid import PRICES
from trading.quality import judge_trades

NUMBER = pl.Float64()
COMPLETE: dict[str, pl.DataType] = {"time": NUMBER, "price": NUMBER, "volume": NUMBER}
QUARTERLY: dict[str, pl.DataType] = {
    "price": NUMBER,
    "volume": NUMBER,
    "time": NUMBER,
    "side": pl.String(),
    "order_type": pl.String(),
    "remark": pl.String(),
    "trade": pl.String(),
}
PRICE_AS_BAR = [pl.col("price").alias(name) for name in PRICES]
QUARTERLY_HEADER = "price,volume,time"


def read(stream: BinaryIO, now_s: int) -> Parsed:
    """Hours rebuilt from single trades."""
    parts, bad, after_s = [], [], -1.0
    columns = COMPLETE
    for lines in blocks(stream):
        if lines["line"][0] == 1 and lines["text"][0].lower().startswith(QUARTERLY_HEADER):
            columns, lines = QUARTERLY, lines[1:]
        good, faulty = judge_trades(fields(lines, columns), now_s, after_s)
        parts.append(hours(good.with_columns(*PRICE_AS_BAR, trades=pl.lit(1, pl.Int64))))
        bad.append(faulty)
        after_s = last_stamp(good, after_s)
    return parsed(parts, bad)
