"""Whatever is stored of the trading itself is in the audit log, by the same transaction."""

import json

import pytest
from sqlalchemy import Engine

from adapters.audit.log import records
from adapters.audit.verify import verify
from adapters.audit.witness import TOLD
from adapters.storage.base import PortfolioKey
from adapters.storage.decisions import Decisions
from adapters.storage.engine import reading, unit_of_work
from adapters.storage.journal import Journal
from adapters.storage.migrate import METADATA
from adapters.storage.portfolios import open_portfolio
from tests.stored import COUNT, NOW, approval_of, decision_of
from trading.errors import InvariantError
from trading.ledger.entries import flow_entry
from trading.ledger.journal import CASH, DEPOSITS

UNTOLD = {
    *("tracks", "portfolios", "audit_entries"),
    *("state_changes", "halt_events", "alerts", "alert_deliveries"),  # a halt tells of itself
    *("users", "grants", "web_sessions", "api_tokens", "sign_ins"),  # so do people
    *("folded_fills", "folded_flows"),  # which hour they are part of: the state's digest says it
}


@pytest.fixture
def key(engine: Engine) -> PortfolioKey:
    """A portfolio on a track of its own."""
    key = PortfolioKey(f"paper-witness-{next(COUNT)}", "p")
    with unit_of_work(engine) as session:
        open_portfolio(session, key, "USD", NOW)
    return key


def told(engine: Engine, key: PortfolioKey) -> list[tuple[str, str, dict[str, object]]]:
    with reading(engine) as session:
        found = list(records(session, key.track))
    assert verify(key.track, found, []).fault is None
    return [(entry.kind, entry.portfolio, json.loads(entry.body)) for entry in found]


def test_every_table_is_told_or_left_out_on_purpose() -> None:
    assert {row.__tablename__ for row in TOLD} | UNTOLD == set(METADATA.tables)


def test_a_decision_and_its_verdicts_are_told_with_all_that_they_say(
    engine: Engine, key: PortfolioKey
) -> None:
    with unit_of_work(engine, key) as session:
        Decisions(session, key).store(decision_of(key), [approval_of(key)])
    (kind, owner, decision), (verdict, _, approval) = told(engine, key)
    assert (kind, owner, verdict) == ("decision", "p", "verdict")
    assert decision["digest"] == decision_of(key).digest
    assert decision["asof"] == "2026-03-01T12:00:00Z"
    assert "document" not in decision
    assert (approval["lots"], approval["stop"], approval["verdict"]) == (1000, 570_000, "kept")


def test_what_is_stored_again_is_told_once(engine: Engine, key: PortfolioKey) -> None:
    for _ in range(2):
        with unit_of_work(engine, key) as session:
            Decisions(session, key).store(decision_of(key), [approval_of(key)])
    assert len(told(engine, key)) == 2


def test_what_was_not_stored_is_not_told(engine: Engine, key: PortfolioKey) -> None:
    with pytest.raises(RuntimeError, match="power cut"), unit_of_work(engine, key) as session:
        Decisions(session, key).store(decision_of(key), [approval_of(key)])
        raise RuntimeError("power cut")
    with pytest.raises(InvariantError), unit_of_work(engine, key) as session:
        Journal(session, key).post(flow_entry("L1", NOW, DEPOSITS, CASH, "USD", 2**63))
    assert told(engine, key) == []


def test_what_a_savepoint_took_back_is_not_told(engine: Engine, key: PortfolioKey) -> None:
    with unit_of_work(engine, key) as session:
        Journal(session, key).post(flow_entry("L1", NOW, DEPOSITS, CASH, "USD", 5))
        with pytest.raises(RuntimeError, match="bad portfolio"), session.begin_nested():
            Journal(session, key).post(flow_entry("L2", NOW, DEPOSITS, CASH, "USD", 7))
            raise RuntimeError("bad portfolio")
    entries = [body for _, _, body in told(engine, key)]
    assert {body["entry"] for body in entries} == {"L1"}
    assert sorted(body["amount"] for body in entries if "amount" in body) == [-5, 5]
