"""One hour of one portfolio computed again from what others said: the venue, the guard, and the state before.

market_again   window, lateness, predictions  ->  what anybody could see, out of a block of hours
decide_again   state before, testimony        ->  the whole decision
settle_again   state as decided, fills        ->  the state after the hour

The steps are those of a backtest, compiled or plain as the caller says. The live hour took its own from rows
instead of replies, and its features alone instead of in a block. Both must
write the same bytes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import NamedTuple

from trading.backtest.inputs import Scene, blocks, scene
from trading.clock import HOUR_S, TradingHour
from trading.codes import REFUSED
from trading.config import ExecutionRules
from trading.errors import DataError
from trading.instruments import quote_of
from trading.live.desk import Desk
from trading.live.documents import dump_decision, dump_state, parse_mandate
from trading.live.flows import Flow, before_flows, take_flows, with_flow
from trading.live.hour import adopt, books_of, fill_row, in_order, orders_of
from trading.live.machines import Machine
from trading.live.sight import Lateness, MarketRules
from trading.live.values import Approved, Booked, Guarded, Held, Ticket
from trading.market import Grid
from trading.models.protocol import Predictions
from trading.portfolio import Decision, Market, PortfolioState, Reading, Terms, View
from trading.records import unpacked
from trading.risk.approve import ApprovedOrder
from trading.universe import eligibility

BLOCK_H = 48
"""Hours before asof whose features are computed together with its own; the live hour computes one."""

Approvals = Mapping[int, Mapping[str, Approved]]
"""What risk left, by asof and instrument."""


class Word(NamedTuple):
    """The guard's, on whether entries may leave."""

    state: str
    epoch: int
    halt: str


class Testimony(NamedTuple):
    """What others said of one portfolio's hour: nothing in it was computed here."""

    late: Sequence[Booked]
    """Fills up to asof that are part of no state yet."""
    flows: Sequence[Flow]
    """What came or went since the decision before, by time."""
    looks: Sequence[Mapping[str, int]]
    """Balances by asset in the order in which they were asked for; lots, or 1e-8 of the quote."""
    word: Word


class Decided(NamedTuple):
    """A decision that was made again."""

    document: str
    state: PortfolioState
    """As the decision left it."""
    decision: Decision
    orders: Sequence[ApprovedOrder]

    def approved(self, names: Sequence[str]) -> dict[str, Approved]:
        """What risk left of the intents, by instrument."""
        return {name: Approved(**asdict(o)) for name, o in zip(names, self.orders, strict=True) if o.lots}


def market_again(grid: Grid, rules: MarketRules, hour: TradingHour) -> Scene:
    """What is derived once from a window, for the block of hours that ends at asof."""
    held = eligibility(grid, rules.lists, rules.universe, rules.venue.volume_scale)
    instruments = [rules.instruments[name] for name in grid.instruments]
    return scene(grid, instruments, rules.venue, held, hour.number - BLOCK_H)


def view_again(
    market: Scene,
    hour: TradingHour,
    rules: ExecutionRules,
    lateness: Lateness,
    predictions: Predictions | None = None,
) -> View:
    """The view at asof, as the last row of a block."""
    *_, block = blocks(market, hour.number - BLOCK_H, hour.number, rules, predictions)
    view = View(unpacked(Market, block.market)[-1], unpacked(Reading, block.readings[-1]))
    if lateness is Lateness.LATE:
        view.market.refused = REFUSED
    if lateness is Lateness.OVER:
        view.market.missed = 1
    return view


def decide_again(
    desk: Desk,
    ticket: Ticket,
    before: PortfolioState,
    said: Testimony,
    approvals: Approvals,
    machine: Machine,
) -> Decided:
    """Fold late fills, reconcile, mark, guard and decide; `approvals` are those of earlier hours."""
    state = fold_again(desk, ticket, said.late, approvals, before, machine)
    total = take_flows(said.flows, state, desk.sight.view, desk.instruments)
    held = held_by(desk, state, said.looks, total)
    guarded = Guarded(said.word.state, said.word.epoch, state.account.tier, said.word.halt)
    rules = adopt(guarded, desk.hour.number, state.account, desk.rules(ticket))
    advice = desk.sight.advice.get(ticket.predictor)
    signals = desk.sight.signals(ticket.predictor)
    acting = int(advice is not None and advice.acting)
    compared = books_of(state, before_flows(held, total), desk.instruments)
    books = machine.open(with_flow(desk.sight.view, total), acting, signals, rules, compared)
    books.state.account.halt_epoch = guarded.epoch
    facts: dict[str, object] = {
        "asof": str(desk.hour),
        "config": ticket.digest,
        "guard": guarded._replace(tier=books.state.account.tier)._asdict(),
        "held": held._asdict(),
        "late_fills": sorted(fill.trade.id for fill in said.late),
        "predictor": ticket.predictor,
        "view": desk.view,
    }
    if said.flows:
        facts["flows"] = [flow._asdict() for flow in said.flows]
    return Decided(dump_decision(desk.names, books, facts), books.state, books.decision, books.orders)


def settle_again(
    desk: Desk,
    ticket: Ticket,
    decided: PortfolioState,
    fills: Sequence[Booked],
    approvals: Approvals,
    machine: Machine,
) -> str:
    """The document of the state after the hour."""
    return dump_state(fold_again(desk, ticket, fills, approvals, decided, machine), desk.names)


def fold_again(
    desk: Desk,
    ticket: Ticket,
    fills: Sequence[Booked],
    approvals: Approvals,
    state: PortfolioState,
    machine: Machine,
) -> PortfolioState:
    """Fold fills into the state, hour by hour, each buy under the approval that its order rests on."""
    config, _ = parse_mandate(ticket.document)
    place = {name: a for a, name in enumerate(desk.names)}
    terms = [Terms.of(instrument) for instrument in desk.instruments]
    by_hour: dict[int, list[Booked]] = {}
    for fill in in_order(fills):
        by_hour.setdefault(int(fill.trade.at.timestamp()) // HOUR_S, []).append(fill)
    for hour, some in sorted(by_hour.items()):
        bought = {f.trade.instrument: TradingHour.at(f.asof).number for f in some if f.trade.lots > 0}
        approved = {name: approvals[asof][name] for name, asof in bought.items()}
        rows = [fill_row(hour, place[fill.trade.instrument], fill) for fill in some]
        state = machine.settle(hour, rows, orders_of(approved, desk.instruments), state, config, terms)
    return state


def held_by(desk: Desk, state: PortfolioState, looks: Sequence[Mapping[str, int]], total: int) -> Held:
    """The first look at the balances that agrees with our books, or else the last: what a comparison keeps.
    `total` came in and is not booked yet.

    Of an hour that was missed nobody knows, and nothing is compared. A `DataError` when nobody looked.
    """
    ours = {name: p.lots + p.dust for name, p in zip(desk.names, state.positions, strict=True)}
    if desk.is_missed:
        return Held(state.account.cash, ours)
    quote = quote_of(desk.instruments)
    shown: Held | None = None
    for look in looks:
        lots = {i.name: look.get(i.base, 0) for i in desk.instruments if look.get(i.base) or ours[i.name]}
        shown = Held(look.get(quote, 0), lots)
        if shown.cash - total == state.account.cash and all(lots.get(name, 0) == ours[name] for name in ours):
            return shown
    if shown is None:
        raise DataError(f"no reply tells the balances of {desk.hour}")
    return shown
