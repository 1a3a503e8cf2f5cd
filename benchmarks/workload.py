"""The seeded market that Ballast and its peers trade: 20 instruments, 26,280 hours, scores made beforehand.

Needs NumPy alone, because the peers run it in environments of their own. A regime (calm, normal, storm) sets
the volatility of one market factor; each instrument follows it with its beta and adds heavy-tailed noise, in
steps of five minutes, so that highs and lows are honest. The score mixes slow noise with a little of the
return to come: fuel for a benchmark, no trading result. Warm-up hours come first, for windows that look back.

The rules below are what every contestant is asked to trade, as far as it can express them: enter the best
scores above `ENTER`, leave below `EXIT`, after `HOLD_H`, at the stop or at the target; at most `POSITIONS` of
`SIZE` of equity each within `EXPOSURE`; drawdown tiers that halve the size, stop entries and flatten. A
decision is made at the close and filled from the next open on.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np

HOURS, WARM_UP_H = 26_280, 122 * 24
FIRST = 455_832
"""asof 2022-01-01 00:00 UTC in hours since the epoch: the first decision. The warm-up lies before it."""
STEPS = 12
"""Five-minute steps of an hour."""

CASH = 100_000.0
ENTER, EXIT = 1.75, -1.0
STOP, TARGET, HOLD_H = 0.05, 0.10, 48
POSITIONS, SIZE, EXPOSURE = 10, 0.02, 0.20
FEE, SLIPPAGE = 0.004, 0.001
DRAWDOWNS = (0.10, 0.20, 0.30)

PRICES = {
    **{
        "BTC": 30_000,
        "ETH": 2_000,
        "SOL": 60,
        "XRP": 0.6,
        "ADA": 0.8,
        "LINK": 14,
        "LTC": 90,
        "DOT": 12,
        "AVAX": 30,
    },
    **{
        "BCH": 250,
        "ATOM": 15,
        "XLM": 0.2,
        "UNI": 9,
        "ETC": 25,
        "XTZ": 2.5,
        "NEAR": 6,
        "ALGO": 0.6,
        "FIL": 15,
    },
    **{
        "ZEC": 80,
        "COMP": 110,
        "AAVE": 120,
        "APT": 8,
        "ARB": 1.2,
        "BNB": 300,
        "DASH": 60,
        "GRT": 0.3,
        "ICP": 12,
    },
    **{"INJ": 8, "LDO": 2, "MANA": 1},
}
"""Price of each base at the start of the warm-up."""
BASES = tuple(PRICES)
ASSETS = 20

# Rows: from calm, normal, storm; mean stays of ten days, five days and one day.
STAY = np.array(
    [[239 / 240, 0.8 / 240, 0.2 / 240], [0.7 / 120, 119 / 120, 0.3 / 120], [0.2 / 24, 0.8 / 24, 23 / 24]]
)
YEARLY_VOLATILITY = np.array([0.35, 0.65, 1.6])
YEARLY_DRIFT = np.array([0.10, -0.10, -1.0])
YEAR_STEPS = 365 * 24 * STEPS
ORACLE_H, ORACLE, NOISE_H = 24, 0.07, 36
"""The score knows this share of the return over the next hours; its noise fades over `NOISE_H`."""


class Workload(NamedTuple):
    """Arrays of (hours, instruments); row 0 closed `WARM_UP_H` hours before `FIRST`."""

    open: np.ndarray
    high: np.ndarray
    low: np.ndarray
    close: np.ndarray
    volume: np.ndarray
    score: np.ndarray

    def traded(self) -> "Workload":
        """The hours that are traded, without the warm-up: what the peers are given."""
        return Workload(*(values[WARM_UP_H:] for values in self))


def make(assets: int = ASSETS, hours: int = HOURS, seed: int = 7) -> Workload:
    """The market of the first `assets` bases over the warm-up and `hours`; same arguments, same bytes."""
    random = np.random.default_rng(seed)
    rows = WARM_UP_H + hours
    regime = regimes(random, rows)
    step = YEARLY_VOLATILITY[regime] / np.sqrt(YEAR_STEPS)
    drift = YEARLY_DRIFT[regime] / YEAR_STEPS
    factor = random.standard_t(5, (rows, STEPS)) * np.sqrt(3 / 5) * step[:, None] + drift[:, None]
    panel = Workload(*(np.empty((rows, assets)) for _ in Workload._fields))
    for a in range(assets):
        beta, own = (1.0, 0.15) if a == 0 else (random.uniform(0.6, 1.6), random.uniform(0.5, 1.1))
        start = PRICES[BASES[a]]
        noise = random.standard_t(4, (rows, STEPS)) * np.sqrt(1 / 2) * (own * step)[:, None]
        path = start * np.exp(np.cumsum(beta * factor + noise)).reshape(rows, STEPS)
        opening = np.concatenate([[start], path[:-1, -1]])
        panel.open[:, a], panel.close[:, a] = opening, path[:, -1]
        panel.high[:, a] = np.maximum(path.max(axis=1), opening)
        panel.low[:, a] = np.minimum(path.min(axis=1), opening)
        move = np.abs(np.log(path[:, -1] / opening))
        panel.volume[:, a] = random.lognormal(0, 0.5, rows) * (1 + 40 * move) * 5e6 / opening
    panel.score[:] = scores(random, panel.close)
    return panel


def regimes(random: np.random.Generator, rows: int) -> np.ndarray:
    """A Markov chain over calm, normal and storm, one state an hour."""
    bounds, draws = STAY.cumsum(axis=1), random.random(rows)
    state, path = 1, np.empty(rows, dtype=np.int64)
    for t in range(rows):
        state = min(int(np.searchsorted(bounds[state], draws[t])), 2)
        path[t] = state
    return path


def scores(random: np.random.Generator, close: np.ndarray) -> np.ndarray:
    """Slow noise with a weak view of the next day, scaled to a deviation of one for each instrument."""
    ahead = np.zeros(close.shape)
    ahead[:-ORACLE_H] = np.log(close[ORACLE_H:] / close[:-ORACLE_H])
    noise, smooth = random.standard_normal(close.shape), np.empty(close.shape)
    level, share = np.zeros(close.shape[1]), 2 / (NOISE_H + 1)
    for t in range(len(noise)):
        level = (1 - share) * level + share * noise[t]
        smooth[t] = level
    mixed = ORACLE * ahead / ahead.std(axis=0) + (1 - ORACLE) * smooth / smooth.std(axis=0)
    return mixed / mixed.std(axis=0)


def times(hours: int, first: int = FIRST) -> np.ndarray:
    """Opening times of the bars that closed at first, first + 1, ..., as datetime64[ms]."""
    return (np.arange(first - 1, first - 1 + hours) * 3_600_000).astype("datetime64[ms]")


def save(folder: Path, panel: Workload) -> None:
    for name, values in panel._asdict().items():
        np.save(folder / f"{name}.npy", values)


def load(folder: Path) -> Workload:
    return Workload(*(np.load(folder / f"{name}.npy") for name in Workload._fields))


def parameter_sets(count: int = 64) -> list[tuple[float, float]]:
    """Pairs of (enter, leave) around the workload's own."""
    return [(ENTER - 0.005 * k, EXIT + 0.005 * k) for k in range(count)]
