"""Postings balance before the write and after the read, however often they are delivered."""

from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from adapters.storage.base import PortfolioKey
from adapters.storage.engine import reading, unit_of_work
from adapters.storage.journal import Journal
from tests.stored import NOW, opened
from trading.errors import InvariantError
from trading.instruments import Instrument
from trading.ledger.entries import (
    ADJUSTMENTS,
    DEPOSITS,
    EXTERNAL,
    REWARDS,
    Entry,
    dust_entry,
    fill_entry,
    flow_entry,
    holdings,
)
from trading.ledger.journal import CASH, DUST, POSITION

BTC = Instrument("BTC/USD", 10_000_000, 8, 5_000, 50_000_000)
whole = st.integers(-(10**12), 10**12).filter(bool)


def post(engine: Engine, key: PortfolioKey, *entries: Entry) -> list[bool]:
    with unit_of_work(engine, key) as session:
        return [Journal(session, key).post(entry) for entry in entries]


def balances(engine: Engine, key: PortfolioKey) -> dict[tuple[str, str], int]:
    with reading(engine) as session:
        return Journal(session, key).balances()


def test_a_run_of_flows_trades_and_dust_adds_up(engine: Engine, key: PortfolioKey) -> None:
    entries = (
        flow_entry("L1", NOW, DEPOSITS, CASH, "USD", 10**12),
        fill_entry("T1", NOW, BTC, 9_000, 5_000, 20, -5_021),
        flow_entry("L2", NOW, REWARDS, POSITION, "BTC", 10),
        flow_entry("L3", NOW, ADJUSTMENTS, POSITION, "BTC", -10),
        dust_entry("D1", NOW, "BTC", 9_000),
    )
    assert post(engine, key, *entries) == [True] * 5
    held = balances(engine, key)
    assert held[CASH, "USD"] == 10**12 - 5_021
    assert (held[DUST, "BTC"], held["rounding", "USD"]) == (9_000, 1)
    assert holdings(held) == {"USD": 10**12 - 5_021, "BTC": 9_000}


def test_an_entry_comes_back_as_it_went_in(engine: Engine, key: PortfolioKey) -> None:
    first = fill_entry("T1", NOW, BTC, 9_000, 5_000, 20, -5_020)
    later = flow_entry("L1", NOW + timedelta(hours=1), DEPOSITS, CASH, "USD", 5)
    post(engine, key, later, first)
    with reading(engine) as session:
        journal = Journal(session, key)
        both = journal.since(NOW)
        assert [entry.name for entry in both] == ["T1", "L1"]
        assert [set(entry.postings) for entry in both] == [set(first.postings), set(later.postings)]
        assert journal.since(NOW + timedelta(minutes=1)) == [journal.entry("L1")]
        assert journal.entry("L9") is None


def test_another_entry_of_the_same_name_is_refused(engine: Engine, key: PortfolioKey) -> None:
    post(engine, key, flow_entry("L1", NOW, DEPOSITS, CASH, "USD", 5))
    for other in (
        flow_entry("L1", NOW, DEPOSITS, CASH, "USD", 6),
        flow_entry("L1", NOW, REWARDS, CASH, "USD", 5),
        flow_entry("L1", NOW + timedelta(seconds=1), DEPOSITS, CASH, "USD", 5),
    ):
        with pytest.raises(InvariantError, match="posted already and differs"):
            post(engine, key, other)
    assert balances(engine, key)[CASH, "USD"] == 5


flows = st.builds(
    flow_entry,
    name=st.integers(0, 10**9).map(lambda n: f"L{n}"),
    time=st.just(NOW),
    account=st.sampled_from(EXTERNAL),
    holding=st.sampled_from((CASH, POSITION)),
    asset=st.sampled_from(("USD", "BTC", "ETH")),
    amount=whole,
)
trades = st.builds(
    fill_entry,
    name=st.integers(0, 10**9).map(lambda n: f"T{n}"),
    time=st.just(NOW),
    instrument=st.just(BTC),
    lots=whole,
    value=st.integers(1, 10**12),
    fee=st.integers(0, 10**9),
    booked=whole,
)
some_entries = st.lists(flows | trades, min_size=1, max_size=6, unique_by=lambda entry: entry.name)


@settings(max_examples=25)
@given(entries=some_entries, data=st.data())
def test_any_repetition_in_any_order_leaves_the_same_books(
    engine: Engine, entries: list[Entry], data: st.DataObject
) -> None:
    key = opened(engine)
    repeated = data.draw(st.lists(st.sampled_from(entries), max_size=8))
    delivered = data.draw(st.permutations(entries + repeated))
    assert sum(sum(post(engine, key, entry)) for entry in delivered) == len(entries)
    wanted: Counter[tuple[str, str]] = Counter()
    for entry in entries:
        for account, asset, amount in entry.postings:
            wanted[account, asset] += amount
    assert balances(engine, key) == {side: amount for side, amount in wanted.items() if amount}


def test_a_journal_that_was_tampered_with_is_refused_when_read(engine: Engine, key: PortfolioKey) -> None:
    post(engine, key, flow_entry("L1", NOW, DEPOSITS, CASH, "USD", 5))
    unguarded = (
        ("DROP TRIGGER postings_no_update", "SELECT 1")
        if engine.dialect.name == "sqlite"
        else ("ALTER TABLE postings DISABLE TRIGGER USER", "ALTER TABLE postings ENABLE TRIGGER USER")
    )
    damage = "UPDATE postings SET amount = 6 WHERE account = 'cash' AND portfolio = :portfolio"
    with engine.begin() as connection:
        connection.execute(text(unguarded[0]))
        connection.execute(text(damage), {"portfolio": key.portfolio})
        connection.execute(text(unguarded[1]))
    with reading(engine) as session:
        with pytest.raises(InvariantError, match="journal does not balance in"):
            Journal(session, key).balances()
        with pytest.raises(InvariantError, match="does not balance"):
            Journal(session, key).entry("L1")
