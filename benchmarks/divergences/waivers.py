"""Divergences that no hour can show, each with what shows it: over the range that an hour can reach, the
changed program gives what the unchanged one gives. `tests/unit/test_waived_divergences.py` holds them to it.
"""

import random
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from benchmarks.divergences.changes import Divergence
from benchmarks.divergences.hours import cases
from benchmarks.divergences.judging import FAILURES, outcome_of_hour
from benchmarks.divergences.windows import outcome_of_window, windows
from trading.backtest import inputs
from trading.clock import TradingHour
from trading.daily import day_extremes, day_rows, window_extremes
from trading.live.flows import move_coins
from trading.money import muldiv_ceil, muldiv_floor, muldiv_half_up
from trading.portfolio import Position, Terms
from trading.records import blank
from trading.universe import UniverseRules, _ranked


class Waiver(NamedTuple):
    """A change that is equal by meaning."""

    function: str
    """With its module."""
    text: str
    """Begins the line."""
    what: tuple[str, ...]
    """The changes of that line."""
    why: str
    shown: Callable[[], Any]
    """What there is to see, over the whole range."""
    place: int | None = None
    """Which of the function's places, where a line has several alike."""


def _drawn() -> list[str]:
    """Other hours than those of the check."""
    return [_tried(outcome_of_hour, case) for case in cases(600, 99)]


def _windows() -> list[str]:
    return [outcome_of_window(case) for case in windows(30, 0, 0, 99)]


def _tried(outcome: Callable[[Any], str], case: Any) -> str:
    try:
        return outcome(case)
    except FAILURES as error:
        return type(error).__name__


def _named() -> list[int]:
    return [TradingHour.at(TradingHour(n).asof).number for n in range(0, 600_000, 61)]


def _products() -> list[tuple[int, int, int]]:
    """Operands whose product meets the bound exactly, and lies beside it."""
    draw = random.Random(5)
    operands = [
        (1 << shift, (1 << (60 - shift)) + beside, c)
        for shift in range(1, 60)
        for beside in (-1, 0, 1)
        for c in (1 << 20, draw.randrange(1 << 20, 1 << 61), 3 << 30)
    ]
    fit = [(a, b, c) for a, b, c in operands if a * b // c < 1 << 61]
    return [(muldiv_floor(*some), muldiv_ceil(*some), muldiv_half_up(*some)) for some in fit]


def _coins() -> list[Position]:
    """Every position of a few lots, as settlement leaves one, after every movement that leaves no dust."""
    found = []
    for least in (1, 2, 3):
        for lots in (0, *range(least, 6)):
            for dust in range(least if lots == 0 else 2):
                (position,) = blank(Position, 1)
                position.lots, position.dust, position.cost = lots, dust, 7 * (lots + dust)
                if lots:
                    position.since, position.entry, position.stop, position.peak = 9, 8, 7, 8
                move_coins(-dust, position, Terms(1, 1, least, 0))
                found.append(position)
    return found


def _last_days() -> list[int]:
    """The hours of the last of so many days: a proof reads no other row."""
    return [
        int(inputs._days(np.array([24 * (count - 1) + hour]), 0, count)[0])
        for count in range(1, 6)
        for hour in range(24)
    ]


def _channels() -> list[Any]:
    """The last day's channels over a whole window, at each hour of the day that it may begin with."""
    numbers, found = np.random.default_rng(3), []
    for first in range(24):
        low = numbers.integers(1, 9, (122 * 24, 1)) / 2
        extremes = day_extremes(low + 1, low, day_rows(first, len(low)))
        found += [[part[-1].tolist() for part in window_extremes(*extremes, days)] for days in (20, 60, 120)]
    return found


def _chosen() -> list[Any]:
    """The last day's choice: those before it are nobody's any more."""
    numbers, found = np.random.default_rng(4), []
    for memory in (1, 2, 5):
        rules = UniverseRules(2, 2, 0.0, 1.0, 3, 2, 4, memory)
        for _ in range(40):
            size = numbers.integers(0, 6, (8, 6)).astype(float)
            found.append(_ranked(size, size > 0, rules)[-1].tolist())
    return found


WAIVERS = (
    Waiver(
        "trading.clock.TradingHour.at",
        "return cls(int(",
        ("// rounds up",),
        "whole hours alone come here",
        _named,
    ),
    Waiver("trading.money._divided", "if float(a)", ("Lt -> LtE",), "both ways divide exactly", _products),
    Waiver("trading.money._muldiv", "for shift", ("61 changed",), "operands stay below 2**62", _products),
    Waiver(
        "trading.money.half_up",
        "return (2",
        ("2 changed",),
        "a fee that is told too small shrinks the worst cost of what a cap has let through already",
        _drawn,
        place=1,
    ),
    Waiver("trading.money", "SAFE_PRODUCT", ("SAFE_PRODUCT changed",), "both ways divide exactly", _products),
    Waiver(
        "trading.live.flows.move_coins",
        "if position.dust < 0",
        ("0 changed", "Lt -> LtE"),
        "nothing is gone",
        _coins,
    ),
    Waiver(
        "trading.backtest.step.log_equity",
        "log.used[0] += 1",
        ("1 changed",),
        "an hour looks at its one row",
        _drawn,
    ),
    Waiver("trading.live.hour.books_of", "equity=", ("1 changed",), "an hour looks at its first row", _drawn),
    Waiver(
        "trading.live.hour.fill_kind",
        "if booked.trade.lots",
        ("0 changed", "Lt -> LtE"),
        "a fold asks for stops alone",
        _drawn,
    ),
    Waiver(
        "trading.risk.drawdown.trip",
        "account.halt_epoch",
        ("1 changed",),
        "live, the guard's word is the epoch",
        _drawn,
    ),
    Waiver(
        "trading.risk.drawdown.resume",
        "account.halt_epoch",
        ("1 changed",),
        "live, the guard's word is the epoch",
        _drawn,
    ),
    Waiver(
        "trading.backtest.inputs._days",
        "return np.clip",
        ("// rounds up", "0 changed"),
        "a proof reads the last day",
        _last_days,
    ),
    Waiver(
        "trading.backtest.inputs",
        "BLOCK_H",
        ("BLOCK_H changed",),
        "how many hours are computed together moves no bit, and a proof asks for fewer",
        _windows,
    ),
    Waiver(
        "trading.live.again",
        "BLOCK_H",
        ("BLOCK_H changed",),
        "how many hours are computed together moves no bit, and a proof reads the last",
        _windows,
    ),
    Waiver(
        "trading.backtest.inputs._notional_24h",
        "grid, low",
        ("0 changed", "1 changed"),
        "a block begins two days into a window",
        _windows,
    ),
    Waiver(
        "trading.backtest.inputs._overlay",
        'rows["flow"]',
        ("Eq -> NotEq",),
        "flows come with a backtest's plan",
        _windows,
    ),
    Waiver(
        "trading.daily.day_extremes",
        "inside",
        ("GtE -> Gt",),
        "a window holds a day more than a channel",
        _channels,
    ),
    Waiver(
        "trading.universe._failures",
        "(Reason.NOT_LISTED",
        ("0 changed",),
        "so few hours are stale already",
        _windows,
    ),
    Waiver("trading.universe._ranked", "past = ", ("1 changed",), "there is no day after the last", _chosen),
)


def waived(of: Divergence) -> Waiver | None:
    """What shows that nothing shows it."""
    name = f"{of.module}.{of.function}".removesuffix(".")
    there = (w for w in WAIVERS if name == w.function and of.text.startswith(w.text) and of.what in w.what)
    return next((w for w in there if w.place in (None, of.place)), None)
