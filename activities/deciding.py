"""What is thought about one portfolio in an hour: steps over its books, without venue or engine.

standing after H - 1, fills since   ->  mark  ->  (the guard is told, and answers)  ->  decide
state as it was decided, fills of H ->  settle
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from activities.ports import Books
from trading.clock import TradingHour
from trading.codes import OUTCOMES
from trading.errors import InvariantError, VenueUnavailable
from trading.execution.entering import DONE_BY
from trading.live.desk import Desk
from trading.live.documents import dump_decision, dump_state, parse_mandate, state_of_decision
from trading.live.flows import Flow, before_flows, take_flows, with_flow
from trading.live.hour import books_of, mark_live, open_live, orders_of, settle_live
from trading.live.values import Approved, Booked, Held, HourEnd, Told
from trading.portfolio import Account, PortfolioState
from trading.risk.trading_state import Cause


class Marked(NamedTuple):
    """A portfolio at the mark of an hour."""

    account: Account
    flow: int
    triggers: int
    """Bits that fired."""
    review_after_h: int
    trips: tuple[str, ...]
    """What latches a halt at once."""


class Carried(NamedTuple):
    """A portfolio as it enters an hour, and what was folded into it on the way."""

    state: PortfolioState
    late: Sequence[Booked]
    flows: Sequence[Flow]
    flow: int
    """Value of the deposits less the withdrawals among them, to be booked at the mark."""


def carried(books: Books, desk: Desk) -> Carried:
    """The standing after the last settled hour with every fill up to asof in it, and every flow.

    Fills that came after an hour was settled, such as a stop in its last minutes, are folded here. Flows are
    those that the journal has: the comparison with the venue has just posted them.
    """
    standing = books.standing([instrument.name for instrument in desk.instruments])
    if standing.hour >= desk.hour.number:
        raise InvariantError(f"hour {desk.hour} is settled already")
    late = [fill for fill in books.unfolded() if fill.trade.at <= desk.hour.asof]
    fold_fills(books, desk, late, standing.state)
    flows = [] if desk.is_missed else books.unfolded_flows()
    total = take_flows(flows, standing.state, desk.sight.view, desk.instruments)
    return Carried(standing.state, late, flows, total)


def fold_fills(books: Books, desk: Desk, fills: Sequence[Booked], state: PortfolioState) -> None:
    """Fold fills into the state, hour by hour, each under the approval that its order rests on."""
    if not fills:
        return
    config, _ = parse_mandate(books.ticket(desk.hour).document)
    hours = sorted({int(fill.trade.at.timestamp()) // 3600 for fill in fills})
    for hour in hours:
        some = [fill for fill in fills if int(fill.trade.at.timestamp()) // 3600 == hour]
        orders = orders_of(_approvals(books, some), desk.instruments)
        settle_live(hour, some, orders, state, config, desk.instruments)


def _approvals(books: Books, fills: Sequence[Booked]) -> Mapping[str, Approved]:
    approved: dict[str, Approved] = {}
    for fill in fills:
        told = books.decision(TradingHour.at(fill.asof))
        if told and fill.trade.lots > 0:
            approved[fill.trade.instrument] = told.approved[fill.trade.instrument]
    return approved


def held_of(books: Books, desk: Desk, state: PortfolioState) -> Held:
    """What the venue holds at asof; of an hour that was missed nobody knows, and nothing is compared."""
    if desk.is_missed:
        lots = {i.name: p.lots + p.dust for i, p in zip(desk.instruments, state.positions, strict=True)}
        return Held(state.account.cash, lots)
    held = books.held(desk.hour, desk.instruments)
    if held is None:
        raise VenueUnavailable(f"hour {desk.hour} was not compared with the venue; reconcile first")
    return held


def marked(books: Books, desk: Desk) -> Marked:
    """Mark and guard a portfolio as far as it can by itself, to tell the guard."""
    came = carried(books, desk)
    state, ticket = came.state, books.ticket(desk.hour)
    held = before_flows(held_of(books, desk, state), came.flow)
    view = with_flow(desk.sight.view, came.flow)
    fired = mark_live(view, desk.rules(ticket), books_of(state, held, desk.instruments))
    trips = [Cause.MISMATCH] if state.account.unreconciled else []
    trips += [Cause.UNKNOWN_ORDER] if books.is_unclear(desk.hour) else []
    review_after_h = parse_mandate(ticket.document)[1]
    return Marked(state.account, view.market.flow, fired, review_after_h, tuple(trips))


def decided(books: Books, desk: Desk) -> Told:
    """Decide, once for ever; returns the decision that stands."""
    before = books.decision(desk.hour)
    if before is not None:
        return before
    guarded = books.guarded(desk.hour)
    if guarded is None:
        raise VenueUnavailable(f"the guard was not told the mark of {desk.hour}; tell it first")
    came = carried(books, desk)
    held = held_of(books, desk, came.state)
    ticket = books.ticket(desk.hour)
    live = books_of(came.state, before_flows(held, came.flow), desk.instruments)
    advice = desk.sight.advice.get(ticket.predictor)
    signals = desk.sight.signals(ticket.predictor)
    acting = advice.acting if advice else 0
    open_live(
        with_flow(desk.sight.view, came.flow),
        acting,
        signals,
        desk.rules(ticket),
        guarded,
        live,
    )
    facts: dict[str, object] = {
        "asof": str(desk.hour),
        "config": ticket.digest,
        "guard": guarded._asdict(),
        "held": held._asdict(),
        "late_fills": sorted(fill.trade.id for fill in came.late),
        "predictor": ticket.predictor,
        "view": desk.view,
    }
    if came.flows:
        facts["flows"] = [flow._asdict() for flow in came.flows]
    names = [instrument.name for instrument in desk.instruments]
    document = dump_decision(names, live, facts)
    outcome = OUTCOMES[live.equity.rows[0].outcome]
    books.fold(desk.hour, came.late)
    books.fold_flows(desk.hour, came.flows)
    return books.keep_decision(desk.hour, outcome, guarded.epoch, document, names, live.decision, live.orders)


def settled(books: Books, desk: Desk, reason: str = "") -> HourEnd:
    """Fold the hour's fills up to `DONE_BY` into the decided state and store it; the hour is over then."""
    before = books.ended(desk.hour)
    if before is not None:
        return before
    told = books.decision(desk.hour)
    if told is None:
        raise InvariantError(f"hour {desk.hour} has no decision to settle")
    names = [instrument.name for instrument in desk.instruments]
    state = state_of_decision(told.document, names)
    fills = [fill for fill in books.unfolded() if fill.trade.at <= desk.hour.asof + DONE_BY]
    fold_fills(books, desk, fills, state)
    books.fold(desk.hour, fills)
    end = HourEnd(told.outcome, reason, len(fills), settled=True)
    books.settle(desk.hour, dump_state(state, names), end)
    return end
