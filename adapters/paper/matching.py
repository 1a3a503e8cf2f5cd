"""When an order on paper would have traded, judged by what the real market showed. Pure.

1. What takes liquidity walks the book as it stands when the order arrives, level by level, at their prices.
2. A limit that rests fills as maker where the market traded through it by a tick, a share of each print.
3. A stop acts on the first print at or below its trigger, at that print or lower by the floor of slippage:
   the book of that moment is not known any more.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from trading.config import ExecutionRules
from trading.execution.protocol import Instruction, Kind
from trading.money import PPM, muldiv_floor, share


class Level(NamedTuple):
    """One price of the book."""

    ticks: int
    lots: int


class Print(NamedTuple):
    """One public trade."""

    at: datetime
    ticks: int
    lots: int


class Execution(NamedTuple):
    """What an order traded; `lots` are not signed."""

    lots: int
    ticks: int
    maker: bool


def on_arrival(instruction: Instruction, levels: Sequence[Level]) -> list[Execution]:
    """What trades at once against the other side of the book, best first; nothing for a stop."""
    if instruction.kind is Kind.STOP:
        return []
    left, done = abs(instruction.lots), []
    for level in levels:
        if left == 0 or not _acceptable(instruction, level.ticks):
            break
        taken = min(left, level.lots)
        if taken:
            done.append(Execution(taken, level.ticks, maker=False))
        left -= taken
    return done


def on_print(instruction: Instruction, left: int, seen: Print, rules: ExecutionRules) -> Execution | None:
    """What trades of an order with `left` lots when the market prints; None for nothing."""
    if instruction.kind is Kind.STOP:
        if seen.ticks > instruction.price:
            return None
        slippage_ppm = int(rules.slippage_min * PPM)
        ticks = max(1, muldiv_floor(seen.ticks, PPM - slippage_ppm, PPM))
        return Execution(left, ticks, maker=False)
    lots = min(left, share(seen.lots, rules.participation_ppm))
    if not lots or not _through(instruction, seen.ticks):
        return None
    return Execution(lots, instruction.price, maker=True)


def _acceptable(instruction: Instruction, ticks: int) -> bool:
    if instruction.kind is Kind.MARKET:
        return True
    return ticks <= instruction.price if instruction.lots > 0 else ticks >= instruction.price


def _through(instruction: Instruction, ticks: int) -> bool:
    return ticks < instruction.price if instruction.lots > 0 else ticks > instruction.price
