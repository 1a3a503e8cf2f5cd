"""The venue's ledger becomes entries: all that moved is posted with its amounts, or held back."""

from collections import Counter
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from config.instruments import grid_for
from trading.execution.findings import Strange
from trading.execution.protocol import Move, Movement, Trade
from trading.ledger.entries import REWARDS, ROUNDING, holdings
from trading.ledger.journal import CASH, DEPOSITS, DUST, FEES, POSITION, WITHDRAWALS
from trading.ledger.posting import ROUNDING_MAX_E8, Posted, post

BTC = grid_for("BTC/USD")
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
TRADES = st.builds(
    lambda n, lots, value, fee: Trade(f"T{n}", "O", BTC.name, lots, 80_000, value, fee, True, NOW),
    st.integers(1, 9),
    st.integers(-(10**9), 10**9).filter(bool),
    st.integers(10**6, 10**15),
    st.integers(0, 10**9),
)
FLOWS = st.tuples(
    st.sampled_from([Move.DEPOSIT, Move.WITHDRAWAL, Move.REWARD, Move.OTHER]),
    st.sampled_from(["USD", "BTC", "SOL"]),
    st.integers(-(10**12), 10**12).filter(bool),
)


def expected(trade: Trade) -> int:
    """What value and fee say that cash did."""
    return (-trade.value if trade.lots > 0 else trade.value) - trade.fee


def rows(trade: Trade, off: int = 0) -> list[Movement]:
    """The ledger's two rows of a trade, its money by `off` beside value and fee."""
    return [
        Movement(f"LB{trade.id}", Move.TRADE, trade.id, NOW, "BTC", trade.lots),
        Movement(f"LQ{trade.id}", Move.TRADE, trade.id, NOW, "USD", expected(trade) + off),
    ]


def posted(trades: list[Trade], movements: list[Movement]) -> Posted:
    return post("paper-a", trades, movements, {BTC.name: BTC}, "USD")


def balances(done: Posted) -> dict[tuple[str, str], int]:
    sums: Counter[tuple[str, str]] = Counter()
    for entry in done.entries:
        for posting in entry.postings:
            sums[posting.account, posting.asset] += posting.amount
    return dict(sums)


@given(
    st.lists(TRADES, unique_by=lambda trade: trade.id, max_size=5),
    st.lists(FLOWS, max_size=5),
    st.integers(-ROUNDING_MAX_E8, ROUNDING_MAX_E8),
    st.randoms(),
)
def test_what_is_held_is_what_the_ledger_moved(
    trades: list[Trade], flows: list[tuple[Move, str, int]], off: int, rng: object
) -> None:
    movements = [row for trade in trades for row in rows(trade, off)]
    movements += [
        Movement(f"L{i}", what, "R", NOW + timedelta(seconds=i), asset, amount)
        for i, (what, asset, amount) in enumerate(flows)
    ]
    rng.shuffle(movements)
    done = posted(trades, movements)
    moved: Counter[str] = Counter()
    for row in movements:
        moved[row.asset] += 0 if row.what is Move.OTHER else row.amount
    told = balances(done)
    assert holdings(told) == {asset: amount for asset, amount in moved.items() if amount}
    assert told.get((ROUNDING, "USD"), 0) == -off * len(trades)
    assert told.get((FEES, "USD"), 0) == sum(trade.fee for trade in trades)
    assert (done.waiting, done.findings) == ((), ())


@given(TRADES, st.integers(0, 1))
def test_a_trade_waits_until_both_of_its_rows_are_there(trade: Trade, which: int) -> None:
    done = posted([trade], rows(trade)[which : which + 1])
    assert (done.entries, done.waiting, done.findings) == ((), (trade.id,), ())


@given(TRADES, st.sampled_from([ROUNDING_MAX_E8 + 1, -ROUNDING_MAX_E8 - 1]))
def test_more_than_rounding_is_a_finding_and_no_entry(trade: Trade, off: int) -> None:
    done = posted([trade], rows(trade, off))
    (finding,) = done.findings
    assert (done.entries, done.waiting) == ((), ())
    assert (finding.what, finding.instrument, finding.reference) == (
        Strange.CONTRADICTION,
        BTC.name,
        trade.id,
    )


def test_other_lots_than_the_trades_are_a_finding() -> None:
    trade = Trade("T1", "O", BTC.name, 5, 80_000, 4_000_000, 100, True, NOW)
    base, money = rows(trade)
    assert posted([trade], [base._replace(amount=4), money]).findings


def test_the_trade_of_somebody_else_is_not_posted() -> None:
    trade = Trade("T1", "O", BTC.name, 5, 80_000, 4_000_000, 100, True, NOW)
    assert posted([], rows(trade)) == ((), (), ())


def test_money_is_cash_and_coins_that_no_entry_bought_are_dust() -> None:
    movements = [
        Movement("L1", Move.DEPOSIT, "R1", NOW, "USD", 100),
        Movement("L2", Move.WITHDRAWAL, "R2", NOW, "USD", -30),
        Movement("L3", Move.REWARD, "R3", NOW, "BTC", 7),
    ]
    done = posted([], movements)
    assert [entry.name for entry in done.entries] == ["L1", "L2", "L3"]
    assert balances(done) == {
        (CASH, "USD"): 70,
        (DEPOSITS, "USD"): -100,
        (WITHDRAWALS, "USD"): 30,
        (DUST, "BTC"): 7,
        (REWARDS, "BTC"): -7,
    }
    assert (POSITION, "BTC") not in balances(done)
