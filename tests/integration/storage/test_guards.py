"""What the database refuses on its own, whoever is connected."""

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError

from adapters.storage.base import PortfolioKey
from adapters.storage.engine import connect, reading, unit_of_work
from adapters.storage.journal import Journal
from adapters.storage.migrate import METADATA
from adapters.storage.portfolios import open_portfolio
from tests.stored import NOW
from trading.errors import InvariantError, UsageError
from trading.ledger.entries import flow_entry
from trading.ledger.journal import CASH, DEPOSITS

PEOPLE = {"users", "grants", "web_sessions", "api_tokens"}
"""What changes about a person changes in place; the audit log holds the history."""
APPEND_ONLY = sorted(set(METADATA.tables) - {"orders"} - PEOPLE)


def triggers(engine: Engine, table: str) -> set[str]:
    query = (
        "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = :table"
        if engine.dialect.name == "sqlite"
        else "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgrelid = CAST(:table AS regclass)"
    )
    with engine.connect() as connection:
        return set(connection.scalars(text(query), {"table": table}))


def test_every_table_but_orders_and_people_is_append_only(engine: Engine) -> None:
    for table in APPEND_ONLY:
        assert {f"{table}_no_update", f"{table}_no_delete"} <= triggers(engine, table), table
    assert "orders_no_delete" in triggers(engine, "orders")


CHANGES = [
    "UPDATE portfolios SET quote = 'EUR'",
    "UPDATE postings SET amount = amount + 1",
    "DELETE FROM postings",
    "DELETE FROM entries",
]
SQLITE_REPLACES = [
    "INSERT OR REPLACE INTO portfolios SELECT track, portfolio, 'EUR', opened FROM portfolios",
    "UPDATE OR REPLACE postings SET account = 'fees' WHERE account = 'cash'",
]


def test_what_is_written_stays_as_it_is(engine: Engine, key: PortfolioKey) -> None:
    deposit(engine, key, 100)
    sqlite = engine.dialect.name == "sqlite"
    for statement in CHANGES + (SQLITE_REPLACES if sqlite else ["TRUNCATE portfolios CASCADE"]):
        with (
            pytest.raises(IntegrityError, match=r"are never (changed|removed)"),
            engine.begin() as connection,
        ):
            connection.execute(text(statement))
    with reading(engine) as session:
        assert Journal(session, key).balances() == {(CASH, "USD"): 100, (DEPOSITS, "USD"): -100}


def deposit(engine: Engine, key: PortfolioKey, amount: int, name: str = "L1") -> None:
    with unit_of_work(engine, key) as session:
        Journal(session, key).post(flow_entry(name, NOW, DEPOSITS, CASH, "USD", amount))


ENTRY = "INSERT INTO entries (track, portfolio, entry, at) VALUES (:track, :portfolio, 'E', :at)"
POSTING = (
    "INSERT INTO postings (track, portfolio, entry, account, asset, amount) "
    "VALUES (:track, :portfolio, '{}', '{}', 'USD', {})"
)
MINE = "SELECT count(*) FROM postings WHERE track = :track AND portfolio = :portfolio"
HALF = [POSTING.format("E", "cash", 5)]
BOTH = [*HALF, POSTING.format("E", "deposits", -5)]


@pytest.mark.parametrize(
    "statements",
    [
        [ENTRY],
        [*HALF, ENTRY],
        [*HALF, POSTING.format("E", "deposits", -4), ENTRY],
        [*BOTH, ENTRY, POSTING.format("E", "fees", 1)],
        BOTH,
        [*BOTH, POSTING.format("E", "fees", 0), ENTRY],
        [POSTING.format("L1", "fees", 1)],
        [POSTING.format("E", "gifts", 5), POSTING.format("E", "cash", -5), ENTRY],
    ],
    ids=["empty", "half", "unequal", "afterwards", "unsealed", "nothing", "added later", "no such account"],
)
def test_no_transaction_leaves_an_entry_that_does_not_balance(
    engine: Engine, key: PortfolioKey, statements: list[str]
) -> None:
    deposit(engine, key, 100)
    with pytest.raises(IntegrityError), engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement), values(key))
    with engine.connect() as connection:
        assert connection.scalar(text(MINE), key._asdict()) == 2


def test_the_same_statements_pass_when_they_balance(engine: Engine, key: PortfolioKey) -> None:
    with engine.begin() as connection:
        for statement in [*BOTH, ENTRY]:
            connection.execute(text(statement), values(key))
    with reading(engine) as session:
        assert Journal(session, key).balances() == {(CASH, "USD"): 5, (DEPOSITS, "USD"): -5}


def values(key: PortfolioKey) -> dict[str, str | datetime]:
    return {**key._asdict(), "at": "2026-03-01 12:00:00"}


def test_modes_never_share_a_database(engine: Engine, key: PortfolioKey) -> None:
    with pytest.raises(InvariantError, match="one mode"), unit_of_work(engine) as session:
        open_portfolio(session, PortfolioKey("live-a", "p"), "USD", NOW)


def test_a_track_is_named_after_its_mode(engine: Engine) -> None:
    for name in ("a", "dream-a", "live"):
        with pytest.raises(InvariantError, match="the database refuses"), unit_of_work(engine) as session:
            open_portfolio(session, PortfolioKey(name, "p"), "USD", NOW)


def test_a_portfolio_is_opened_once_and_keeps_its_currency(engine: Engine, key: PortfolioKey) -> None:
    with unit_of_work(engine) as session:
        assert not open_portfolio(session, key, "USD", NOW)
    with pytest.raises(InvariantError, match="quote USD / EUR"), unit_of_work(engine) as session:
        open_portfolio(session, key, "EUR", NOW)


def test_nothing_is_written_for_a_portfolio_that_was_never_opened(engine: Engine) -> None:
    with (
        pytest.raises(UsageError, match="no portfolio p on track paper-x"),
        unit_of_work(engine, PortfolioKey("paper-x", "p")),
    ):
        pytest.fail("the unit of work began")


def test_a_unit_of_work_is_all_or_nothing(engine: Engine, key: PortfolioKey) -> None:
    with pytest.raises(RuntimeError, match="power cut"), unit_of_work(engine, key) as session:
        Journal(session, key).post(flow_entry("L1", NOW, DEPOSITS, CASH, "USD", 5))
        raise RuntimeError("power cut")
    with reading(engine) as session:
        assert Journal(session, key).balances() == {}


@pytest.mark.parametrize("amount", [1.5, 2**63, True])
def test_only_integers_of_64_bits_are_money(engine: Engine, key: PortfolioKey, amount: Any) -> None:
    with pytest.raises(InvariantError, match="no integer of 64 bits"):
        deposit(engine, key, amount)


def test_a_time_without_a_zone_is_not_stored(engine: Engine) -> None:
    with pytest.raises(InvariantError, match="has no time zone"), unit_of_work(engine) as session:
        open_portfolio(session, PortfolioKey("paper-b", "p"), "USD", NOW.replace(tzinfo=None))


def test_a_database_of_another_kind_is_refused() -> None:
    for url in ("mysql://localhost/x", "no url"):
        with pytest.raises(UsageError):
            connect(url)


def test_a_reader_waits_for_no_writer(engine: Engine, key: PortfolioKey) -> None:
    with unit_of_work(engine, key) as session:
        Journal(session, key).post(flow_entry("L1", NOW, DEPOSITS, CASH, "USD", 5))
        with reading(engine) as other:
            assert Journal(other, key).balances() == {}
