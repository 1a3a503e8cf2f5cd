"""Appending to the audit log, on both databases."""

import threading

import pytest
from sqlalchemy import Engine, insert, text
from sqlalchemy.exc import IntegrityError

from adapters.audit import Audit, Entry, Kind
from adapters.audit.chain import genesis, link
from adapters.storage.audit import AuditRow
from adapters.storage.base import PortfolioKey
from adapters.storage.engine import reading, unit_of_work
from adapters.storage.portfolios import open_portfolio
from tests.stored import COUNT, NOW
from trading.config import canonical_json
from trading.errors import InvariantError, UsageError


@pytest.fixture
def key(engine: Engine) -> PortfolioKey:
    """A portfolio on a track of its own."""
    key = PortfolioKey(f"paper-audit-{next(COUNT)}", "p")
    with unit_of_work(engine) as session:
        open_portfolio(session, key, "USD", NOW)
    return key


def append(engine: Engine, key: PortfolioKey, kind: str, body: bytes) -> Entry:
    with unit_of_work(engine, key) as session:
        return Audit(session).append(key.track, kind, key.portfolio, body)


def halted(state: str, epoch: int) -> bytes:
    return canonical_json({"state": state, "epoch": epoch})


def test_each_entry_carries_the_one_before(engine: Engine, key: PortfolioKey) -> None:
    first = append(engine, key, Kind.DECISION, b"a")
    second = append(engine, key, "order-event", b"b\0\xff")
    assert (first.seq, second.seq) == (1, 2)
    assert first.digest == link(genesis(key.track), 1, "decision", "p", b"a").hex()
    assert second.digest == link(bytes.fromhex(first.digest), 2, "order-event", "p", b"b\0\xff").hex()


def test_an_entry_goes_with_its_transaction(engine: Engine, key: PortfolioKey) -> None:
    with pytest.raises(RuntimeError, match="power cut"), unit_of_work(engine, key) as session:
        Audit(session).append(key.track, "decision", "p", b"a")
        raise RuntimeError("power cut")
    assert append(engine, key, "decision", b"b").seq == 1


def test_a_connection_serves_as_well_as_a_session(engine: Engine, key: PortfolioKey) -> None:
    with engine.begin() as connection:
        assert Audit(connection).append(key.track, "account", "", b"{}").seq == 1


def test_a_track_opened_in_the_same_transaction_has_its_first_entry_there(engine: Engine) -> None:
    key = PortfolioKey(f"paper-audit-{next(COUNT)}", "p")
    with unit_of_work(engine) as session:
        open_portfolio(session, key, "USD", NOW)
        assert Audit(session).append(key.track, "configuration", "", b"{}").seq == 1


def test_the_last_state_is_that_of_its_own_portfolio(engine: Engine, key: PortfolioKey) -> None:
    with reading(engine) as session:
        assert Audit(session).last_state(*key) is None
    append(engine, key, "halt-state", halted("HALTED", 3))
    append(engine, PortfolioKey(key.track, "p"), "decision", b"{}")
    with unit_of_work(engine) as session:
        open_portfolio(session, PortfolioKey(key.track, "q"), "USD", NOW)
        Audit(session).append(key.track, "halt-state", "q", halted("ACTIVE", 9))
    with reading(engine) as session:
        assert Audit(session).last_state(*key) == ("HALTED", 3)
        assert Audit(session).last_state(key.track, "q") == ("ACTIVE", 9)


def test_a_state_changed_by_hand_is_no_state(engine: Engine, key: PortfolioKey) -> None:
    append(engine, key, "decision", b"{}")
    genuine = append(engine, key, "halt-state", halted("HALTED", 3))
    forged = {"kind": "halt-state", "body": halted("ACTIVE", 4), "digest": genuine.digest}
    with engine.begin() as connection:
        connection.execute(insert(AuditRow).values(**key._asdict(), seq=3, **forged))
    with reading(engine) as session, pytest.raises(InvariantError, match="does not have its digest"):
        Audit(session).last_state(*key)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"state":1,"epoch":1}', b'{"state":"A","epoch":true}'])
def test_a_halt_state_without_state_and_epoch_is_refused(
    engine: Engine, key: PortfolioKey, body: bytes
) -> None:
    with pytest.raises(InvariantError):
        append(engine, key, "halt-state", body)


def test_unknown_kinds_and_tracks_are_refused(engine: Engine, key: PortfolioKey) -> None:
    with pytest.raises(InvariantError, match="gossip"):
        append(engine, key, "gossip", b"")
    with pytest.raises(UsageError, match="no track paper-nowhere"), unit_of_work(engine) as session:
        Audit(session).append("paper-nowhere", "decision", "p", b"")


def test_the_database_lets_in_only_the_next_entry_and_no_change(engine: Engine, key: PortfolioKey) -> None:
    append(engine, key, "decision", b"a")
    for seq in (0, 1, 3):
        row = {**key._asdict(), "seq": seq, "kind": "decision", "body": b"", "digest": "0" * 64}
        with pytest.raises(IntegrityError, match="no gaps"), engine.begin() as connection:
            connection.execute(insert(AuditRow).values(**row))
    for statement in ("UPDATE audit_entries SET body = ''", "DELETE FROM audit_entries"):
        with pytest.raises(IntegrityError, match=r"never (changed|removed)"), engine.begin() as connection:
            connection.execute(text(statement))


def test_writers_of_one_track_take_turns(engine: Engine, key: PortfolioKey) -> None:
    with unit_of_work(engine) as session:
        for name in "abcd":
            open_portfolio(session, PortfolioKey(key.track, name), "USD", NOW)

    def write(portfolio: str) -> None:
        for _ in range(10):
            append(engine, PortfolioKey(key.track, portfolio), "decision", portfolio.encode())

    writers = [threading.Thread(target=write, args=(name,)) for name in "abcd"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    with reading(engine) as session:
        assert Audit(session).head(key.track).seq == 40
