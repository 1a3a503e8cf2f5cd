"""Two processes do the same work at the same time: one wins each row, nothing is lost and nothing doubled."""

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import Engine

from adapters.storage.base import PortfolioKey
from adapters.storage.decisions import Decisions
from adapters.storage.engine import reading, unit_of_work
from adapters.storage.journal import Journal
from adapters.storage.order_book import OrderBook
from tests.stored import NOW, approval_of, decision_of
from trading.execution.orders import Event, What
from trading.execution.protocol import Instruction, Kind
from trading.ledger.journal import CASH, POSITION

ROOT = Path(__file__).resolve().parents[3]
ROUNDS = 25


def run_two(database: str, key: PortfolioKey, order: UUID) -> list[dict[str, Any]]:
    racers = [
        subprocess.Popen(
            [sys.executable, Path(__file__).with_name("racer.py"), database]
            + [name, key.portfolio, str(order), str(ROUNDS)],
            cwd=ROOT,
            env={"PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
        )
        for name in "ab"
    ]
    answers = [racer.communicate()[0] for racer in racers]
    assert [racer.returncode for racer in racers] == [0, 0]
    return [json.loads(answer) for answer in answers]


def test_two_processes_decide_and_record_as_one(engine: Engine, database: str, key: PortfolioKey) -> None:
    order = Instruction(UUID(int=7), "BTC/USD", Kind.LIMIT, 1000, 600_000)
    with unit_of_work(engine, key) as session:
        Decisions(session, key).store(decision_of(key), [approval_of(key, 1000)])
        book = OrderBook(session, key)
        sent = book.open(NOW, order, Event(What.SENT, NOW, deadline=NOW))
        book.append(sent, Event(What.ACCEPTED, NOW, venue_id="O1"))
    first, second = run_two(database, key, order.id)
    assert first["decided"] == second["decided"]
    assert {json.loads(document)[0] for document in first["decided"]} <= {"a", "b"}
    assert first["first"] + second["first"] == first["posted"] + second["posted"] == ROUNDS
    assert first["lost"] + second["lost"] == 0
    with reading(engine) as session:
        assert OrderBook(session, key).positions() == {"BTC/USD": 2 * ROUNDS}
        balances = Journal(session, key).balances()
        for n in range(1, ROUNDS + 1):
            assert Decisions(session, key).at(NOW + timedelta(hours=n)) is not None
    assert (balances[CASH, "USD"], balances[POSITION, "BTC"]) == (-13 * ROUNDS, 2 * ROUNDS)
