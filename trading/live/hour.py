"""Open an hour, settle an hour: the backtest's `open_hour` and `settle` over one portfolio's stored values.

What differs from a backtest comes in as an argument: the venue's own balances, the word of the guard, and the
venue's trades.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from trading.backtest.step import (
    Books,
    DecisionLog,
    DecisionRow,
    EquityLog,
    EquityRow,
    Rules,
    open_hour,
)
from trading.codes import (
    FILL_EXIT,
    FILL_FALLBACK,
    FILL_MAKER,
    FILL_STOP,
    FILL_TAKER,
    FLATTENING,
    LATCHED,
)
from trading.config import TradingConfig
from trading.execution.fills import Fill, FillLog, Holding
from trading.execution.protocol import Kind
from trading.execution.reconciliation import reconcile
from trading.hour import observe
from trading.instruments import Instrument
from trading.ledger.settlement import settle
from trading.live.values import HALTED, REDUCING, Approved, Booked, Guarded, Held
from trading.portfolio import Account, Decision, PortfolioState, Signal, Terms, View
from trading.records import blank
from trading.risk.approve import ApprovedOrder, no_orders, stored_order
from trading.risk.drawdown import resume, trip
from trading.risk.trading_state import flattens


def books_of(state: PortfolioState, held: Held, instruments: Sequence[Instrument]) -> Books:
    """Plain books around a state, with what the venue holds as the other side."""
    count = len(instruments)
    holdings = blank(Holding, count)
    for instrument, holding in zip(instruments, holdings, strict=True):
        holding.lots = held.lots.get(instrument.name, 0)
    return Books(
        state=state,
        purse=[held.cash],
        holdings=holdings,
        decision=Decision.blank(count),
        orders=no_orders(count),
        fills=FillLog([], []),
        decisions=DecisionLog(blank(DecisionRow, count), [0]),
        equity=EquityLog(blank(EquityRow, 1), [0]),
    )


def mark_live(view: View, rules: Rules, books: Books) -> int:
    """Reconcile and mark, to tell the guard; returns the triggers that fired."""
    reconcile(view.market.hour, books.state, books.purse[0], books.holdings)
    return observe(view, books.state, rules.config, rules.mandate, rules.terms)


def open_live(
    view: View, acting: int, signals: Sequence[Signal], rules: Rules, guarded: Guarded, books: Books
) -> None:
    """Reconcile, mark, guard and decide; the guard's word is law, and what it loosened is loosened here."""
    rules = adopt(guarded, view.market.hour, books.state.account, rules)
    open_hour(view, acting, signals, rules, books)
    books.state.account.halt_epoch = guarded.epoch


def adopt(guarded: Guarded, hour: int, account: Account, rules: Rules) -> Rules:
    """Bring the account to the guard's word before the hour opens; returns the rules of this hour.

    A halt that an approval has ended is ended by `guard` itself at this hour's mark, as a review in a
    backtest is: the re-base needs the equity of this mark.
    """
    if guarded.state == HALTED:
        trip(hour, account)
        account.halted = FLATTENING if flattens(guarded.halt) else LATCHED
    elif account.halted != 0 and guarded.epoch > account.halt_epoch:
        halted_h = hour - account.halt_hour
        if halted_h > 0:
            return rules._replace(mandate=replace(rules.mandate, review_after_h=halted_h))
        resume(account)
    elif guarded.state == REDUCING and not _counting(account):
        # Somebody else distrusts this hour: entries stay out of it as after a trigger of our own.
        account.data_clear_h = 2
    return rules


def _counting(account: Account) -> bool:
    """A trigger of our own keeps entries out of this hour."""
    return max(account.move_clear_h, account.volatility_clear_h, account.data_clear_h) > 1


def orders_of(approved: Mapping[str, Approved], instruments: Sequence[Instrument]) -> list[ApprovedOrder]:
    """Stored approvals as the orders that a decision left."""
    return [
        stored_order(*approved[instrument.name]) if instrument.name in approved else none
        for instrument, none in zip(instruments, no_orders(len(instruments)), strict=True)
    ]


def settle_live(
    hour: int,
    booked: Sequence[Booked],
    orders: Sequence[ApprovedOrder],
    state: PortfolioState,
    config: TradingConfig,
    instruments: Sequence[Instrument],
) -> None:
    """Fold the venue's trades of the hour after asof `hour` into the state, in the order of events."""
    place = {instrument.name: a for a, instrument in enumerate(instruments)}
    rows = [fill_row(hour, place[fill.trade.instrument], fill) for fill in in_order(booked)]
    terms = [Terms.of(instrument) for instrument in instruments]
    settle(hour, 0, FillLog(rows, [len(rows)]), orders, state, config, terms)


def in_order(booked: Sequence[Booked]) -> list[Booked]:
    """Fills in the order of events; what happened at one instant, in the order of the orders."""
    return sorted(booked, key=lambda fill: (fill.trade.at, fill.number, fill.trade.id))


def fill_row(hour: int, a: int, booked: Booked) -> Fill:
    """A trade of the instrument in place `a`, as the books of a backtest have it."""
    trade = booked.trade
    (row,) = blank(Fill, 1)
    row.hour, row.instrument, row.kind = hour, a, fill_kind(booked)
    row.lots, row.ticks, row.value, row.fee = trade.lots, trade.ticks, trade.value, trade.fee
    return row


def fill_kind(booked: Booked) -> int:
    """What moved assets, as far as a venue tells: it does not say at which moment of the bar a stop went."""
    if booked.kind is Kind.STOP:
        return FILL_STOP
    if booked.trade.lots < 0:
        return FILL_EXIT
    if booked.kind is Kind.MARKET:
        return FILL_FALLBACK
    return FILL_MAKER if booked.trade.maker else FILL_TAKER
