"""Windows of a small market: candles of few prices and volumes, damaged in every way that a rule speaks of,
under thresholds that some instrument meets exactly.

Short windows under short rules for what is judged hour by hour and day by day; long ones for the policies.
"""

import math
import random
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from adapters.candles import HourCandle, finished_hours
from adapters.feed import WINDOW_H
from adapters.reconstruction.rebuild import Listing
from adapters.reconstruction.stages import Content
from config import trading
from trading.clock import DAY_H, HOUR_S, TradingHour
from trading.codes import WARMING
from trading.config import DataVenue
from trading.errors import DataError
from trading.grid import CARRY_H, dense
from trading.instruments import Instrument
from trading.live.again import market_again, view_again
from trading.live.sight import (
    Lateness,
    MarketRules,
    Sight,
    advice_of,
    dump_grid,
    keep_to_listing,
    lacks_history,
)
from trading.models.protocol import Predictions
from trading.money import PPM
from trading.policies.benchmarks import POLICIES, POSITIONS_MAX
from trading.quality import PRICE_MAX, SPIKE, VOLUME_MAX
from trading.universe import Exclusion, UniverseRules, eligibility

MIDNIGHT = 480_000
NAMES = ("ADA/USD", "BTC/USD", "ETH/USD", "SOL/USD", "TIE/USD", "USDT/USD")
MANY = (*NAMES[:4], *(f"X{n}/USD" for n in range(POSITIONS_MAX - 2)))
"""More than a portfolio may hold."""
SHORT_H, LONG_H = 14 * DAY_H, WINDOW_H
EXECUTION = trading.load().execution


class Window(NamedTuple):
    """What one hour's market stages are made of."""

    hour: TradingHour
    hours: int
    candles: dict[str, list[HourCandle]]
    silent: frozenset[int]
    """Hours that the bars tell with no volume, as some sources tell an hour without a trade."""
    doubled: bool
    """The bars of one instrument tell an hour twice, which is refused."""
    rules: MarketRules
    listing: Listing
    fetched: datetime
    policies: tuple[str, ...]
    predictions: Predictions | None


def outcome_of_window(case: Window) -> str:
    """Digests of what a proof compares: window, features, predictions; or that the bars are refused."""
    try:
        grid = dense("kraken", _frames(case), case.hour.number - case.hours + 1, case.hour.number)
    except DataError as error:
        return str(error)
    scene, lateness = market_again(grid, case.rules, case.hour), Lateness.of(case.hour, case.fetched)
    view = view_again(scene, case.hour, case.rules.execution, lateness, case.predictions)
    if lacks_history(grid):
        view.market.refused |= WARMING
    keep_to_listing(view, grid.instruments, case.listing, 30.0)
    advice = {name: advice_of(name, scene, case.hour) for name in case.policies}
    return (
        Content.of(dump_grid(grid)).digest
        + Content.of(Sight(grid.instruments, view, "", advice).dump()).digest
    )


def _frames(case: Window) -> dict[str, Any]:
    """As a proof makes them: one candle an hour, in order."""
    told = {
        name: finished_hours(rows, rows[-1].time + HOUR_S).bars for name, rows in case.candles.items() if rows
    }
    quiet = [TradingHour(number).asof for number in case.silent]
    volume = pl.when(pl.col("asof").is_in(quiet)).then(0.0).otherwise(pl.col("volume"))
    frames = {name: bars.with_columns(volume=volume) for name, bars in told.items()}
    if case.doubled:
        frames["BTC/USD"] = pl.concat([frames["BTC/USD"], frames["BTC/USD"][-1:]])
    return frames


def windows(short: int, long: int, walks: int, seed: int) -> list[Window]:
    """The first windows of a seed."""
    draw = random.Random(seed)
    some = [_short(draw) for _ in range(short)] + [_long(draw) for _ in range(long)]
    return some + [_walk(draw) for _ in range(walks)]


def _short(draw: random.Random) -> Window:
    hour = TradingHour(MIDNIGHT + draw.choice((0, 0, 1, 12, 23)))
    names = NAMES[: draw.choice((2, 3, 4, 6))]
    instruments = {name: Instrument(name, draw.choice((100_000_000, 10_000_000)), 2, 1, 0) for name in names}
    prices = draw.choice(((1.0, 4.0, 20.0, 100.0), (4.0,)))
    candles = {name: _damaged(draw, _candles(draw, hour, draw.choice(prices))) for name in names}
    listed = (Exclusion("USDT", "stablecoin", draw.choice((0, MIDNIGHT, MIDNIGHT + 1, MIDNIGHT - 24))),)
    rules = MarketRules(
        instruments, DataVenue("USD", draw.choice((1.0, 0.5)), False), listed, _rules(draw), EXECUTION
    )
    fetched = hour.asof + draw.choice((*[timedelta(seconds=20)] * 8, *LATE))
    listing = {
        n: {
            "status": draw.choice(("online", "online", "post_only")),
            "spread": draw.choice((1.0, 30.0, 31.0)),
        }
        for n in names
        if draw.random() < 0.1
    }
    hours = draw.choice((SHORT_H, *[rules.universe.window_d * DAY_H] * 2, 3 * DAY_H))
    silent = frozenset(hour.number - draw.randrange(hours) for _ in range(draw.choice((0, 0, 0, 1, 2))))
    said = _predictions(draw, hour, len(names))
    case = Window(hour, max(hours, 50), candles, silent, False, rules, listing, fetched, (), said)
    return case._replace(rules=_met(draw, case), doubled=draw.random() < 0.02)


LATE = (
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(minutes=10, seconds=1),
    timedelta(hours=1),
    timedelta(seconds=3_599),
)


def _rules(draw: random.Random) -> UniverseRules:
    return UniverseRules(
        age_d=draw.choice((2, 8)),
        window_d=draw.choice((2, 3, 6, 7)),
        notional_usd_min=0.0,
        spread_bp_max=1e9,
        names_max=draw.choice((1, 2, 6)),
        names_enter=draw.choice((1, 2, 3)),
        names_leave=draw.choice((2, 3, 6)),
        names_memory_d=draw.choice((1, 2)),
    )


def _met(draw: random.Random, case: Window) -> MarketRules:
    """Thresholds that one instrument meets to the last bit, or misses by it."""
    grid = dense("kraken", _frames(case), case.hour.number - case.hours + 1, case.hour.number)
    found = eligibility(grid, (), case.rules.universe, case.rules.venue.volume_scale)
    notional, spread = draw.choice(found.notional[-1].tolist()), draw.choice(found.spread_bp[-1].tolist())
    rules = case.rules.universe
    if draw.random() < 0.5 and not math.isnan(notional):
        rules = rules._replace(notional_usd_min=draw.choice((notional, math.nextafter(notional, math.inf))))
    if draw.random() < 0.3 and not math.isnan(spread):
        rules = rules._replace(
            spread_bp_max=draw.choice((spread, math.nextafter(spread, 0.0), spread / 1.005))
        )
    return case.rules._replace(universe=rules)


def _predictions(draw: random.Random, hour: TradingHour, count: int) -> Predictions | None:
    """Two hours of them that begin so that the hour is the last, the first, or just outside."""
    if draw.random() < 0.5:
        return None
    first = hour.number - draw.choice((-1, 0, 0, 1, 1, 2))
    table = np.arange(2.0 * count).reshape(2, count) / 16.0
    row = np.array([0.25, 0.5])
    whole = np.zeros(2, dtype=np.int64)
    veto = table.astype(np.int64)
    return Predictions(
        first, table, table, table, table, table, table, table, row, row, veto, whole, "release-1"
    )


def _candles(draw: random.Random, hour: TradingHour, price: float) -> list[HourCandle]:
    """Days with as many traded hours as some rule counts to, and a last day with gaps of few hours."""
    rows: list[HourCandle] = []
    born = draw.choice(
        (*[-CARRY_H - 1] * 6, SHORT_H - 2 * DAY_H, SHORT_H - 8 * DAY_H, SHORT_H - 3 * DAY_H - 1)
    )
    calm, slow = draw.random() < 0.2, draw.random() < 0.3
    ended = draw.choice((*[0] * 12, *GONE))
    silent: set[int] = set()
    small, busy = False, 1.0
    whole, beyond = draw.random() < 0.2, draw.choice((0, 0, 2))
    for n in range(-CARRY_H - 1, SHORT_H + beyond):
        asof = hour.number - SHORT_H + 1 + n
        if (asof - 1) % DAY_H == 0 or n == -CARRY_H - 1:
            silent = set() if whole else _silence(draw, last=asof > hour.number - DAY_H)
            if whole and 0 <= hour.number - asof - DAY_H + 1 < DAY_H:
                silent = set(draw.sample(range(24), draw.choice((11, 12, 13))))
            small, busy = slow and draw.random() < 0.5, draw.choice((1.0, 1.0, 2.0, 8.0))
        if n < born or (asof - 1) % DAY_H in silent or 0 <= hour.number - asof < ended:
            continue
        step = price / (4096 if small else 32)
        closed = price if calm else max(price + draw.choice((-1, 0, 0, 1)) * step, 0.25)
        wick = 1.0 if small or calm else draw.choice((1.0, 1.0625))
        high, low = max(price, closed) * wick, min(price, closed)
        volume = busy * draw.choice((1.0, 2.0, 4.0, 4.5))
        rows.append(
            HourCandle((asof - 1) * HOUR_S, price, high, low, closed, volume, draw.choice((None, 0, 1, 5)))
        )
        price = closed
    return rows


GONE = (CARRY_H + 22, CARRY_H + 23, CARRY_H + 24)
"""Hours of silence at the end after which two, one and none of the last day are still known."""


def _silence(draw: random.Random, *, last: bool) -> set[int]:
    """Hours of a day without a trade: runs and scattered ones."""
    if draw.random() < (0.4 if last else 0.7):
        return set()
    if draw.random() < 0.5:
        begin, length = draw.randrange(24), draw.choice((1, 1, 2, 2, 3, 5, 6, 7, 8, 11, 12, 13, 24))
        return set(range(begin, min(begin + length, 24)))
    return set(draw.sample(range(24), draw.choice((1, 2, 2, 3, 3, 11, 12, 13))))


def _damaged(draw: random.Random, rows: list[HourCandle]) -> list[HourCandle]:
    """The candles with faults in some of them, each at or beside its bound."""
    rows = list(rows)
    for _ in range(draw.choice((0, 0, 0, 1, 2, 4))):
        if len(rows) > 3:
            n = draw.choice((1, len(rows) - 2, draw.randrange(1, len(rows) - 1)))
            rows[n] = draw.choice(FAULTS)(draw, rows[n - 1 : n + 2])
            if draw.random() < 0.2:
                # Some sources tell an hour without a trade as one that repeats the close.
                rows[n + 1] = rows[n]._replace(time=rows[n + 1].time, volume=0.0)
    return rows


def _spike(draw: random.Random, rows: list[HourCandle]) -> HourCandle:
    """A price as many times its neighbours' as is believed, or a little more."""
    before, row, after = rows
    ends = (before.close, after.close)
    level = draw.choice((max(ends) * SPIKE, min(ends) * SPIKE, max(ends) / SPIKE, min(ends) / SPIKE))
    level = draw.choice(
        (level, math.nextafter(level, math.inf), math.nextafter(level, 0.0), level * 1.005, level / 1.005)
    )
    return row._replace(open=level, high=level, low=level, close=level)


def _sized(draw: random.Random, rows: list[HourCandle]) -> HourCandle:
    """Absurd volumes and prices, at their bounds."""
    row = rows[1]
    bounds = (0.0, -1.0, -0.0, VOLUME_MAX, math.nextafter(VOLUME_MAX, math.inf), VOLUME_MAX * 1.005, 0.5)
    absurd = (PRICE_MAX, math.nextafter(PRICE_MAX, math.inf), PRICE_MAX * 1.005)
    price = draw.choice((*absurd, 0.0, -1.0, 0.25, 1e-9))
    one = draw.choice(("open", "high", "low", "close", "all"))
    if draw.random() < 0.5:
        return row._replace(volume=draw.choice(bounds))
    fields = ("open", "high", "low", "close") if one == "all" else (one,)
    priced: dict[str, Any] = dict.fromkeys(fields, price)
    return row._replace(**priced)


def _torn(draw: random.Random, rows: list[HourCandle]) -> HourCandle:
    """No numbers, stamps off the hour, counts below zero, prices that contradict each other."""
    row = rows[1]
    return draw.choice(
        (
            row._replace(close=math.nan),
            row._replace(volume=math.inf),
            row._replace(open=math.nan),
            row._replace(time=row.time + draw.choice((1, 60, 1_800))),
            row._replace(trades=draw.choice((-1, 0, 1))),
            row._replace(high=row.low, low=row.high),
            row._replace(high=row.close),
            row._replace(low=row.open),
            row._replace(high=row.open, low=row.open),
            row._replace(open=row.high + 1.0),
            row._replace(close=max(row.low - 0.125, 0.1)),
        )
    )


FAULTS = (_spike, _spike, _spike, _sized, _sized, _torn, _torn)


def _long(draw: random.Random) -> Window:
    """A whole window of days at few prices, so that means, channels and votes are met exactly."""
    hour = TradingHour(MIDNIGHT + draw.choice((0, 0, 0, 1, 23)) + draw.choice((0, *FIRSTS)))
    names = draw.choice((*[NAMES[:2], NAMES[:4]] * 6, MANY))
    instruments = {name: Instrument(name, 10_000_000, 2, 1, 0) for name in names}
    flat = draw.random() < 0.2
    candles = {name: _days(draw, hour, flat=flat) for name in names}
    rules = UniverseRules(2, 2, 0.0, 1e9, len(MANY), len(MANY), len(MANY), 1)
    reviewed = MarketRules(instruments, DataVenue("USD", 1.0, False), (), rules, EXECUTION)
    return Window(hour, LONG_H, candles, frozenset(), False, reviewed, {}, hour.asof, POLICIES, None)


FIRSTS = tuple(n for n in range(0, 60 * DAY_H, DAY_H) if TradingHour(MIDNIGHT + n).asof.day == 1)
"""To the firsts of a month, on which a basket is renewed."""


def _days(draw: random.Random, hour: TradingHour, *, flat: bool) -> list[HourCandle]:
    """One price a day, some days without any trade, as many as leave a mean known and one more."""
    since, level, rows = hour.number - LONG_H + 1, draw.choice((8.0, 10.0)), []
    span = draw.choice((7, 14, 20, 20, 30, 50, *[60, 120] * 4, 90, 100))
    begin = draw.choice((0, 1))
    absent = _absent(draw, range(begin, span + begin), draw.choice((0, *[span // 6] * 2, span // 6 + 1)))
    balanced = _balanced(draw) if draw.random() < 0.3 else {}
    missing_h = draw.choice((0, 0, 0, DAY_H, DAY_H + 1))
    volume = draw.choice((1.0, 2.0))
    trend, wide = draw.choice((0, 0, 1, -1)), draw.random() < 0.5
    for n in range(LONG_H):
        asof = since + n
        age = (hour.number - asof) // DAY_H
        if asof % DAY_H == 1 and not flat:
            level = max(level + draw.choice((-1, 0, 0, 1, trend)) * draw.choice((0.5, 1.0)), 2.0)
        level = balanced.get(age, level)
        if age in absent or n < missing_h:
            continue
        reach = draw.choice((0.5, 1.0, 1.5)) if asof % DAY_H in (5, 0) and wide else 0.0
        top, bottom = level + reach, level - reach
        rows.append(HourCandle((asof - 1) * HOUR_S, level, top, bottom, level, volume, 1))
    return rows


def _absent(draw: random.Random, days: range, count: int) -> set[int]:
    """So many days without a trade, scattered; or in a row, and one more that a candle before still tells."""
    if draw.random() < 0.5 or not count:
        return set(draw.sample(days, count))
    newest = draw.choice(days[: len(days) - count])
    return set(range(newest, newest + count + 1))


def _balanced(draw: random.Random) -> dict[int, float]:
    """Prices by age, such that today's is the mean of fifty days and above that of a month ago."""
    apart = draw.sample([age for age in range(1, 50) if age != 30], 31)
    levels = dict.fromkeys(range(50), 10.0) | dict.fromkeys(apart[:16], 11.0)
    return levels | dict.fromkeys((30, *apart[16:]), 9.0)


def _walk(draw: random.Random) -> Window:
    """Coins that follow bitcoin, until the beta of one is rounded by a hair."""
    hour, names = TradingHour(MIDNIGHT), NAMES[:4]
    instruments = {name: Instrument(name, 10_000_000, 2, 1, 0) for name in names}
    rules = MarketRules(
        instruments, DataVenue("USD", 1.0, False), (), UniverseRules(2, 2, 0.0, 1e9, 6, 6, 6, 1), EXECUTION
    )
    while True:
        moves = [draw.gauss(0.0, 0.01) for _ in range(WALK_H)]
        candles = {name: _followed(draw, hour, moves) for name in names}
        case = Window(hour, WALK_H, candles, frozenset(), False, rules, {}, hour.asof, (), None)
        grid = dense("kraken", _frames(case), hour.number - WALK_H + 1, hour.number)
        beyond = market_again(grid, rules, hour).structure.beta[-1] * PPM % 1.0
        if ((beyond > HAIR) & (beyond < 0.5)).any():
            return case


WALK_H = 33 * DAY_H
HAIR = 0.4955
"""A beta is rounded up from a half on; a hundredth of a half less than that is changed code's half."""


def _followed(draw: random.Random, hour: TradingHour, moves: list[float]) -> list[HourCandle]:
    price, share, rows = 100.0, draw.choice((0.5, 1.0, 1.5)), []
    for n, move in enumerate(moves):
        closed = price * (1.0 + share * move + draw.gauss(0.0, 0.005))
        at = (hour.number - len(moves) + n) * HOUR_S
        rows.append(HourCandle(at, price, max(price, closed), min(price, closed), closed, 2.0, 1))
        price = closed
    return rows
