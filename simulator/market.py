"""Public prices at venue time: what has printed so far, the touch, candles. Nothing here has a say in
matching.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from simulator.catalogue import Pair
from simulator.exchange import Exchange
from simulator.tape import CLOSE_NS, FIRST_EVENT_NS, HIGH_NS, HOUR_NS, LOW_NS, SECOND_NS, Print
from trading.money import half_up

CANDLES = 720
MINUTE_NS = 60 * SECOND_NS


class Candle(NamedTuple):
    """One interval; prices in ticks, volume in lots, `turnover` in ticks times lots."""

    time_s: int
    open: int
    high: int
    low: int
    close: int
    turnover: int
    volume: int
    trades: int

    @property
    def vwap(self) -> int:
        """Ticks; 0 without a trade."""
        return half_up(self.turnover, self.volume) if self.volume else 0


class MarketData:
    """Derived from the tape and the time alone; remembers what it derived."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self._prints: dict[tuple[int, int], tuple[Print, ...]] = {}
        self._folded: dict[tuple[int, int, int], tuple[Candle, ...]] = {}
        """Candles of at most an hour, by hour, pair and length, of hours that are over."""

    @property
    def now_ns(self) -> int:
        """The time that prices are shown for: venue time, unless they are frozen."""
        now_ns = self.exchange.now_ns
        frozen = self.exchange.faults.state("frozen", None, now_ns)
        return int(frozen.args["at_s"] * SECOND_NS) if frozen else now_ns

    def moment(self) -> int:
        """A number that rises whenever something public may have changed, seconds aside."""
        hour, into = divmod(self.now_ns, HOUR_NS)
        passed = sum(into >= mark for mark in (FIRST_EVENT_NS, LOW_NS, HIGH_NS, CLOSE_NS))
        return hour * 5 + passed

    def column(self, pair: Pair) -> int | None:
        return self.exchange.column.get(pair.name)

    def reference(self, a: int) -> int:
        """The price that a market order is measured against, ticks; 0 where none is known."""
        scenery = self.exchange.scenery(a, self.now_ns)
        if scenery.bar.traded:
            return scenery.bar.open
        return self.exchange.forced_price(a, self.now_ns) or scenery.reading.close

    def touch(self, a: int) -> tuple[int, int]:
        """Bid and ask in ticks, half the estimated spread around the reference price; zeros without one."""
        price, spread = self.reference(a), self.exchange.scenery(a, self.now_ns).reading.spread
        if price == 0:
            return 0, 0
        ask = int(price * (1.0 + 0.5 * spread)) + 1 if spread > 0.0 else price + 1
        return max(1, 2 * price - ask), ask

    def status(self, pair: Pair) -> str:
        """online, cancel_only for a pair without a price, reduce_only for one that fell silent; a mode of
        the venue or pair goes first.
        """
        mode, a = self.exchange.mode(pair), self.column(pair)
        if mode != "online":
            return mode
        if a is not None and self.exchange.forced_price(a, self.now_ns):
            return "reduce_only"
        return "online" if a is not None and self.reference(a) else "cancel_only"

    def prints(self, a: int, after_ns: int) -> Iterator[Print]:
        """Public trades after a time and up to now, oldest first."""
        now = self.now_ns
        for hour in self._hours(after_ns):
            for each in self._printed(hour, a):
                if after_ns < each.time_ns <= now:
                    yield each

    def _hours(self, after_ns: int) -> range:
        """Hours, by their ends, in which something may have printed after a time and up to now."""
        first = max(after_ns // HOUR_NS + 1, self.exchange.tape.first)
        return range(first, min(self.now_ns // HOUR_NS + 1, self.exchange.tape.last) + 1)

    def _printed(self, hour: int, a: int) -> tuple[Print, ...]:
        known = self._prints.get((hour, a))
        if known is None:
            known = self._prints[hour, a] = self.exchange.tape.prints(hour, a)
        return known

    def has_traded(self, a: int) -> bool:
        """Lately: within what candles show."""
        return any(True for _ in self.prints(a, self.now_ns - CANDLES * HOUR_NS))

    def candles(self, a: int, minutes: int) -> list[Candle]:
        """Up to 720 finished candles and the running one; an interval without a trade repeats the close."""
        step = minutes * MINUTE_NS
        running = self.now_ns // step * step
        first = running - CANDLES * step
        filled: dict[int, Candle] = {}
        for piece in self._pieces(a, min(step, HOUR_NS), first - 24 * HOUR_NS):
            start = piece.time_s * SECOND_NS // step * step
            old = filled.get(start)
            filled[start] = _joined(old, piece) if old else piece._replace(time_s=start // SECOND_NS)
        if not filled:
            return []
        rows, start = [], max(first, min(filled))
        close = next((filled[key].close for key in sorted(filled, reverse=True) if key <= start), 0)
        for at in range(start, running + 1, step):
            row = filled.get(at) or Candle(at // SECOND_NS, close, close, close, close, 0, 0, 0)
            close = row.close
            rows.append(row)
        return rows

    def _pieces(self, a: int, step: int, since_ns: int) -> Iterator[Candle]:
        """Candles of `step`, at most an hour, that have traded since a time; a past hour is folded once."""
        for hour in self._hours(since_ns - 1):
            is_over = hour * HOUR_NS <= self.now_ns
            pieces = self._folded.get((hour, a, step)) if is_over else None
            if pieces is None:
                pieces = _folded((p for p in self._printed(hour, a) if p.time_ns <= self.now_ns), step)
                if is_over:
                    self._folded[hour, a, step] = pieces
            yield from (piece for piece in pieces if piece.time_s * SECOND_NS >= since_ns)

    def day(self, a: int, since_ns: int) -> Candle | None:
        """All prints after a time as one candle."""
        total: Candle | None = None
        for each in self.prints(a, since_ns):
            total = _extended(total, each) if total else _opened(since_ns, each)
        return total


def _folded(prints: Iterable[Print], step: int) -> tuple[Candle, ...]:
    filled: dict[int, Candle] = {}
    for each in prints:
        start = each.time_ns // step * step
        old = filled.get(start)
        filled[start] = _extended(old, each) if old else _opened(start, each)
    return tuple(filled.values())


def _joined(candle: Candle, later: Candle) -> Candle:
    return Candle(
        candle.time_s,
        candle.open,
        max(candle.high, later.high),
        min(candle.low, later.low),
        later.close,
        candle.turnover + later.turnover,
        candle.volume + later.volume,
        candle.trades + later.trades,
    )


def _opened(start_ns: int, first: Print) -> Candle:
    ticks, lots = first.ticks, first.lots
    return Candle(start_ns // SECOND_NS, ticks, ticks, ticks, ticks, ticks * lots, lots, 1)


def _extended(candle: Candle, each: Print) -> Candle:
    return Candle(
        candle.time_s,
        candle.open,
        max(candle.high, each.ticks),
        min(candle.low, each.ticks),
        each.ticks,
        candle.turnover + each.ticks * each.lots,
        candle.volume + each.lots,
        candle.trades + 1,
    )
