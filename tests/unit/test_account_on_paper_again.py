"""What a proof reads from the lines of an account on paper: what was known when, and of which order."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

from adapters.paper.account import ended, looked, moved, placed
from adapters.paper.lines import Event
from adapters.reconstruction.paper import Line, PaperLines
from trading.clock import TradingHour
from trading.execution.protocol import Instruction, Kind, Move, Status

HOUR = TradingHour.at(datetime(2026, 3, 1, 12, tzinfo=UTC))
ENTRY = Instruction(UUID(int=1), "BTC/USD", Kind.LIMIT, 10, 600, 570)
STOP = Instruction(UUID(int=2), "BTC/USD", Kind.STOP, -10, 570)


def at(minute: float) -> datetime:
    return HOUR.asof + timedelta(minutes=minute)


def filled(trade: str, order: str, lots: int, printed: float, shown: float) -> Event:
    figures = {"lots": lots, "ticks": 600, "value": 6_000, "fee": 24, "maker": True}
    times = {"at": at(printed).isoformat(), "shown": at(shown).isoformat()}
    return {"what": "filled", "order": order, "trade": trade, **figures, **times}


LINES: list[Line] = [
    [moved(Move.DEPOSIT, "USD", 100_000, at(-90))],
    [looked(at(1))],
    [placed("O1", ENTRY, "", at(2))],
    [filled("T1", "O1", 10, 30, 30), placed("O2", STOP, "O1", at(30)), ended("O1", Status.FILLED, at(30))],
    [looked(at(58))],
    [filled("T2", "O2", -10, 59, 60.5), ended("O2", Status.FILLED, at(59))],
    [looked(at(61))],
]


def told() -> PaperLines:
    lines = iter(LINES)
    return PaperLines(lambda: lines)


def test_a_look_shows_what_the_account_held_then() -> None:
    before, after, later = told().span(HOUR.number, HOUR.number + 1).looks
    assert (before.balances, before.number) == ({"USD": 100_000}, 1)
    assert after.balances == {"USD": 100_000 - 6_024, "BTC": 10}
    assert later.balances == {"USD": 100_000 - 2 * 24}


def test_a_print_that_was_seen_an_hour_later_was_known_an_hour_later() -> None:
    account = told()
    assert [trade.id for trade in account.span(HOUR.number, HOUR.number).trades] == ["T1"]
    both = account.span(HOUR.number, HOUR.number + 1)
    assert [(trade.id, both.shown[trade.id].at) for trade in both.trades] == [
        ("T1", at(30)),
        ("T2", at(60.5)),
    ]
    assert [trade.id for trade in account.span(HOUR.number + 1, HOUR.number + 1).trades] == ["T2"]


def test_movements_are_those_of_the_trades_that_were_known() -> None:
    said = told().span(HOUR.number, HOUR.number)
    assert [(row.reference, row.asset, row.amount) for row in said.movements] == [
        ("T1", "BTC", 10),
        ("T1", "USD", -6_024),
    ]


def test_orders_have_their_ids_parents_and_stops() -> None:
    said = told().span(HOUR.number, HOUR.number)
    assert said.orders == {"O1": str(ENTRY.id), "O2": ""}
    assert [said.placed(order).parent for order in ("O1", "O2")] == ["", "O1"]
    entry, stop = said.reports(["O1", "O2"])
    assert (said.stop(entry), said.stop(stop), stop.kind) == (570, 0, Kind.STOP)


def test_lines_that_come_later_are_taken_in_once() -> None:
    fresh: list[Iterator[Line]] = [iter(LINES[:3]), iter(LINES[3:]), iter(())]
    account = PaperLines(lambda: fresh.pop(0))
    assert len(account.span(HOUR.number, HOUR.number).looks) == 1
    assert len(account.span(HOUR.number, HOUR.number).looks) == 2
    assert len(account.all()) == len(LINES)
