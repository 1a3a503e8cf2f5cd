"""Which instruments may be entered: decided at 00:00 from bars at or before that asof, held for the day.

1. The answer of a day reads `LOOKBACK_H` rows ending at its midnight and nothing else, so the live window of
   2,184 hours gives the answer of a batch over years, at any hour of the day.
2. Age is a bar at asof - 90 days: the window cannot see further back. A coin whose venue was shut at that
   very hour waits a day; relisted coins start anew.
3. Hysteresis without memory: a coin is in while it ranks within `names_leave` by notional and has ranked
   within `names_enter` on some day of the last `names_memory_d`, among the coins that pass everything else
   today.
4. The spread of bars is an estimate: Abdi and Ranaldo's 2017 covariance of the close with the two mid-ranges
   around it, not truncated (truncation is what biases its level), averaged over 30 days with the inverse
   square of each day's mean squared range as weight, because its error grows with the variance of the day. On
   30 liquid pairs of 2020 to 2024 the median estimate was 8 bp and a coin was refused on 6 % of days by
   error; early Kraken bitcoin, truly wide, on 36 %. It errs toward staying out; the live book has the last
   word.
"""

from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trading.clock import DAY_H
from trading.daily import Rows, day_rows, day_sum, earlier
from trading.market import Flags, Floats, Grid

BP = 10_000.0
ALIVE_H_MIN = 12
"""A coin with fewer traded hours of the last 24 is halted or gone; a pause of the venue is neither."""
PAIRS_MIN = 20
"""Traded pairs of hours that a day needs to speak about the spread, 5/6 as for every window."""
CELLS_AT_ONCE = 1 << 16
"""Hours times instruments whose spreads are worked on together: a window at once, years one by one."""
RANGE_FLOOR = 1e-6
"""Smallest mean squared range of a day, (10 bp)^2: a flat day may not outweigh the month."""


class Reason(IntEnum):
    """Why an instrument is out; the first that applies, in this order."""

    ELIGIBLE = 0
    NOT_LISTED = 1
    EXCLUDED = 2
    STALE = 3
    TOO_YOUNG = 4
    VOLUME = 5
    SPREAD = 6
    RANK = 7


class Exclusion(NamedTuple):
    """One entry of a reviewed list."""

    base: str
    kind: str
    """stablecoin, wrapped, tokenised or meme; by what the coin says it is, never by how it did."""
    first: int
    """Asof hour from which it counts."""


UniverseLists = tuple[Exclusion, ...]


class UniverseRules(NamedTuple):
    """Thresholds of the universe, from `config/universe.json`."""

    age_d: int
    window_d: int
    """Days of the notional and spread windows."""
    notional_usd_min: float
    """Median notional a day, quote currency taken as dollars."""
    spread_bp_max: float
    names_max: int
    names_enter: int
    names_leave: int
    names_memory_d: int


class Universe(NamedTuple):
    """Eligibility by hour and the reason by day."""

    eligible: Flags
    """(hours, instruments); False before the first midnight of the grid."""
    day_first: int
    """Asof hour of the first row of the arrays below."""
    reason: NDArray[np.int8]
    """`Reason` codes, (days, instruments)."""
    notional: Floats
    """Median daily notional of the window, scaled, quote currency; (days, instruments)."""
    spread_bp: Floats
    """Estimated spread; NaN where too few hours are known; (days, instruments)."""


def lookback_h(rules: UniverseRules) -> int:
    """Rows ending at a midnight that decide its answer."""
    return max(rules.age_d * DAY_H + 1, (rules.window_d + rules.names_memory_d) * DAY_H + 1)


def eligibility(grid: Grid, lists: UniverseLists, rules: UniverseRules, volume_scale: float) -> Universe:
    """The universe of every day of the grid.

    `volume_scale` turns the data venue's volume into the trading venue's (1 when they are the same).
    """
    rows = day_rows(grid.first, grid.hours)
    day_first = grid.first + (int(rows[0]) if rows.size else -grid.first % DAY_H)
    notional = window_median(day_sum(grid.close * grid.volume, rows) * volume_scale, rules.window_d)
    columns = [_spread_bp(grid, block, rows, rules.window_d) for block in _blocks(grid)]
    spread = np.concatenate(columns, axis=1) if columns else np.full(notional.shape, np.nan)
    reason = np.full(notional.shape, Reason.ELIGIBLE, dtype=np.int8)
    checks = _failures(grid, rows, notional, spread, lists, rules)
    for code, failed in reversed(checks):
        reason[failed] = code
    pool = reason == Reason.ELIGIBLE
    reason[pool & ~_ranked(notional, pool, rules)] = Reason.RANK
    eligible = np.zeros(grid.close.shape, dtype=bool)
    if rows.size:
        held = np.repeat(reason == Reason.ELIGIBLE, DAY_H, axis=0)
        eligible[rows[0] :] = held[: grid.hours - rows[0]]
    return Universe(eligible, day_first, reason, notional, spread)


def window_median(values: Floats, days: int) -> Floats:
    """Median of the last `days` rows, NaN before there are as many; an even count averages the middle two."""
    median = np.full(values.shape, np.nan)
    for day in range(days - 1, values.shape[0]):
        ordered = np.sort(values[day - days + 1 : day + 1], axis=0)
        median[day] = (ordered[(days - 1) // 2] + ordered[days // 2]) * 0.5
    return median


def _failures(
    grid: Grid, rows: Rows, notional: Floats, spread: Floats, lists: UniverseLists, rules: UniverseRules
) -> list[tuple[Reason, Flags]]:
    """What each day and instrument fails, strongest reason first; (days, instruments) each."""
    traded = day_sum((grid.valid & ~grid.stale).astype(np.float64), rows)
    # The window may end in silence: a coin is listed as long as any bar of the window is known.
    seen = np.zeros(traded.shape)
    for back in range(rules.window_d):
        seen += np.nan_to_num(earlier(traded, back))
    old = np.nan_to_num(earlier(grid.valid[rows].astype(np.float64), rules.age_d)) > 0
    return [
        (Reason.NOT_LISTED, seen == 0),
        (Reason.EXCLUDED, _excluded(grid, rows, lists)),
        (Reason.STALE, traded < ALIVE_H_MIN),
        (Reason.TOO_YOUNG, ~old),
        (Reason.VOLUME, ~(notional >= rules.notional_usd_min)),
        (Reason.SPREAD, ~(spread <= rules.spread_bp_max)),
    ]


def _excluded(grid: Grid, rows: Rows, lists: UniverseLists) -> Flags:
    """True where a list names the base asset from that asof or before."""
    asof = grid.first + rows
    excluded = np.zeros((rows.size, len(grid.instruments)), dtype=bool)
    for a, instrument in enumerate(grid.instruments):
        base = instrument.split("/")[0]
        for entry in lists:
            if entry.base == base:
                excluded[:, a] |= asof >= entry.first
    return excluded


def _blocks(grid: Grid) -> list[slice]:
    """The instruments, divided for speed alone."""
    width = max(CELLS_AT_ONCE // max(grid.hours, 1), 1)
    return [slice(a, a + width) for a in range(0, len(grid.instruments), width)]


def _spread_bp(grid: Grid, block: slice, rows: Rows, window_d: int) -> Floats:
    """Spread estimate of some instruments, basis points, (days, instruments); see point 4 above."""
    close, high, low = grid.close[:, block], grid.high[:, block], grid.low[:, block]
    middle = (high + low) * 0.5
    traded = ~grid.stale[:, block] & ~np.isnan(close)
    squared, ranges = np.full(close.shape, np.nan), np.full(close.shape, np.nan)
    before, now = slice(None, -1), slice(1, None)
    gap = (close[before] - middle[before]) * (close[before] - middle[now])
    pair = traded[before] & traded[now]
    squared[now] = np.where(pair, 4.0 * gap / (close[before] * close[before]), np.nan)
    span = (high[now] - low[now]) / close[before]
    ranges[now] = np.where(pair, span * span, np.nan)
    count = day_sum((~np.isnan(squared)).astype(np.float64), rows)
    usable = count >= PAIRS_MIN
    pairs = np.maximum(count, PAIRS_MIN)
    variance = np.fmax(day_sum(ranges, rows) / pairs, RANGE_FLOOR)
    weight = np.where(usable, 1.0 / (variance * variance), 0.0)
    value = weight * day_sum(squared, rows) / pairs
    total, weights, known = np.zeros(weight.shape), np.zeros(weight.shape), np.zeros(weight.shape)
    for back in range(window_d):
        total += np.nan_to_num(earlier(value, back))
        weights += np.nan_to_num(earlier(weight, back))
        known += np.nan_to_num(earlier(usable.astype(np.float64), back))
    enough = 6 * known >= 5 * window_d
    mean = np.divide(total, weights, out=np.zeros_like(total), where=enough)
    return np.where(enough, BP * np.sqrt(np.fmax(mean, 0.0)), np.nan)


def _ranked(notional: Floats, pool: Flags, rules: UniverseRules) -> Flags:
    """True for at most `names_max` coins of the pool a day, by the rule of point 3 above."""
    days, assets = notional.shape
    chosen = np.zeros((days, assets), dtype=bool)
    # In a window most days come before anybody is old enough.
    for day in np.flatnonzero(pool.any(axis=1)):
        past = notional[max(day - rules.names_memory_d, 0) : day + 1]
        ranks = _ranks(np.where(pool[day] & ~np.isnan(past), past, -np.inf))
        stays = (ranks[-1] <= rules.names_leave) & (ranks <= rules.names_enter).any(axis=0) & pool[day]
        order = np.argsort(np.where(stays, ranks[-1], np.inf), kind="stable")
        chosen[day, order[: rules.names_max]] = True
        chosen[day] &= stays
    return chosen


def _ranks(size: Floats) -> NDArray[np.int64]:
    """Rank of each column within its row, 1 for the largest; ties go to the earlier column."""
    order = np.argsort(-size, axis=1, kind="stable")
    ranks = np.empty(size.shape, dtype=np.int64)
    np.put_along_axis(ranks, order, np.arange(1, size.shape[1] + 1)[None, :], axis=1)
    return ranks
