"""Whatever is bought, sold, paid in or out: every entry balances, and the fold of all is what we hold."""

from collections import Counter
from dataclasses import dataclass, field

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.trading import load
from trading.backtest import frames
from trading.backtest.step import EquityRow
from trading.codes import FILL_EXIT, FILL_FALLBACK, FILL_STOP, FILL_TAKER
from trading.errors import InvariantError
from trading.execution.fills import Fill, FillLog
from trading.instruments import Instrument
from trading.ledger.journal import Journal, post
from trading.ledger.settlement import settle
from trading.ledger.statement import Closing, prove, statement
from trading.portfolio import PortfolioState, Terms
from trading.records import blank, packed
from trading.risk.approve import no_orders
from trading.risk.drawdown import flow

INSTRUMENTS = (
    Instrument("BTC/USD", 10_000_000, 8, 5_000, 50_000_000),
    Instrument("XRP/USD", 1, 5, 200_000, 0),
)
TERMS = [Terms.of(instrument) for instrument in INSTRUMENTS]
CONFIG = load()
OPENING, FIRST = 10_000_000_000_000, 450_000
BUY_KINDS, SELL_KINDS = (FILL_TAKER, FILL_FALLBACK), (FILL_EXIT, FILL_STOP)

TRADES = st.tuples(
    st.sampled_from(range(len(INSTRUMENTS))),
    st.sampled_from([*BUY_KINDS, *SELL_KINDS]),
    st.one_of(st.integers(1, 6_000), st.integers(1, 10**9)),
    st.integers(0, 10**11),
)
FLOWS = st.one_of(st.just(0), st.integers(-(10**13), 10**13))
HOURS = st.lists(
    st.tuples(FLOWS, st.lists(TRADES, max_size=5, unique_by=lambda trade: trade[:2])), min_size=1, max_size=10
)


@dataclass
class Story:
    """An account that lives through drawn hours, and the totals of what happened to it, counted directly."""

    state: PortfolioState = field(default_factory=lambda: PortfolioState.opening(OPENING, len(INSTRUMENTS)))
    fills: list[Fill] = field(default_factory=list)
    equity: list[EquityRow] = field(default_factory=list)
    flows: dict[int, int] = field(default_factory=dict)
    total: Counter[tuple[str, str]] = field(default_factory=Counter)

    def live(self, hours):
        self.total["deposits", "USD"] = -OPENING
        for hour, (wanted, trades) in enumerate(hours, FIRST):
            self.flows[hour] = wanted
            before = self.state.account.cash
            flow(wanted, self.state.account)
            booked = self.state.account.cash - before
            self.total["deposits" if booked > 0 else "withdrawals", "USD"] -= booked
            self.mark(hour)
            log = FillLog([], [0])
            for trade in trades:
                self.trade(hour, *trade, log)
            settle(hour, 0, log, no_orders(len(INSTRUMENTS)), self.state, CONFIG, TERMS)
            self.fills += log.rows
        self.mark(hour + 1)
        return self

    def trade(self, hour, a, kind, lots, value, log):
        held = self.held(a) + sum(fill.lots for fill in log.rows if fill.instrument == a)
        signed = lots if kind in BUY_KINDS else -min(lots, held)
        if signed == 0:
            return
        (fill,) = blank(Fill, 1)
        fill.hour, fill.instrument, fill.kind, fill.lots = hour, a, kind, signed
        fill.value, fill.fee = value, value // 250
        log.rows.append(fill)
        log.used[0] += 1
        side = 1 if signed > 0 else -1
        self.total["fees", "USD"] += fill.fee
        self.total["exchange", "USD"] += side * value
        self.total["exchange", INSTRUMENTS[a].base] -= signed

    def mark(self, hour):
        (row,) = blank(EquityRow, 1)
        account = self.state.account
        account.equity = account.cash + 10**13
        row.hour, row.cash, row.equity, row.peak, row.lifetime_peak = hour, account.cash, account.equity, 1, 1
        self.equity.append(row)

    def held(self, a):
        return self.state.positions[a].lots + self.state.positions[a].dust

    def frames(self):
        fills = frames.fills(packed(Fill, self.fills), INSTRUMENTS)
        return fills, frames.equity(packed(EquityRow, self.equity))

    def post(self):
        return post(OPENING, *self.frames(), self.flows, INSTRUMENTS)

    def closing(self):
        lots = [self.held(a) for a in range(len(INSTRUMENTS))]
        return Closing(self.state, self.state.account.cash, lots)


STORIES = HOURS.map(lambda hours: Story().live(hours))
LOADED = Story().live(
    [(7, [(0, FILL_TAKER, 9_000, 10**9), (1, FILL_TAKER, 500, 77)]), (-9, [(0, FILL_STOP, 5_000, 5)])]
)


def balances(journal):
    return {(account, asset): amount for account, asset, amount in statement(journal).iter_rows()}


@given(STORIES)
def test_any_life_of_an_account_folds_to_what_it_holds(story):
    journal = story.post()
    prove(journal, story.closing(), INSTRUMENTS)
    wanted = story.total | {("cash", "USD"): story.state.account.cash}
    for a, instrument in enumerate(INSTRUMENTS):
        position = story.state.positions[a]
        wanted |= {("position", instrument.base): position.lots, ("dust", instrument.base): position.dust}
    assert balances(journal) == {side: amount for side, amount in wanted.items() if amount}


@given(STORIES)
def test_nothing_comes_from_nowhere(story):
    journal = story.post()
    sums = journal.postings.group_by("asset").agg(pl.col("amount").sum())
    assert (sums["amount"] == 0).all()
    assert journal.postings["time"].is_sorted()


@given(STORIES, st.data())
def test_a_dropped_altered_or_repeated_posting_is_found(story, data):
    postings = story.post().postings
    row = data.draw(st.integers(0, postings.height - 1))
    change = data.draw(st.integers(1, 10**6))
    at = pl.int_range(pl.len()) == row
    altered = pl.when(at).then(pl.col("amount") + change).otherwise("amount")
    for broken in (
        postings.filter(~at),
        postings.with_columns(amount=altered),
        pl.concat([postings, postings[row]]),
    ):
        with pytest.raises(InvariantError, match=r"does not balance|posted twice"):
            Journal(broken)


@given(STORIES, st.data())
def test_a_whole_entry_that_is_missing_is_found_against_the_books(story, data):
    journal = story.post()
    entry = data.draw(st.sampled_from(sorted(set(journal.postings["entry"]))))
    with pytest.raises(InvariantError, match="the journal has"):
        prove(Journal(journal.postings.filter(pl.col("entry") != entry)), story.closing(), INSTRUMENTS)


def test_money_that_moved_for_no_reason_is_found_in_its_hour():
    fills, equity = LOADED.frames()
    equity = equity.with_columns(cash_e8=pl.col("cash_e8") + (pl.int_range(pl.len()) >= 1).cast(pl.Int64))
    with pytest.raises(InvariantError, match=r"2021-05-03T01:00Z for no known reason"):
        post(OPENING, fills, equity, LOADED.flows, INSTRUMENTS)


@pytest.mark.parametrize("column", ["value_e8", "fee_e8", "lots"])
def test_a_fill_that_was_altered_is_found(column):
    fills, equity = LOADED.frames()
    changed = fills.with_columns(pl.col(column) + (pl.int_range(pl.len()) == 0).cast(pl.Int64))
    with pytest.raises(InvariantError, match=r"no known reason|the journal has"):
        prove(post(OPENING, changed, equity, LOADED.flows, INSTRUMENTS), LOADED.closing(), INSTRUMENTS)


def test_a_fill_that_is_logged_twice_is_found():
    fills, equity = LOADED.frames()
    free = fills[-1].with_columns(pl.lit(0, pl.Int64).alias(name) for name in ("value_e8", "fee_e8"))
    twice = pl.concat([fills, free])
    with pytest.raises(InvariantError, match="BTC/USD stop' is posted twice"):
        post(OPENING, twice, equity, LOADED.flows, INSTRUMENTS)


def test_a_venue_that_holds_something_else_is_found():
    closing, journal = LOADED.closing(), LOADED.post()
    prove(journal, closing, INSTRUMENTS)
    for other in (
        closing._replace(venue_cash=closing.venue_cash + 1),
        closing._replace(venue_lots=[closing.venue_lots[0] - 1, *closing.venue_lots[1:]]),
    ):
        with pytest.raises(InvariantError, match="the venue's books"):
            prove(journal, other, INSTRUMENTS)


def test_dust_moves_to_its_own_account_and_back_with_a_position():
    story = Story().live(
        [(0, [(0, FILL_TAKER, 4_999, 9)]), (0, [(0, FILL_TAKER, 1, 9)]), (0, [(0, FILL_STOP, 1, 9)])]
    )
    dust = story.post().postings.filter(pl.col("account") == "dust")
    assert dust["amount"].to_list() == [4_999, -4_999, 4_999]
    assert balances(story.post())["dust", "BTC"] == 4_999


def test_a_withdrawal_that_could_not_be_booked_has_no_entry():
    story = Story().live([(-2 * OPENING, []), (5, [])])
    assert story.post().postings["entry"].unique(maintain_order=True).to_list() == [
        "2021-05-03T00Z opening",
        "2021-05-03T01Z flow",
    ]


def test_a_journal_reads_back_as_it_was_written(tmp_path):
    journal = LOADED.post()
    journal.postings.write_parquet(tmp_path / "journal.parquet")
    assert Journal(pl.read_parquet(tmp_path / "journal.parquet")).postings.equals(journal.postings)
    with pytest.raises(InvariantError, match="not a journal"):
        Journal(journal.postings.drop("asset"))
