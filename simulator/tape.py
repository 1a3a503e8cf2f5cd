"""What the simulator plays: bars hour by hour, and what a decision before each bar could see.

Between two hours only four prints are known of a bar: its open at the hour, its low and high just before
minute 55, its close at minute 55. All that is public (trades, candles, ticker, book) comes from the prints
up to now.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from trading.backtest.inputs import Scene, blocks
from trading.backtest.matching import Bar
from trading.clock import HOUR_S
from trading.config import ExecutionRules
from trading.instruments import Instrument
from trading.portfolio import Reading

SECOND_NS = 1_000_000_000
HOUR_NS = HOUR_S * SECOND_NS
FIRST_EVENT_NS = 120 * SECOND_NS
"""Orders of a decision are in place this long after its asof; then the bar is played."""
CLOSE_NS = 55 * 60 * SECOND_NS
"""From here on the close is the price of the bar."""
LOW_NS, HIGH_NS = CLOSE_NS - 2 * SECOND_NS, CLOSE_NS - SECOND_NS
PRINTS = 4


class Print(NamedTuple):
    """One public trade."""

    time_ns: int
    ticks: int
    lots: int
    number: int


class Tape(NamedTuple):
    """Row i of `bars` closed at hour first + i, row i of `readings` was known then; (hours, instruments)."""

    instruments: tuple[Instrument, ...]
    first: int
    readings: NDArray[Any]
    bars: NDArray[Any]

    @property
    def last(self) -> int:
        """The asof of the last row."""
        return self.first + len(self.bars) - 1

    def bar(self, hour: int, a: int) -> Bar:
        """The bar that closes at `hour`."""
        return Bar(*self.bars[hour - self.first, a].item())

    def reading(self, hour: int, a: int) -> Reading:
        """What was known at `hour`."""
        return Reading(*self.readings[hour - self.first, a].item())

    def prints(self, hour: int, a: int) -> tuple[Print, ...]:
        """The prints of the bar that closes at `hour`, volumes summing to the bar's; none without a trade."""
        bar, start, number = self.bar(hour, a), (hour - 1) * HOUR_NS, hour * PRINTS
        if bar.traded == 0:
            return ()
        quarter, rest = divmod(bar.volume, PRINTS)
        return (
            Print(start, bar.open, quarter + rest, number),
            Print(start + LOW_NS, bar.low, quarter, number + 1),
            Print(start + HIGH_NS, bar.high, quarter, number + 2),
            Print(start + CLOSE_NS, bar.close, quarter, number + 3),
        )


def record(market: Scene, first: int, last: int, rules: ExecutionRules) -> Tape:
    """The tape of asof hours first..last of a market."""
    parts = list(blocks(market, first, last, rules))
    readings = [np.asarray(part.readings) for part in parts]
    bars = [np.asarray(part.bars) for part in parts]
    # Every block but the first repeats the last row of the one before.
    return Tape(
        tuple(market.instruments),
        first,
        np.concatenate([rows[1 if i else 0 :] for i, rows in enumerate(readings)]),
        np.concatenate([rows[1 if i else 0 :] for i, rows in enumerate(bars)]),
    )
