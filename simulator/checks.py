"""What an order must satisfy before the venue takes it; each check is a `Refusal` in Kraken's words."""

import re
from typing import NamedTuple

from simulator.exchange import Exchange
from simulator.faults import Rule
from simulator.fills import buy_price
from simulator.limits import Limits
from simulator.market import MarketData
from simulator.orders import LIMIT, MARKET, Order
from simulator.protocol import Params, Refusal, from_rfc3339
from simulator.tape import SECOND_NS
from trading.portfolio import value_at

CLIENT_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32}|[a-z0-9_]{1,18}")
AHEAD_MAX_S = 60
"""How far ahead a deadline may lie."""
VALUE_MAX = 1 << 60
"""Beyond this, 1e-8 quote, 64-bit money is not exact; nobody has it."""


class Desk(NamedTuple):
    """Where a command is carried out, and the faults that strike it."""

    exchange: Exchange
    data: MarketData
    limits: Limits
    struck: tuple[Rule, ...] = ()

    def fault(self, kind: str) -> Rule | None:
        return next((rule for rule in self.struck if rule.kind == kind), None)


def require(holds: bool, argument: str) -> None:
    """Refuse an argument that is not as it must be."""
    if not holds:
        raise Refusal(f"EGeneral:Invalid arguments:{argument}")


def check_id(desk: Desk, order: Order) -> None:
    """A client's id is unique among open orders, and among those only."""
    if order.cl_ord_id is None:
        return
    require(CLIENT_ID.fullmatch(order.cl_ord_id) is not None, "cl_ord_id")
    if any(other.cl_ord_id == order.cl_ord_id for other in desk.exchange.open_orders()):
        raise Refusal("EGeneral:Invalid arguments:cl_ord_id not unique")


def check_deadline(desk: Desk, params: Params) -> None:
    """A deadline lies 2 to 60 s ahead when a request is sent; one that has passed means it came too late."""
    given = params.get("deadline")
    if not given:
        return
    try:
        ahead_ns = from_rfc3339(str(given)) - desk.exchange.now_ns
    except ValueError as error:
        raise Refusal("EGeneral:Invalid arguments:deadline") from error
    if ahead_ns < 0:
        raise Refusal("EService:Deadline elapsed")
    require(ahead_ns <= AHEAD_MAX_S * SECOND_NS, "deadline")


def check_up(desk: Desk) -> None:
    if desk.exchange.mode(None) == "maintenance":
        raise Refusal("EService:Unavailable")


def check_mode(desk: Desk, order: Order) -> None:
    check_up(desk)
    mode = desk.data.status(order.pair)
    closed = mode in ("cancel_only", "maintenance")
    if closed or (mode == "post_only" and not order.post) or (mode == "limit_only" and order.kind != LIMIT):
        raise Refusal(f"EService:Market in {mode} mode")
    if mode == "reduce_only" and order.buys:
        raise Refusal("EOrder:Reduce only:Cannot open position")


def check_size(desk: Desk, order: Order) -> None:
    terms, price = desk.exchange.terms[order.a], order.price or desk.data.reference(order.a)
    if order.lots < terms.order_min_lots:
        raise Refusal("EOrder:Order minimum not met")
    if order.lots * price * terms.multiplier // terms.divisor >= VALUE_MAX:
        raise Refusal("EOrder:Insufficient funds")
    if value_at(price, order.lots, terms) < terms.cost_min:
        raise Refusal("EOrder:Cost minimum not met")


def check_funds(desk: Desk, order: Order) -> None:
    """Refuse what the free balance does not cover; of an order already in, the hold has been taken."""
    exchange = desk.exchange
    asset, needed = order.pair.quote if order.buys else order.pair.base, 0
    if not order.txid:
        desk.limits.room(sum(other.pair == order.pair for other in exchange.open_orders()))
        needed = order.hold(exchange.terms[order.a], exchange.config)
        if order.kind == MARKET:
            fill = buy_price(order, exchange.scenery(order.a)) if order.buys else None
            needed = fill.value + fill.fee if fill else 0 if order.buys else order.lots
    if needed > exchange.available(asset.name):
        raise Refusal("EOrder:Insufficient funds")
