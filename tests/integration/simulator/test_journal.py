"""A venue that keeps a journal is had again after its process ended, to the last unit and the last fact."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from simulator.clock import Clock
from simulator.journal import Journal
from simulator.server import Application
from simulator.tape import HOUR_NS
from simulator.venue import Venue
from tests.venue import QUIET, START_NS, call, order, venue
from trading.backtest.matching import Bar
from trading.clock import TradingHour
from trading.errors import UsageError

OPENING = {"seed": 1}
HOUR = TradingHour(START_NS // HOUR_NS)
BARS = (QUIET, Bar(1, 80_000, 80_200, 78_000, 79_000, 10_000_000_000), QUIET, QUIET, QUIET)


def opened(file: Path) -> Application:
    application = Application(venue(*BARS), Clock(0))
    application.resume(Journal(file, OPENING))
    return application


def control(application: Application, command: str, **body: Any) -> dict[str, Any]:
    status, answer = application.control.answer(command, json.dumps(body).encode())
    application.lookout.catch_up()
    assert status == 200, answer
    return answer


def everything(of: Venue) -> list[object]:
    """What the venue is: time, orders, trades, ledger and balances."""
    exchange = of.exchange
    orders = [
        (o.txid, o.cl_ord_id, o.status, o.lots, o.filled, o.value, o.fee) for o in exchange.orders.values()
    ]
    trades = [(t.txid, t.time_ns, t.lots, t.ticks, t.value, t.fee) for t in exchange.trades]
    ledger = [(e.id, e.time_ns, e.asset, e.amount, e.fee) for e in exchange.ledger.entries]
    return [exchange.now_ns, exchange.next_event_ns, orders, trades, ledger, exchange.ledger.balances]


def lively(application: Application) -> None:
    """Orders that fill, rest, are cancelled and refused, over two bars."""
    of, ids = application.venue, [str(uuid4()) for _ in range(4)]
    control(application, "gate/open", asof=str(HOUR), expected=["p1"])
    control(application, "gate/decided", asof=str(HOUR), portfolios=["p1"], orders=ids[:1])
    assert call(of, "AddOrder", **order(cl_ord_id=ids[0], price="7995.0"))["error"] == []
    assert call(of, "AddOrder", **order(cl_ord_id=ids[1], ordertype="market"))["error"] == []
    assert call(of, "AddOrder", **order(cl_ord_id=ids[2], price="100.0"))["error"] == []
    assert call(of, "AddOrder", **order(cl_ord_id=ids[3], volume="1000000"))["error"] != []
    control(application, "advance", bars=1)
    assert call(of, "CancelOrder", cl_ord_id=ids[2])["error"] == []
    control(application, "deposit", asset="USD", amount="-7.5")
    control(application, "advance", by_s=HOUR_NS // 10**9 + 60)


def test_the_same_venue_comes_back(tmp_path: Path) -> None:
    first = opened(tmp_path / "journal.jsonl")
    lively(first)
    again = opened(tmp_path / "journal.jsonl")
    assert everything(again.venue) == everything(first.venue)
    assert len(again.venue.exchange.trades) >= 2
    for application in (first, again):
        assert call(application.venue, "AddOrder", **order(price="7990.0"))["error"] == []
        control(application, "advance", bars=2)
    assert everything(again.venue) == everything(first.venue)


def test_it_can_come_back_after_every_single_command(tmp_path: Path) -> None:
    straight, broken = opened(tmp_path / "a.jsonl"), tmp_path / "b.jsonl"
    lively(straight)
    lines = (tmp_path / "a.jsonl").read_text().splitlines(keepends=True)
    for n in range(1, len(lines) + 1):
        broken.write_text("".join(lines[:n]))
        opened(broken)
        assert broken.read_text() == "".join(lines[:n]), "coming back asks nothing anew"
    assert everything(opened(broken).venue) == everything(straight.venue)


def test_facts_of_the_gate_come_back_and_waits_must_be_made_again(tmp_path: Path) -> None:
    first, name = opened(tmp_path / "journal.jsonl"), str(uuid4())
    control(first, "gate/open", asof=str(HOUR), expected=["p1", "p2"])
    control(first, "gate/decided", asof=str(HOUR), portfolios=["p1"], orders=[name])
    again = opened(tmp_path / "journal.jsonl")
    assert {row.name for row in again.lookout.missing(str(HOUR))} == {"portfolio p2", f"order {name}"}
    control(again, "gate/decided", asof=str(HOUR), portfolios=["p2"], orders=[])
    until_ns = START_NS + timedelta(minutes=55) // timedelta(microseconds=1) * 1_000
    asyncio.run(again.lookout.answer("wait", {"order": name, "until_ns": str(until_ns), "timeout_s": "0"}))
    assert not again.lookout.missing(str(HOUR))


def test_a_line_that_a_killed_process_did_not_finish_never_happened(tmp_path: Path) -> None:
    file = tmp_path / "journal.jsonl"
    first = opened(file)
    lively(first)
    whole = file.read_text()
    file.write_text(whole + '[1712, "AddOr')
    assert everything(opened(file).venue) == everything(first.venue)
    assert file.read_text() == whole


def test_a_journal_of_another_opening_is_refused(tmp_path: Path) -> None:
    opened(tmp_path / "journal.jsonl")
    with pytest.raises(UsageError, match="belongs to another opening"):
        Journal(tmp_path / "journal.jsonl", OPENING | {"seed": 2})
