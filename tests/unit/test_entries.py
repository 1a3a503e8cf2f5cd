"""Every entry balances when it is made, and says the same as the journal of a whole run."""

from datetime import UTC, datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading.errors import InvariantError
from trading.instruments import Instrument
from trading.ledger.entries import (
    ACCOUNTS,
    EXTERNAL,
    HOLDINGS,
    ROUNDING,
    Entry,
    Posting,
    dust_entry,
    equity,
    fill_entry,
    flow_entry,
    holdings,
)
from trading.ledger.journal import CASH, DEPOSITS, DUST, POSITION, post

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
BTC = Instrument("BTC/USD", 10_000_000, 8, 5_000, 50_000_000)
ETH = Instrument("ETH/USD", 1_000_000, 8, 100_000, 50_000_000)
amounts = st.integers(-(10**15), 10**15)
positive = st.integers(1, 10**15)


@given(lots=amounts.filter(bool), value=positive, fee=st.integers(0, 10**12), rounding=st.integers(-5, 5))
def test_a_fill_moves_cash_by_what_the_venue_booked_and_the_rest_is_rounding(
    lots: int, value: int, fee: int, rounding: int
) -> None:
    booked = (value if lots < 0 else -value) - fee + rounding
    entry = fill_entry("T1", NOON, BTC, lots, value, fee, booked)
    sides = {(account, asset): amount for account, asset, amount in entry.postings}
    assert sides.get((CASH, "USD"), 0) == booked
    assert sides[POSITION, "BTC"] == lots
    assert sides.get((ROUNDING, "USD"), 0) == -rounding
    assert all(sides.values())


@given(account=st.sampled_from(EXTERNAL), holding=st.sampled_from(HOLDINGS), amount=amounts.filter(bool))
def test_a_flow_stands_in_an_account_of_its_own(account: str, holding: str, amount: int) -> None:
    entry = flow_entry("L1", NOON, account, holding, "BTC", amount)
    assert entry.postings == (Posting(holding, "BTC", amount), Posting(account, "BTC", -amount))


def test_a_flow_between_other_accounts_is_refused() -> None:
    for account, holding in ((CASH, CASH), (DEPOSITS, DEPOSITS), ("exchange", CASH)):
        with pytest.raises(InvariantError, match="cannot move"):
            flow_entry("L1", NOON, account, holding, "USD", 5)


@pytest.mark.parametrize(
    "postings",
    [
        (),
        (Posting(CASH, "USD", 5),),
        (Posting(CASH, "USD", 5), Posting(DEPOSITS, "USD", -4)),
        (Posting(CASH, "USD", 5), Posting(DEPOSITS, "BTC", -5)),
        (Posting(CASH, "USD", 5), Posting(CASH, "USD", -5)),
    ],
    ids=["empty", "one side", "unequal", "two assets", "one account twice"],
)
def test_an_entry_that_does_not_balance_cannot_be_made(postings: tuple[Posting, ...]) -> None:
    with pytest.raises(InvariantError, match="does not balance"):
        Entry("E", NOON, postings)


def test_the_entry_of_a_fill_is_that_of_the_journal_of_a_run() -> None:
    asof = pl.Series("asof", [NOON, NOON], pl.Datetime("ms", "UTC"))
    row = {"instrument": "BTC/USD", "lots": 700_000, "value_e8": 42_000, "fee_e8": 168}
    fills = pl.DataFrame(
        {"asof": asof[:1], "time": asof[:1], "kind": ["entry maker"], **{k: [v] for k, v in row.items()}}
    )
    account = pl.DataFrame({"asof": asof.dt.offset_by("1h")[:1], "cash_e8": [10**9 - 42_168]})
    account = pl.concat([pl.DataFrame({"asof": asof[:1], "cash_e8": [10**9]}), account])
    journal = post(10**9, fills, account, {}, [BTC])
    ours = fill_entry("T", NOON, BTC, 700_000, 42_000, 168, -42_168)
    theirs = journal.postings.filter(pl.col("entry").str.ends_with("maker"))
    assert sorted(theirs.select("account", "asset", "amount").iter_rows()) == sorted(ours.postings)


def test_equity_is_cash_and_every_holding_at_its_mark_dust_included() -> None:
    balances = {(CASH, "USD"): 7, (POSITION, "BTC"): 300_000_000, (DUST, "ETH"): 4_000, ("fees", "USD"): 99}
    assert holdings(balances) == {"USD": 7, "BTC": 300_000_000, "ETH": 4_000}
    worth = 3 * 60_000 * 10**8 + 4_000 * 3_000
    marks = {"BTC/USD": 600_000, "ETH/USD": 300_000}
    assert equity(balances, marks, [BTC, ETH]) == 7 + worth


def test_what_cannot_be_valued_is_refused() -> None:
    held = {(POSITION, "BTC"): 5}
    with pytest.raises(InvariantError, match="have no mark"):
        equity(held, {}, [BTC])
    with pytest.raises(InvariantError, match="no instrument values"):
        equity(held, {"ETH/USD": 5}, [ETH])


def test_dust_leaves_the_position_and_comes_back() -> None:
    assert dust_entry("d", NOON, "BTC", 3).postings == (Posting(POSITION, "BTC", -3), Posting(DUST, "BTC", 3))
    assert dust_entry("d", NOON, "BTC", -3).postings[1].amount == -3
    assert len(set(ACCOUNTS)) == 10
