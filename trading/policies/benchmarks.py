"""The benchmark policies B0 to B5 as daily signals: what an honest, simple rule would want at each midnight.

Signals are functions of a window and nothing else. What a rule must remember (what is held, the peak since
entry, which channels are on) lives in `PortfolioState` and is applied by the decision step; so the live hour,
which sees `LOOKBACK_H[name]` hours, gets the same signals as a batch over years. Rules and figures:
Zarattini, Pagani and Barbon 2025 for the channels, Detzel et al. 2021 for the means; fixed beforehand, never
tuned.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trading.clock import DAY_H, TradingHour
from trading.daily import Rows, day_extremes, day_rows, day_sum, window_extremes, window_mean
from trading.errors import UsageError
from trading.market import Flags, Floats, Grid
from trading.policies.indicators import above_mean, change, volatility, votes

HOLD_WEIGHT, TREND, CHANNEL = 0, 1, 2

LOOKBACK_H = {"cash": 24, "btc": 24, "basket": 720, "trend-a": 1_200, "trend-b": 2_904, "trend-vote": 2_400}
"""Hours ending at a midnight that decide its signals, in whole days."""
POLICIES = tuple(LOOKBACK_H)

EXPOSURE = 0.20
POSITION = 0.02
POSITIONS_MAX = 10
CHANNELS_D = (20, 60, 120)
VOTES_ENTER, VOTES_LEAVE, VOTES_BTC = 7, 3, 4
VOLATILITY_REFERENCE = 0.04
"""Daily volatility at which a position has its plain size."""
PEAK_LOSS = 0.15

Marks = NDArray[np.int8]


class Signals(NamedTuple):
    """Daily signals of one policy; arrays are (days, instruments), row i at asof `day_first + 24 * i`."""

    kind: int
    """HOLD_WEIGHT trades toward `weight`, TREND enters and leaves, CHANNEL holds weight * systems on / 3."""
    portfolio_rules_only: bool
    """Only exposure, positions, drawdown and halt apply; no cluster, beta, cost or single-name rule."""
    day_first: int
    enter: Marks
    """1 = may be bought now."""
    leave: Marks
    """1 = is sold now, if held."""
    weight: Floats
    """Wanted share of equity, of all channels together for CHANNEL."""
    rank: Floats
    """Higher is bought first; ties go to the earlier instrument."""
    stop: Floats
    """Protective stop below the entry limit, a fraction of it; 0 = none."""
    trail: Floats
    """Sold when the close is below (1 - trail) * peak since entry; 0 = none."""
    rebalance: Marks
    """1 = a holding off its weight by more than the band is traded back to it now."""
    channel_up: Marks
    """Bit i set: the close broke the high of the CHANNELS_D[i] days before, system i turns on."""
    channel_down: Marks
    """Bit i set: the close is under the middle of that channel, system i turns off."""


class Days(NamedTuple):
    """What the policies read: daily values (D, A) of a grid."""

    first: int
    rows: Rows
    close: Floats
    eligible: Flags


def signals(name: str, grid: Grid, eligible: Flags) -> Signals:
    """The signals of the policy `name` at every midnight of the grid; an unknown name is a `UsageError`.

    `eligible` is the universe, bool (hours, instruments). Days with less than `LOOKBACK_H[name]` hours before
    them are still warming up: what a short window cannot tell counts against an entry.
    """
    rows = day_rows(grid.first, grid.hours)
    first = grid.first + (int(rows[0]) if rows.size else -grid.first % DAY_H)
    days = Days(first, rows, grid.close[rows], eligible[rows])
    match name:
        case "cash":
            return _nothing(days, HOLD_WEIGHT, portfolio_rules_only=False)
        case "btc":
            return _btc(days, grid.btc)
        case "basket":
            return _basket(days, grid)
        case "trend-a":
            return _trend_a(days)
        case "trend-b":
            return _trend_b(days, grid)
        case "trend-vote":
            return _trend_vote(days, grid.btc)
    raise UsageError(f"there is no policy {name!r}; choose one of {', '.join(POLICIES)}")


def _nothing(days: Days, kind: int, *, portfolio_rules_only: bool) -> Signals:
    """Signals that never act: the policy `cash`, and what the others fill in."""
    zero = np.zeros(days.close.shape)
    none = np.zeros(days.close.shape, dtype=np.int8)
    return Signals(
        kind, portfolio_rules_only, days.first, none, none, zero, zero, zero, zero, none, none, none
    )


def _btc(days: Days, btc: int) -> Signals:
    """B1: a constant share in bitcoin, looked at daily, whatever the universe says of bitcoin."""
    plain = _nothing(days, HOLD_WEIGHT, portfolio_rules_only=True)
    weight, act = np.zeros_like(days.close), np.zeros_like(plain.enter)
    weight[:, btc] = EXPOSURE
    act[:, btc] = ~np.isnan(days.close[:, btc])
    return plain._replace(enter=act, weight=weight, rebalance=act)


def _basket(days: Days, grid: Grid) -> Signals:
    """B2: equal shares of the ten eligible coins with most notional, renewed on the first day of a month.

    Ten, because no portfolio may hold more: a longer basket would be cut to ten names at a smaller exposure.
    """
    notional = window_mean(day_sum(grid.close * grid.volume, days.rows), 30)
    known = days.eligible & ~np.isnan(notional)
    size = np.where(known, notional, -1.0)
    order = np.argsort(-size, axis=1, kind="stable")
    chosen = np.zeros(size.shape, dtype=bool)
    np.put_along_axis(chosen, order[:, :POSITIONS_MAX], True, axis=1)
    chosen &= known
    count = np.maximum(chosen.sum(axis=1, keepdims=True), 1)
    opens = np.array(
        [TradingHour(days.first + DAY_H * i).asof.day == 1 for i in range(days.rows.size)], dtype=bool
    )
    act = opens[:, None] & ~np.isnan(days.close)
    return _nothing(days, HOLD_WEIGHT, portfolio_rules_only=True)._replace(
        enter=_marks(act & chosen),
        leave=_marks(act & ~chosen),
        weight=np.where(chosen, EXPOSURE / count, 0.0),
        rank=size,
        rebalance=_marks(act & chosen),
    )


def _trend_a(days: Days) -> Signals:
    """B3: held while the close is above its 50-day mean and the 30-day return is positive."""
    month = change(days.close, 30)
    rising = above_mean(days.close, 50) & (month > 0)
    return _nothing(days, TREND, portfolio_rules_only=False)._replace(
        enter=_marks(rising & days.eligible),
        leave=_marks(~rising & ~np.isnan(days.close)),
        weight=np.full_like(days.close, POSITION),
        rank=np.nan_to_num(month, nan=-1.0),
    )


def _trend_b(days: Days, grid: Grid) -> Signals:
    """B4: three breakout systems on bitcoin, each on above its channel and off below the channel's middle."""
    plain = _nothing(days, CHANNEL, portfolio_rules_only=True)
    one = slice(grid.btc, grid.btc + 1)
    close = days.close[:, one]
    high, low = day_extremes(grid.high[:, one], grid.low[:, one], days.rows)
    up, down = np.zeros(close.shape, dtype=np.int8), np.zeros(close.shape, dtype=np.int8)
    for bit, length in enumerate(CHANNELS_D):
        top, bottom = window_extremes(high, low, length)
        up |= _marks(close > top) << bit
        down |= _marks(close < (top + bottom) * 0.5) << bit
    weight, rises, falls = np.zeros_like(days.close), np.zeros_like(plain.enter), np.zeros_like(plain.enter)
    weight[:, one], rises[:, one], falls[:, one] = EXPOSURE, up, down
    return plain._replace(weight=weight, enter=_marks(rises > 0), channel_up=rises, channel_down=falls)


def _trend_vote(days: Days, btc: int) -> Signals:
    """B5: eight trend votes; bought at seven while bitcoin has four, sold at three or 15 % off its peak."""
    count = votes(days.close)
    daily = volatility(days.close, 30)
    known = daily > 0
    safe = np.where(known, daily, 1.0)
    buy = days.eligible & known & (count >= VOTES_ENTER) & (count[:, btc : btc + 1] >= VOTES_BTC)
    scale = np.fmin(np.fmax(VOLATILITY_REFERENCE / safe, 0.5), 1.5)
    return _nothing(days, TREND, portfolio_rules_only=False)._replace(
        enter=_marks(buy),
        leave=_marks((count <= VOTES_LEAVE) & ~np.isnan(days.close)),
        weight=np.where(known, POSITION * scale, 0.0),
        rank=np.nan_to_num(change(days.close, 30) / safe, nan=-1.0),
        stop=np.full_like(days.close, PEAK_LOSS),
        trail=np.full_like(days.close, PEAK_LOSS),
    )


def _marks(flags: Flags) -> Marks:
    return flags.astype(np.int8)
