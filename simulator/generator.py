"""A seeded market: hourly bars of well-known names that behave like the real thing and belong to nobody.

One market factor with regimes (calm, normal, storm; rising, flat, falling) and crashes drives every
instrument through its beta; volume follows moves; thin names have hours without a trade; the exchange halts
now and then for all; with three or more instruments the last one lists inside the span, and the one before it
collapses and is delisted.

The bytes are the same on every machine: random draws are uniform (integers of PCG64 scaled by a power of
two), and the rest is + - * / and square roots of arrays, element by element, which IEEE 754 fixes to the bit.
No exp, no log, no sum whose order is left to the library. `docs/data.md` shows the figures of the default
market.
"""

from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.random import PCG64, Generator

from config.instruments import grid_for
from trading.clock import HOUR_S
from trading.errors import UsageError
from trading.grid import CARRY_H
from trading.instruments import UNITS
from trading.market import Flags, Floats
from trading.quality import SCHEMA

VENUE = "generated"


class Character(NamedTuple):
    """How an instrument behaves."""

    name: str
    price: float
    """Quote units at the start."""
    beta: float
    """Move for a move of the market."""
    volatility: float
    """Standard deviation of its own hourly return, as a fraction."""
    turnover: float
    """Quote units traded in a normal hour."""


CHARACTERS = (
    Character("BTC/USD", 9_400.0, 1.00, 0.0015, 6e6),
    Character("ETH/USD", 240.0, 1.15, 0.0040, 4e6),
    Character("XRP/USD", 0.26, 1.05, 0.0060, 1.5e6),
    Character("SOL/USD", 18.0, 1.35, 0.0080, 1.2e6),
    Character("ADA/USD", 0.14, 1.20, 0.0060, 8e5),
    Character("LINK/USD", 4.6, 1.20, 0.0070, 5e5),
    Character("LTC/USD", 45.0, 1.05, 0.0050, 4e5),
    Character("DOT/USD", 5.2, 1.25, 0.0070, 3.5e5),
    Character("AVAX/USD", 8.0, 1.35, 0.0080, 2.5e5),
    Character("BCH/USD", 230.0, 1.10, 0.0060, 1.8e5),
    Character("ATOM/USD", 4.1, 1.20, 0.0070, 1.2e5),
    Character("XLM/USD", 0.09, 1.05, 0.0060, 9e4),
    Character("UNI/USD", 6.0, 1.25, 0.0080, 7e4),
    Character("ETC/USD", 6.5, 1.15, 0.0070, 5e4),
    Character("XTZ/USD", 2.4, 1.10, 0.0070, 4e4),
    Character("NEAR/USD", 3.0, 1.35, 0.0090, 3e4),
    Character("ALGO/USD", 0.30, 1.20, 0.0080, 2.5e4),
    Character("FIL/USD", 12.0, 1.25, 0.0090, 2e4),
    Character("ZEC/USD", 60.0, 1.05, 0.0080, 1.5e4),
    Character("COMP/USD", 110.0, 1.25, 0.0090, 1e4),
)

MARKET_VOLATILITY = 0.0050
"""Standard deviation of the market's hourly return in a normal regime."""
STORM = 3.0
REGIMES = (0.5, 1.0, 1.0, 2.2)
"""Volatility multiples of calm, normal (twice as common) and stormy weeks; `STORM` follows a crash."""
DRIFTS = (0.00030, 0.00010, 0.0, -0.00020)
"""Drift of an hour, equally likely; chosen apart from the volatility."""
CRASH_EVERY_H = 5_000
AFTERSHOCK_H = 150
HALT_EVERY_H = 4_000
COLLAPSE_H = 48
COLLAPSE = 0.025
"""What a coin about to be delisted loses in each of its last hours, as a fraction."""
THIN_TURNOVER = 3e5
QUIET_CHANCE = 0.02
"""The share of hours without a trade, for an instrument that turns over far less than `THIN_TURNOVER`."""
MEAN_TRADE = 2_500.0
"""Quote units."""


def generate(seed: int, hours: int, instruments: int, first: int) -> dict[str, pl.DataFrame]:
    """Bars in the bar schema for the asof hours first..first+hours-1 of the first `instruments` characters.

    At least 48 hours and 1 to 20 instruments, otherwise a `UsageError`. An hour without a trade has no row.
    """
    if not 1 <= instruments <= len(CHARACTERS) or hours < COLLAPSE_H:
        raise UsageError(
            f"a generated market has 1 to {len(CHARACTERS)} instruments and at least {COLLAPSE_H} hours"
        )
    random = Generator(PCG64(seed))
    market, level = _market(random, hours)
    open_hours = ~_halts(random, hours)
    asof = pl.from_epoch(pl.Series("asof", np.arange(first, first + hours) * HOUR_S), time_unit="s")
    bars = {}
    for i, character in enumerate(CHARACTERS[:instruments]):
        lives = np.zeros(hours, dtype=np.bool_)
        ends = instruments > 2 and i == instruments - 2
        starts = instruments > 2 and i == instruments - 1
        stop = hours * 7 // 10 if ends else hours
        lives[hours * 3 // 10 if starts else 0 : stop] = True
        move = _moves(random, character, market, level)
        if ends:
            move[max(0, stop - COLLAPSE_H) : stop] -= COLLAPSE
        columns = _columns(random, character, move, level)
        traded = lives & open_hours & ~_quiet(random, character, hours)
        bars[character.name] = pl.DataFrame({"asof": asof} | columns).cast(SCHEMA).filter(traded)
    return bars


def _market(random: Generator, hours: int) -> tuple[Floats, Floats]:
    """The market's hourly return and its volatility multiple, regime by regime, with crashes."""
    drift, level = np.zeros(hours), np.ones(hours)
    hour = 0
    while hour < hours:
        length = int(random.integers(100, 1_200))
        level[hour : hour + length] = REGIMES[random.integers(len(REGIMES))]
        drift[hour : hour + length] = DRIFTS[random.integers(len(DRIFTS))]
        hour += length
    for _ in range(hours // CRASH_EVERY_H):
        start, length = int(random.integers(hours)), int(random.integers(2, 8))
        depth = 0.10 + 0.20 * random.random()
        drift[start : start + length] = -depth / length
        level[start : start + AFTERSHOCK_H] = STORM
    return drift + level * MARKET_VOLATILITY * _heavy(random, hours), level


def _halts(random: Generator, hours: int) -> Flags:
    """Hours in which the exchange stood still: one halt longer than a carried gap, the others short."""
    halted = np.zeros(hours, dtype=np.bool_)
    start = int(random.integers(hours))
    halted[start : start + CARRY_H + 3] = True
    for _ in range(hours // HALT_EVERY_H):
        start = int(random.integers(hours))
        halted[start : start + int(random.integers(1, 5))] = True
    return halted


def _moves(random: Generator, character: Character, market: Floats, level: Floats) -> Floats:
    """Hourly returns: beta times the market, plus the instrument's own."""
    sigma = np.sqrt(_variance(character)) * level
    own = character.volatility * level * _heavy(random, len(market))
    # Half the variance is added back, so that the middle path neither rises nor falls by itself.
    moves: Floats = np.clip(character.beta * market + own + sigma * sigma / 2, -0.6, 0.6)
    return moves


def _columns(random: Generator, character: Character, move: Floats, level: Floats) -> dict[str, Floats]:
    """Prices on the instrument's tick, volume in base units to 1e-8 and a count of trades, for every hour."""
    hours = len(move)
    sigma = np.sqrt(_variance(character)) * level
    close = character.price * np.cumprod(1 + move)
    before = np.concatenate(([character.price], close[:-1]))
    opening = before * (1 + 0.1 * sigma * (random.random(hours) - 0.5))
    reach_up, reach_down = random.random(hours), random.random(hours)
    high = np.maximum(opening, close) * (1 + sigma * reach_up * reach_up)
    low = np.minimum(opening, close) * (1 - np.minimum(0.5, sigma * reach_down * reach_down))
    turnover = character.turnover * level * (0.2 + random.random(hours) + 0.6 * np.abs(move) / sigma)
    tick_e8 = grid_for(character.name).tick_e8
    prices = {"open": opening, "high": high, "low": low, "close": close}
    columns = {
        name: np.maximum(1, np.rint(price * UNITS / tick_e8)) * tick_e8 / UNITS
        for name, price in prices.items()
    }
    columns["volume"] = np.rint(turnover / close * UNITS) / UNITS
    columns["trades"] = 1 + np.floor(turnover / MEAN_TRADE)
    return columns


def _quiet(random: Generator, character: Character, hours: int) -> Flags:
    """Hours in which nobody traded a thin instrument."""
    chance = QUIET_CHANCE * max(0.0, 1 - character.turnover / THIN_TURNOVER)
    quiet: Flags = random.random(hours) < chance
    return quiet


def _variance(character: Character) -> float:
    """Of one hourly return in a normal regime."""
    systematic = character.beta * MARKET_VOLATILITY
    return systematic * systematic + character.volatility * character.volatility


def _heavy(random: Generator, hours: int) -> Floats:
    """Draws of mean 0, variance 1 and kurtosis 5: twelve uniforms make a bell, a random divisor the tails."""
    bell = np.full(hours, -6.0)
    for _ in range(12):
        bell += random.random(hours)
    divisor = 0.3 + random.random(hours)
    # The mean of 1/(0.3+u)**2 over the unit interval is 1/0.3 - 1/1.3.
    draws: Floats = bell / divisor / np.sqrt(1 / 0.3 - 1 / 1.3)
    return draws
