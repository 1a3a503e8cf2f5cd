"""One backtest hour in the hour's order: reconcile, mark, guard, decide, fill, settle. Runs compiled or
plain.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from trading.backtest.matching import Bar, Session, play
from trading.codes import MISSED, NO_CHANGE
from trading.config import TradingConfig
from trading.execution.fills import FillLog, Holding
from trading.execution.protection import protect
from trading.execution.reconciliation import reconcile
from trading.hour import Mandate, decide, observe
from trading.ledger.settlement import settle
from trading.portfolio import Decision, Ints, Market, PortfolioState, Reading, Signal, Terms, View
from trading.risk.approve import ApprovedOrder, withdraw

FILLS_PER_INSTRUMENT = 4
"""Most fills of one instrument in one bar: exit or entry, gap, stop, fallback."""


@dataclass(slots=True)
class EquityRow:
    """The account at one asof, before the hour's orders; amounts in 1e-8 quote."""

    hour: int
    equity: int
    units: int
    cash: int
    exposure: int
    positions: int
    peak: int
    lifetime_peak: int
    tier: int
    halted: int
    triggers: int
    outcome: int


@dataclass(slots=True)
class DecisionRow:
    """One instrument's verdict or breach at one asof; prices in ticks."""

    hour: int
    instrument: int
    action: int
    reason: int
    target_ppm: int
    breach: int
    verdict: int
    intent_lots: int
    limit: int
    stop: int
    approved_lots: int


class DecisionLog(NamedTuple):
    rows: Sequence[DecisionRow]
    used: Ints


class EquityLog(NamedTuple):
    rows: Sequence[EquityRow]
    used: Ints


class Inputs(NamedTuple):
    """What the hours of one block may see, and the bars that fill them; a row is an hour."""

    market: Sequence[Market]
    readings: Sequence[Sequence[Reading]]
    bars: Sequence[Sequence[Bar]]


class Advice(NamedTuple):
    """A benchmark's signals; row d belongs to hour day_first + 24 d."""

    day_first: int
    days: Sequence[Sequence[Signal]]


class Rules(NamedTuple):
    """What stays fixed over a run."""

    config: TradingConfig
    mandate: Mandate
    terms: Sequence[Terms]


class Books(NamedTuple):
    """What a run moves: our state, the venue's, the scratch of the hour, and the logs."""

    state: PortfolioState
    purse: Ints
    holdings: Sequence[Holding]
    decision: Decision
    orders: Sequence[ApprovedOrder]
    fills: FillLog
    decisions: DecisionLog
    equity: EquityLog


def run(inputs: Inputs, advice: Advice, rules: Rules, books: Books, first: int, stop: int) -> int:
    """Run the hours of rows first..stop-1 while the logs have room; returns the row to go on with.

    A row is filled on the bar of the next one, so the last row that can run is the one before the block's
    end.
    """
    instruments = len(books.state.positions)
    for t in range(first, stop):
        if books.fills.used[0] + FILLS_PER_INSTRUMENT * instruments > len(books.fills.rows):
            return t
        if books.decisions.used[0] + instruments > len(books.decisions.rows):
            return t
        if books.equity.used[0] == len(books.equity.rows):
            return t
        step(t, inputs, advice, rules, books)
    return stop


def step(t: int, inputs: Inputs, advice: Advice, rules: Rules, books: Books) -> None:
    """One hour: everything known at asof, one decision, then the next bar."""
    view = View(inputs.market[t], inputs.readings[t])
    day = (view.market.hour - advice.day_first) // 24
    acting = 1 if (view.market.hour - advice.day_first) % 24 == 0 and 0 <= day < len(advice.days) else 0
    open_hour(view, acting, advice.days[day if acting else 0], rules, books)
    fill_hour(view, inputs.bars[t + 1], rules, books)


def fill_hour(view: View, bars: Sequence[Bar], rules: Rules, books: Books) -> None:
    """Fill what was approved at asof on the bars that follow, fold the fills, make the stops rest."""
    first = books.fills.used[0]
    play(
        Session(
            view,
            bars,
            books.orders,
            books.state,
            books.purse,
            books.holdings,
            rules.config,
            rules.terms,
            books.fills,
        )
    )
    settle(view.market.hour, first, books.fills, books.orders, books.state, rules.config, rules.terms)
    protect(books.state, books.holdings)


def open_hour(view: View, acting: int, signals: Sequence[Signal], rules: Rules, books: Books) -> None:
    """Reconcile, mark, guard and decide; logs the decision and the account at asof. A benchmark's `signals`
    count at the hours at which it is `acting`.
    """
    state, hour = books.state, view.market.hour
    reconcile(hour, state, books.purse[0], books.holdings)
    cash = state.account.cash
    triggers = observe(view, state, rules.config, rules.mandate, rules.terms)
    books.purse[0] += state.account.cash - cash
    if view.market.missed != 0:
        withdraw(books.orders)
        outcome = MISSED
    else:
        outcome = decide(
            view,
            acting,
            signals,
            state,
            rules.config,
            rules.mandate,
            rules.terms,
            books.decision,
            books.orders,
        )
        log_decision(hour, books)
    log_equity(hour, triggers, outcome, books)


def close(view: View, rules: Rules, books: Books) -> None:
    """The last asof of a run: reconciled, marked and logged; nothing is decided without a bar to come."""
    reconcile(view.market.hour, books.state, books.purse[0], books.holdings)
    triggers = observe(view, books.state, rules.config, rules.mandate, rules.terms)
    log_equity(view.market.hour, triggers, NO_CHANGE, books)


def log_decision(hour: int, books: Books) -> None:
    """Append a row for every instrument with a verdict or a breach."""
    log = books.decisions
    for a in range(len(books.orders)):
        intent = books.decision.intents[a]
        if intent.verdict == 0 and intent.breach == 0:
            continue
        row = log.rows[log.used[0]]
        log.used[0] += 1
        row.hour, row.instrument, row.action, row.reason = hour, a, intent.action, intent.reason
        row.target_ppm, row.breach, row.verdict = intent.target_ppm, intent.breach, intent.verdict
        row.intent_lots, row.limit, row.stop = intent.lots, intent.limit, intent.stop
        row.approved_lots = books.orders[a].lots


def log_equity(hour: int, triggers: int, outcome: int, books: Books) -> None:
    """Append the account at asof."""
    account, log = books.state.account, books.equity
    row = log.rows[log.used[0]]
    log.used[0] += 1
    row.hour, row.equity, row.units, row.cash = hour, account.equity, account.units, account.cash
    row.exposure, row.positions = account.exposure, account.positions
    row.peak, row.lifetime_peak = account.peak, account.lifetime_peak
    row.tier, row.halted, row.triggers, row.outcome = account.tier, account.halted, triggers, outcome
