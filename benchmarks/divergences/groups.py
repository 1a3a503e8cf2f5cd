"""The two halves of what a proof computes: from which functions each begins, and the hours it is tried on."""

from collections.abc import Callable, Iterator
from types import FunctionType
from typing import Any, NamedTuple

from benchmarks.divergences.changes import Divergence, of_function, of_module
from benchmarks.divergences.hours import cases
from benchmarks.divergences.judging import Bench, outcome_of_hour
from benchmarks.divergences.reach import module_of, numbers_named, reached
from benchmarks.divergences.windows import outcome_of_window, windows
from trading.backtest.step import open_hour
from trading.grid import dense
from trading.ledger.settlement import settle
from trading.live.again import decide_again, market_again, settle_again, view_again
from trading.live.sight import Lateness, Sight, advice_of, dump_grid, keep_to_listing, lacks_history
from trading.quality import judge

DECISION: tuple[Any, ...] = (decide_again, settle_again, open_hour, settle)
MARKET: tuple[Any, ...] = (
    *(judge, dense, market_again, view_again, keep_to_listing, lacks_history, advice_of, dump_grid),
    *(vars(Lateness)["of"].__func__, Sight.dump),
)
OUT = {
    "trading.backtest.step.log_decision": "fills the log that only a backtest keeps",
    "trading.backtest.inputs._bars": "makes the bars that only a backtest fills orders on",
    "trading.backtest.inputs._after": "joins the blocks of a long run; a proof has one",
    "trading.universe._blocks": "divides work; a test of the universe shows that no division moves a bit",
    "trading.quality._order_faults": "orders rows; a proof keys candles by their hour before it judges them",
}
"""Reached, and no part of what is proved."""

CODES = "trading.codes"
"""Numbers that are names: which ones they are matters nowhere."""


class Group(NamedTuple):
    """Divergences of one half, and the bench that they are tried on."""

    name: str
    divergences: list[Divergence]
    bench: Callable[[], Bench]


def groups() -> list[Group]:
    """Both halves; what both reach belongs to the decision."""
    decision, other = ([f for f in reached(begin) if _is_proved(f)] for begin in (DECISION, MARKET))
    ids = {id(function) for function in decision}
    market = [function for function in other if id(function) not in ids]
    named = set(numbers_named(decision))
    return [
        Group(
            "decision", list(_of(decision, named)), lambda: Bench(lambda: cases(5_000, 1), outcome_of_hour)
        ),
        Group(
            "market",
            list(_of(market, set(numbers_named(market)) - named)),
            lambda: Bench(lambda: windows(400, 150, 6, 3), outcome_of_window),
        ),
    ]


def _is_proved(function: FunctionType) -> bool:
    return f"{function.__module__}.{function.__qualname__}" not in OUT


def _of(functions: list[FunctionType], named: set[tuple[str, str]]) -> Iterator[Divergence]:
    for function in functions:
        yield from of_function(function)
    for module in sorted({module for module, _ in named} - {CODES}):
        file, known = module_of(module)
        for of in of_module(module, file, known):
            if (module, of.what.split()[0]) in named:
                yield of
