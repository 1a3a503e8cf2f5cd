"""Markets in which it is known what can be known: none at all, or momentum that was planted.

Hours are drawn from real ones in blocks of a day, all coins together, so that volatility comes in clusters
and coins move together as they do. Each hour then keeps or turns its sign by a fair coin: its direction is
independent of everything before it, and nothing drifts.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trading.clock import DAY_H
from trading.errors import DataError
from trading.features.library import LOOKBACK
from trading.market import Floats, Grid
from trading.models.history import History
from trading.models.labels import HORIZONS_H, labels
from trading.models.serving import recent
from trading.models.splits import month_of, month_start
from trading.models.stacking import HOLD_H
from trading.quality import usability
from trading.universe import Universe

COINS_MAX = 6
MONTHS = 3
"""Months of rows in a window: two to learn from, one to be asked about."""
SETTLED_H = HOLD_H + 2


class Moves(NamedTuple):
    """Hours as they happened; (hours, instruments)."""

    returns: Floats
    """Log return from close to close."""
    above: Floats
    """High over the greater of open and close."""
    below: Floats
    """Low over the smaller."""
    volume: Floats
    starts: NDArray[np.int64]
    """Rows at which a whole day of traded hours begins."""


def window(grid: Grid) -> Grid:
    """The newest months of bitcoin and the coins that trade most; a shorter grid is a `DataError`."""
    month = month_of(grid.last - SETTLED_H) - MONTHS
    first, end = month_start(month) - LOOKBACK + 1, month_start(month + MONTHS) + SETTLED_H
    if first < grid.first:
        raise DataError(f"the leakage suite needs {LOOKBACK} hours and {MONTHS + 1} months of bars")
    part = grid.rows(first, min(end, grid.last + 1))
    traded = (part.valid & ~part.stale).sum(axis=0)
    traded[part.btc] = part.hours + 1
    chosen = np.sort(np.argsort(-traded, kind="stable")[:COINS_MAX])
    arrays = {
        name: getattr(part, name)[:, chosen] for name in ("open", "high", "low", "close", "volume", "stale")
    }
    return part._replace(instruments=tuple(part.instruments[a] for a in chosen), **arrays)


def moves(grid: Grid) -> Moves:
    """The hours of a grid that worlds are drawn from."""
    returns = np.full(grid.close.shape, np.nan)
    returns[1:] = np.log(grid.close[1:] / grid.close[:-1])
    body = np.maximum(grid.open, grid.close), np.minimum(grid.open, grid.close)
    good = np.isfinite(returns).all(axis=1) & ~grid.stale.any(axis=1)
    run = np.convolve(good, np.ones(DAY_H), "valid")
    starts = np.flatnonzero(run == DAY_H)
    if starts.size < 10 * DAY_H:
        raise DataError("too few whole days in which every coin traded to draw a world from")
    return Moves(returns, grid.high / body[0], grid.low / body[1], grid.volume, starts)


def world(like: Grid, of: Moves, seed: int, momentum: float = 0.0) -> Grid:
    """A market of the same hours and coins; each moves on by `momentum` of the day's mean hour."""
    random = np.random.default_rng(seed)
    blocks = random.choice(of.starts, -(-like.hours // DAY_H))
    drawn = (blocks[:, None] + np.arange(DAY_H)).ravel()[: like.hours]
    returns = of.returns[drawn] * random.choice([-1.0, 1.0], (like.hours, 1))
    if momentum:
        for t in range(DAY_H, like.hours):
            returns[t] += momentum * returns[t - DAY_H : t].mean(axis=0)
    close = 100.0 * np.exp(np.cumsum(returns, axis=0))
    opens = np.vstack((np.full((1, close.shape[1]), 100.0), close[:-1]))
    high, low = np.maximum(opens, close) * of.above[drawn], np.minimum(opens, close) * of.below[drawn]
    quiet = np.zeros(close.shape, dtype=bool)
    return like._replace(open=opens, high=high, low=low, close=close, volume=of.volume[drawn], stale=quiet)


def seen(grid: Grid) -> History:
    """The rows of a grid with features and labels; every coin with a price is eligible."""
    days = -(-grid.hours // DAY_H)
    nothing = np.zeros((days, len(grid.instruments)))
    universe = Universe(grid.valid, grid.first, nothing.astype(np.int8), nothing, nothing)
    unusable, _ = usability(grid)
    history = recent(grid, universe, unusable, grid.hours - LOOKBACK + 1)
    sigma = np.full(grid.close.shape, np.nan)
    sigma[LOOKBACK - 1 :] = history.sigma_24
    *labelled, hold = labels(grid, (*HORIZONS_H, HOLD_H), sigma)
    return history._replace(
        returns=np.stack([label.returns[LOOKBACK - 1 :] for label in labelled], axis=2),
        scaled=np.stack([label.scaled[LOOKBACK - 1 :] for label in labelled], axis=2),
        held=hold.returns[LOOKBACK - 1 :],
    )
