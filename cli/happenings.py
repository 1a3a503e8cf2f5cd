"""What happens to a backtest from outside, read from files: deposits, withdrawals, hours of being down."""

import csv
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path

from trading.clock import TradingHour
from trading.errors import UsageError
from trading.instruments import cash

FLOWS_HEADER = ["asof", "amount"]


def flows(file: Path, first: int, last: int) -> dict[int, int]:
    """Deposits (> 0) and withdrawals by asof hour, 1e-8 quote, from a CSV of asof and amount.

    A `UsageError` names the line that makes no sense or lies outside first + 1..last; two of one hour add up.
    """
    found: dict[int, int] = {}
    with file.open(newline="") as content:
        rows = csv.reader(content)
        if next(rows, None) != FLOWS_HEADER:
            raise UsageError(f"{file} does not begin with the line {','.join(FLOWS_HEADER)}")
        for line, row in enumerate(rows, 2):
            if len(row) != 2:
                raise UsageError(f"{file}, line {line}: two columns are wanted, asof and amount")
            hour = _hour(file, line, row[0], first, last)
            try:
                amount = cash(Decimal(row[1]))
            except (InvalidOperation, UsageError) as error:
                raise UsageError(f"{file}, line {line}: {row[1]!r} is no amount to 1e-8") from error
            found[hour] = found.get(hour, 0) + amount
    return found


def missed(file: Path, first: int, last: int) -> frozenset[int]:
    """Hours in which we were down, one asof a line; a `UsageError` names the line that makes no sense."""
    return frozenset(_hour(file, line, text, first, last) for line, text in _lines(file))


def _lines(file: Path) -> Iterator[tuple[int, str]]:
    for line, text in enumerate(file.read_text().splitlines(), 1):
        if text.strip():
            yield line, text.strip()


def _hour(file: Path, line: int, text: str, first: int, last: int) -> int:
    try:
        hour = TradingHour.at(datetime.fromisoformat(text)).number
    except ValueError as error:
        raise UsageError(
            f"{file}, line {line}: {text!r} is no full hour such as 2024-01-01T12:00Z"
        ) from error
    if not first < hour <= last:
        raise UsageError(f"{file}, line {line}: {text} lies outside the backtest")
    return hour
