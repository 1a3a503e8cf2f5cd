"""The private endpoints that act: place, amend, cancel. Every check comes before anything changes."""

import re
from typing import NamedTuple

from simulator.exchange import Exchange
from simulator.faults import Rule
from simulator.fills import buy_price, marketable
from simulator.limits import AMEND_COST, CANCEL_COST, Limits, aged
from simulator.market import MarketData
from simulator.orders import LIMIT, MARKET, STOP, Order
from simulator.orderview import described
from simulator.protocol import (
    Params,
    Refusal,
    Result,
    decimal,
    flag,
    from_rfc3339,
    moment,
    names,
    number,
    rfc3339,
)
from simulator.tape import SECOND_NS
from trading.errors import UsageError
from trading.money import PPM
from trading.portfolio import value_at

CLIENT_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32}|[a-z0-9_]{1,18}")
UNTIL_EXPIRY_S = (5, 31 * 86_400)
DEADLINE_S = (2, 60)
LOTS_MAX, VALUE_MAX = 1 << 55, 1 << 60
TIMEOUT_MAX_S = 86_400
FLAGS = {"post", "fciq", "nompp"}


class Desk(NamedTuple):
    """Where a command is carried out, and the faults that strike it."""

    exchange: Exchange
    data: MarketData
    limits: Limits
    struck: tuple[Rule, ...] = ()

    def fault(self, kind: str) -> Rule | None:
        return next((rule for rule in self.struck if rule.kind == kind), None)


def add_order(desk: Desk, params: Params) -> Result:
    """Place one order; with `validate` only say what it would be."""
    exchange = desk.exchange
    order = _drafted(desk, params)
    _check_id(desk, order)
    _check_deadline(desk, params)
    _check_mode(desk, order)
    _check_size(desk, order)
    _check_funds(desk, order)
    crossing = order.post and marketable(order, exchange.scenery(order.a))
    if crossing and desk.fault("cross"):
        raise Refusal("EOrder:Post only order")
    shown = described(order)
    result: Result = {"descr": {"order": shown["order"]}}
    if order.close:
        result["descr"]["close"] = shown["close"]
    if flag(params, "validate"):
        return result
    order.txid = exchange.draw_txid()
    if crossing:
        exchange.refuse(order, "Post only order")
    else:
        exchange.place(order)
    return result | {"txid": [order.txid]}


def amend_order(desk: Desk, params: Params) -> Result:
    """Change quantity or price of a live order; it keeps its id."""
    exchange = desk.exchange
    order = _named(desk, params)[0]
    age_ns = exchange.now_ns - order.opened_ns
    desk.limits.engine(order.pair.id, 1 + aged(AMEND_COST, age_ns), exchange.now_ns)
    _check_deadline(desk, params)
    _check_mode(desk, order)
    if order.close:
        raise Refusal("EGeneral:Invalid arguments:order with conditional close")
    before = order.lots, order.price
    name = "trigger_price" if order.kind == STOP else "limit_price"
    order.lots = _lots(params, "order_qty", order) if params.get("order_qty") else order.lots
    order.price = _ticks(params, name, order) if params.get(name) else order.price
    try:
        _check_size(desk, order)
        _check_funds(desk, order)
    except Refusal:
        order.lots, order.price = before
        raise
    exchange.amend(order)
    return {"amend_id": exchange.draw_txid().replace("O", "T", 1)}


def cancel_order(desk: Desk, params: Params) -> Result:
    """Cancel by txid, userref or cl_ord_id."""
    exchange, count = desk.exchange, 0
    stuck, race = desk.fault("stuck"), desk.fault("race")
    for order in _named(desk, params):
        age_ns = exchange.now_ns - order.opened_ns
        desk.limits.engine(order.pair.id, aged(CANCEL_COST, age_ns), exchange.now_ns)
        if race:
            exchange.fill_at_limit(order)
            if not order.live:
                raise Refusal("EOrder:Unknown order")
        if stuck is None:
            exchange.end(order, "canceled", "User requested")
        elif stuck.args.get("for_s") is not None:
            exchange.end_later(order, stuck.args["for_s"])
        count += 1
    return {"count": count, "pending": True} if stuck else {"count": count}


def cancel_all(desk: Desk, _: Params) -> Result:
    _check_up(desk)
    return {"count": desk.exchange.cancel_all()}


def cancel_all_orders_after(desk: Desk, params: Params) -> Result:
    """Arm the dead man's switch; 0 disarms it."""
    timeout_s, now_ns = number(params, "timeout", -1), desk.exchange.now_ns
    if not 0 <= timeout_s < TIMEOUT_MAX_S:
        raise Refusal("EGeneral:Invalid arguments:timeout")
    trigger_ns = now_ns + timeout_s * SECOND_NS if timeout_s else 0
    desk.exchange.arm(trigger_ns)
    return {"currentTime": rfc3339(now_ns), "triggerTime": rfc3339(trigger_ns) if trigger_ns else "0"}


def _drafted(desk: Desk, params: Params) -> Order:
    """The order that the parameters describe, on the pair's grid."""
    pair = desk.exchange.catalogue.pair(str(params.get("pair", "")))
    if pair is None:
        raise Refusal("EQuery:Unknown asset pair")
    desk.limits.engine(pair.id, 1, desk.exchange.now_ns)
    side, kind, flags = params.get("type"), str(params.get("ordertype")), set(names(params, "oflags"))
    a = desk.data.column(pair)
    if a is None:
        raise Refusal("EService:Market in cancel_only mode")
    _require(side in ("buy", "sell"), "type")
    _require(kind in (LIMIT, MARKET) or (kind == STOP and side == "sell"), "ordertype")
    _require(flags <= FLAGS and not ("post" in flags and kind != LIMIT), "oflags")
    _require(str(params.get("leverage", "none")).lower() in ("none", ""), "leverage")
    _require(not flag(params, "reduce_only"), "reduce_only")
    _require(not (params.get("cl_ord_id") and params.get("userref")), "cl_ord_id")
    now_ns, partial, pending = desk.exchange.now_ns, desk.fault("partial"), desk.fault("pending")
    order = Order("", pair, a, side == "buy", kind, 0, 0, now_ns, post="post" in flags)
    order.lots = _lots(params, "volume", order)
    order.price = 0 if kind == MARKET else _ticks(params, "price", order)
    order.immediate, order.expires_ns = _duration(params, now_ns)
    order.close = _close(params, order)
    order.cl_ord_id = params.get("cl_ord_id") or None
    order.userref = number(params, "userref", 0) if params.get("userref") else None
    order.share_ppm = int(partial.args.get("share_ppm", PPM // 2)) if partial else PPM
    order.pending_until_ns = now_ns + int(pending.args.get("for_s", 5) * SECOND_NS) if pending else 0
    return order


def _require(holds: bool, argument: str) -> None:
    if not holds:
        raise Refusal(f"EGeneral:Invalid arguments:{argument}")


def _lots(params: Params, name: str, order: Order) -> int:
    volume, instrument = decimal(params, name), order.pair.instrument
    lots = instrument.lots(volume)
    _require(instrument.quantity(lots) == volume and lots < LOTS_MAX, "volume")
    return lots


def _ticks(params: Params, name: str, order: Order) -> int:
    try:
        return order.pair.instrument.ticks(decimal(params, name))
    except UsageError as error:
        raise Refusal("EOrder:Tick size check failed") from error


def _close(params: Params, order: Order) -> int:
    """The trigger of the conditional close in ticks; 0 for none. Only a stop under a buy is known here."""
    kind = params.get("close[ordertype]")
    _require(not kind or (kind == STOP and order.buys), "close[ordertype]")
    return _ticks(params, "close[price]", order) if kind else 0


def _duration(params: Params, now_ns: int) -> tuple[str, int]:
    """(IOC, FOK or empty, expiry or 0)."""
    force, expires_ns = str(params.get("timeinforce") or "GTC"), moment(params, "expiretm", now_ns)
    _require(force in ("GTC", "IOC", "GTD", "FOK") and (force != "GTD" or expires_ns > 0), "timeinforce")
    _require(moment(params, "starttm", now_ns) == 0, "starttm")
    low, high = (now_ns + limit_s * SECOND_NS for limit_s in UNTIL_EXPIRY_S)
    _require(expires_ns == 0 or low <= expires_ns <= high, "expiretm")
    return (force if force in ("IOC", "FOK") else ""), expires_ns


def _check_id(desk: Desk, order: Order) -> None:
    """A client's id is unique among open orders, and among those only."""
    if order.cl_ord_id is None:
        return
    _require(CLIENT_ID.fullmatch(order.cl_ord_id) is not None, "cl_ord_id")
    if any(other.cl_ord_id == order.cl_ord_id for other in desk.exchange.open_orders()):
        raise Refusal("EGeneral:Invalid arguments:cl_ord_id not unique")


def _check_deadline(desk: Desk, params: Params) -> None:
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
    _require(ahead_ns <= DEADLINE_S[1] * SECOND_NS, "deadline")


def _check_up(desk: Desk) -> None:
    if desk.exchange.mode(None) == "maintenance":
        raise Refusal("EService:Unavailable")


def _check_mode(desk: Desk, order: Order) -> None:
    _check_up(desk)
    mode = desk.data.status(order.pair)
    closed = mode in ("cancel_only", "maintenance")
    if closed or (mode == "post_only" and not order.post) or (mode == "limit_only" and order.kind != LIMIT):
        raise Refusal(f"EService:Market in {mode} mode")
    if mode == "reduce_only" and order.buys:
        raise Refusal("EOrder:Reduce only:Cannot open position")


def _check_size(desk: Desk, order: Order) -> None:
    terms, price = desk.exchange.terms[order.a], order.price or desk.data.reference(order.a)
    if order.lots < terms.order_min_lots:
        raise Refusal("EOrder:Order minimum not met")
    if order.lots * price * terms.multiplier // terms.divisor >= VALUE_MAX:
        raise Refusal("EOrder:Insufficient funds")
    if value_at(price, order.lots, terms) < terms.cost_min:
        raise Refusal("EOrder:Cost minimum not met")


def _check_funds(desk: Desk, order: Order) -> None:
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


def _named(desk: Desk, params: Params) -> list[Order]:
    """The live orders that a cancel or amend names: unknown when they have ended, invalid when there were
    none.
    """
    _check_up(desk)
    txid, id = str(params.get("txid") or ""), params.get("cl_ord_id")
    found = [
        order
        for order in desk.exchange.orders.values()
        if (order.cl_ord_id == id if id else txid in (order.txid, str(order.userref)))
    ]
    live = [order for order in found if order.live]
    if not live:
        raise Refusal("EOrder:Unknown order" if found else "EOrder:Invalid order")
    return live
