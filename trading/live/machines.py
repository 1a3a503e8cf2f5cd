"""The two steps of a portfolio's hour, run as written, or compiled over packed books."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, cast

from trading.backtest.engine import integers, packed_books, packed_config
from trading.backtest.step import Books, EquityLog, EquityRow, Rules, open_hour
from trading.compiled import compiled
from trading.config import TradingConfig
from trading.execution.fills import Fill, FillLog, Holding
from trading.ledger.settlement import settle
from trading.portfolio import (
    Account,
    ClusterTotal,
    Decision,
    Intent,
    PortfolioState,
    Position,
    Reading,
    Signal,
    Terms,
    Totals,
    View,
)
from trading.records import packed, packed_one, unpacked, unpacked_one
from trading.risk.approve import ApprovedOrder, packed_orders, plain_orders

Opened = Callable[[View, int, Sequence[Signal], Rules, Books], Books]
Settled = Callable[
    [int, Sequence[Fill], Sequence[ApprovedOrder], PortfolioState, TradingConfig, Sequence[Terms]],
    PortfolioState,
]


class Machine(NamedTuple):
    """Reconcile, mark, guard and decide; and fold fills. Plain values in, plain values out."""

    open: Opened
    settle: Settled


def _open(view: View, acting: int, signals: Sequence[Signal], rules: Rules, books: Books) -> Books:
    open_hour(view, acting, signals, rules, books)
    return books


def _settle(
    hour: int,
    fills: Sequence[Fill],
    orders: Sequence[ApprovedOrder],
    state: PortfolioState,
    config: TradingConfig,
    terms: Sequence[Terms],
) -> PortfolioState:
    settle(hour, 0, FillLog(fills, [len(fills)]), orders, state, config, terms)
    return state


def _open_compiled(view: View, acting: int, signals: Sequence[Signal], rules: Rules, books: Books) -> Books:
    moved = packed_books(0, len(books.orders))._replace(
        state=_packed_state(books.state),
        purse=integers(*books.purse),
        holdings=packed(Holding, books.holdings),
    )
    compiled(open_hour)(
        View(packed_one(view.market), packed(Reading, view.readings)),
        acting,
        packed(Signal, signals),
        Rules(packed_config(rules.config), packed_one(rules.mandate), packed(Terms, rules.terms)),
        moved,
    )
    decision = moved.decision
    return Books(
        state=_plain_state(moved.state),
        purse=books.purse,
        holdings=books.holdings,
        decision=Decision(
            unpacked(Intent, decision.intents),
            list(decision.order),
            unpacked_one(Totals, decision.totals),
            unpacked(ClusterTotal, decision.clusters),
        ),
        orders=plain_orders(moved.orders),
        fills=books.fills,
        decisions=books.decisions,
        equity=EquityLog(unpacked(EquityRow, cast(Any, moved.equity.rows)[:1]), [1]),
    )


def _settle_compiled(
    hour: int,
    fills: Sequence[Fill],
    orders: Sequence[ApprovedOrder],
    state: PortfolioState,
    config: TradingConfig,
    terms: Sequence[Terms],
) -> PortfolioState:
    moved = _packed_state(state)
    log = FillLog(packed(Fill, fills), integers(len(fills)))
    told = packed_orders(orders)
    compiled(settle)(hour, 0, log, told, moved, packed_config(config), packed(Terms, terms))
    return _plain_state(moved)


def _packed_state(state: PortfolioState) -> PortfolioState:
    return PortfolioState(packed_one(state.account), packed(Position, state.positions))


def _plain_state(state: PortfolioState) -> PortfolioState:
    return PortfolioState(unpacked_one(Account, state.account), unpacked(Position, state.positions))


PLAIN = Machine(_open, _settle)
COMPILED = Machine(_open_compiled, _settle_compiled)
