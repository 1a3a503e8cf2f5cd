"""Features of a grid, in one go, block by block, or hour by hour: always the same call on the same kept
arrays.

- `compute` gives the rows of a grid from `first` on; with `first` the last row it is one live hour from
  raw bars.
- `blocks` gives the same rows in pieces, so that memory does not grow with the length of the grid.
- `Live` keeps the derived series between hours.

1. A row depends on the LOOKBACK bars that end at it, on the eligibility at its hour, and on nothing else.
2. It has the same bits from all three, compiled or not, on every CPU (`docs/adr/0004-day-blocks.md`).
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from trading.clock import DAY_H
from trading.compiled import compiled
from trading.errors import DataError, UsageError
from trading.features.day_blocks import DAY, HIGHEST, LOWEST, WILDER
from trading.features.hours import enter, fill, forget
from trading.features.library import FEATURES, INDEX, INSTRUMENT_FEATURES, LOOKBACK, MARKET_FEATURES
from trading.features.order import MEDIAN_H
from trading.features.parts import made_of, parts
from trading.features.series import CHANNELS, HIGH, LOW, SERIES, TRADED
from trading.market import Flags, Floats, Grid

HISTORY_H = LOOKBACK
"""Rows of history that the buffers hold: whole days."""
SLACK_H = 90 * DAY_H
"""Rows that a batch enters between two moves of the buffers, each of which copies a month of them."""
CHUNK_H = 10 * DAY_H
"""Rows computed by one call: whole days, and few enough that their columns stay in the CPU's cache."""


class Panel(NamedTuple):
    """Columns of features over the rows first..first+rows-1 of a grid."""

    names: tuple[str, ...]
    """Columns with a value for each instrument."""
    first: int
    """Row of the grid (not of the panel) that the values begin with."""
    values: Floats
    """(len(names), rows, instruments)."""
    market_names: tuple[str, ...]
    """Columns with one value an hour."""
    market: Floats
    """(len(market_names), rows)."""

    def column(self, name: str) -> Floats:
        """One column as (rows, instruments); a market column is the same for every instrument."""
        if name in self.names:
            each: Floats = self.values[self.names.index(name)]
            return each
        if name in self.market_names:
            hourly = self.market[self.market_names.index(name)]
            wide: Floats = np.broadcast_to(hourly[:, None], self.values.shape[1:])
            return wide
        raise UsageError(f"no column {name!r}; `ballast features list` names them")


class Live:
    """The derived series of the last 91 days, kept between hours; made anew from bars it has the same
    bits.
    """

    def __init__(
        self,
        instruments: tuple[str, ...],
        columns: Sequence[str] | None = None,
        *,
        slack_h: int = 8 * DAY_H,
        compile: bool = True,
    ) -> None:
        """No history yet. `slack_h`: rows entered between two moves of the buffers, whole days."""
        assets, rows = len(instruments), HISTORY_H + DAY_H + slack_h
        self.names, self.market_names = _split(columns)
        self._instruments = instruments
        self._chunk_h = min(CHUNK_H, slack_h)
        self._btc = _bitcoin(instruments)
        computed = made_of(self.names + self.market_names)
        self._wanted = np.array([feature.name in computed for feature in FEATURES])
        self._parts = parts(computed)
        self._needed = self._parts[1:].any(axis=0)
        self._columns = np.array([INDEX[name] for name in self.names], dtype=np.int64)
        self._market = np.array(
            [INDEX[n] - len(INSTRUMENT_FEATURES) for n in self.market_names], dtype=np.int64
        )
        self._kept = np.full((assets, SERIES, rows), np.nan)
        self._kept[:, HIGH], self._kept[:, LOW], self._kept[:, TRADED] = -np.inf, np.inf, 0.0
        self._sums = np.zeros((assets, CHANNELS, rows))
        self._days = np.zeros((assets, rows // DAY_H, DAY))
        self._days[:, :, HIGHEST], self._days[:, :, LOWEST], self._days[:, :, WILDER] = (
            -np.inf,
            np.inf,
            np.nan,
        )
        self._windows = np.empty((assets, 2, MEDIAN_H))
        self._counts = np.zeros((assets, 2), dtype=np.int64)
        # Kept, since memory fresh from the system costs as much as the columns.
        self._scratch = np.empty(assets * len(INSTRUMENT_FEATURES) * CHUNK_H)
        self._sorted_asof: int | None = None
        self._base: int | None = None
        self._row = 0
        self._enter: Callable[..., None] = compiled(enter) if compile else enter
        self._forget: Callable[..., None] = compiled(forget) if compile else forget
        self._fill: Callable[..., None] = compiled(fill) if compile else fill

    def enter(self, bars: Grid) -> None:
        """Add the bars that follow those already entered; bars out of turn are a `UsageError`."""
        if self._base is None:
            self._base = bars.first - bars.first % DAY_H - HISTORY_H
            self._row = bars.first - self._base
        if bars.first != self._base + self._row or bars.instruments != self._instruments:
            raise UsageError(f"bars from hour {bars.first} do not follow hour {self._base + self._row - 1}")
        for start, stop in _chunks(bars.first, bars.last + 1, self._chunk_h):
            self._make_room(stop - start)
            piece = bars.rows(start, stop)
            arrays = [_plain(x) for x in (piece.high, piece.low, piece.close, piece.volume)]
            stale = _plain(piece.stale, np.bool_)
            self._enter(
                *arrays,
                stale,
                self._row,
                self._btc,
                self._wanted,
                self._needed,
                self._kept,
                self._sums,
                self._days,
            )
            self._row += stop - start

    def fill(self, eligible: Flags, at: int, values: Floats, market: Floats) -> None:
        """Compute the newest len(eligible) hours and write them at rows `at`.. of the results."""
        assert self._base is not None
        first = self._row - len(eligible)
        warm = self._sorted_asof == self._base + first - 1
        self._fill(
            first,
            self._row,
            self._btc,
            self._wanted,
            self._parts,
            warm,
            self._kept,
            self._sums,
            self._days,
            self._windows,
            self._counts,
            self._scratch,
            _plain(eligible, np.bool_),
            self._columns,
            self._market,
            at,
            values,
            market,
        )
        self._sorted_asof = self._base + self._row - 1

    def hour(self, bar: Grid, eligible: Flags) -> Panel:
        """Enter one hour's bars and compute its row; eligible (1, instruments)."""
        self.enter(bar)
        panel = self.empty(0, 1)
        self.fill(eligible, 0, panel.values, panel.market)
        return panel

    def empty(self, first: int, rows: int) -> Panel:
        """A panel to be filled."""
        values = np.empty((len(self.names), rows, len(self._instruments)))
        return Panel(self.names, first, values, self.market_names, np.empty((len(self.market_names), rows)))

    def _make_room(self, rows: int) -> None:
        """Move the last 91 days and today to the front when the buffers are full."""
        if self._row + rows <= self._kept.shape[2]:
            return
        assert self._base is not None
        gone = self._row // DAY_H - HISTORY_H // DAY_H
        self._forget(gone, self._row, self._kept, self._sums, self._days)
        self._base += gone * DAY_H
        self._row -= gone * DAY_H


def compute(
    grid: Grid,
    eligible: Flags,
    first: int = 0,
    columns: Sequence[str] | None = None,
    *,
    compile: bool = True,
) -> Panel:
    """Rows first.. of the chosen columns (all of them by default); eligible has the shape of the grid.

    Hours before the grid count as unknown, so the first LOOKBACK - 1 rows know less than the others.
    """
    return next(blocks(grid, eligible, grid.hours - first, first, columns, compile=compile))


def blocks(
    grid: Grid,
    eligible: Flags,
    rows_per_block: int,
    first: int = 0,
    columns: Sequence[str] | None = None,
    *,
    compile: bool = True,
) -> Iterator[Panel]:
    """The rows of `compute` in panels of at most `rows_per_block` rows, bit for bit."""
    slack_h = min(SLACK_H, -(-(grid.hours - first) // DAY_H) * DAY_H + DAY_H)
    live = Live(grid.instruments, columns, slack_h=max(slack_h, CHUNK_H), compile=compile)
    warm_up = max(0, first - LOOKBACK + 1)
    if warm_up < first:
        live.enter(grid.rows(grid.first + warm_up, grid.first + first))
    for start in range(first, grid.hours, rows_per_block):
        stop = min(start + rows_per_block, grid.hours)
        panel = live.empty(start, stop - start)
        for low, high in _chunks(grid.first + start, grid.first + stop, CHUNK_H):
            i, j = low - grid.first, high - grid.first
            live.enter(grid.rows(low, high))
            live.fill(eligible[i:j], i - start, panel.values, panel.market)
        yield panel


def _chunks(start: int, stop: int, length: int) -> Iterator[tuple[int, int]]:
    """Cut the hours start..stop-1 where `length` divides."""
    while start < stop:
        end = min(stop, start - start % length + length)
        yield start, end
        start = end


def _bitcoin(instruments: tuple[str, ...]) -> int:
    """The column of bitcoin; a grid without it is a `DataError`."""
    for i, name in enumerate(instruments):
        if name.startswith("BTC/"):
            return i
    raise DataError("features are measured against bitcoin, and no instrument is named BTC/...")


def _plain(array: NDArray[Any], dtype: type = np.float64) -> NDArray[Any]:
    """The array as the kernels are compiled for: contiguous and writable. Copied only if it is not."""
    return np.require(array, dtype, ["C", "W"])


def _split(columns: Sequence[str] | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The chosen names in library order, apart by instrument and market."""
    wanted = {feature.name for feature in FEATURES} if columns is None else set(columns)
    if unknown := wanted - INDEX.keys():
        raise UsageError(f"no column {sorted(unknown)[0]!r}; `ballast features list` names them")
    instrument = tuple(feature.name for feature in INSTRUMENT_FEATURES if feature.name in wanted)
    return instrument, tuple(feature.name for feature in MARKET_FEATURES if feature.name in wanted)
