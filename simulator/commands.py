"""The private endpoints that act: place, amend, cancel. Every check comes before anything changes."""

from simulator.checks import (
    Desk,
    check_deadline,
    check_funds,
    check_id,
    check_mode,
    check_size,
    check_up,
)
from simulator.drafts import drafted, lots_of, ticks_of
from simulator.fills import marketable
from simulator.limits import AMEND_COST, CANCEL_COST, aged
from simulator.orders import STOP, Order
from simulator.orderview import described
from simulator.protocol import Params, Refusal, Result, flag, number, rfc3339
from simulator.tape import SECOND_NS

TIMEOUT_MAX_S = 86_400


def add_order(desk: Desk, params: Params) -> Result:
    """Place one order; with `validate` only say what it would be."""
    exchange = desk.exchange
    order = drafted(desk, params)
    check_id(desk, order)
    check_deadline(desk, params)
    check_mode(desk, order)
    check_size(desk, order)
    check_funds(desk, order)
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
    check_deadline(desk, params)
    check_mode(desk, order)
    if order.close:
        raise Refusal("EGeneral:Invalid arguments:order with conditional close")
    before = order.lots, order.price
    name = "trigger_price" if order.kind == STOP else "limit_price"
    order.lots = lots_of(params, "order_qty", order) if params.get("order_qty") else order.lots
    order.price = ticks_of(params, name, order) if params.get(name) else order.price
    try:
        check_size(desk, order)
        check_funds(desk, order)
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
    check_up(desk)
    return {"count": desk.exchange.cancel_all()}


def cancel_all_orders_after(desk: Desk, params: Params) -> Result:
    """Arm the dead man's switch; 0 disarms it."""
    timeout_s, now_ns = number(params, "timeout", -1), desk.exchange.now_ns
    if not 0 <= timeout_s < TIMEOUT_MAX_S:
        raise Refusal("EGeneral:Invalid arguments:timeout")
    trigger_ns = now_ns + timeout_s * SECOND_NS if timeout_s else 0
    desk.exchange.arm(trigger_ns)
    return {"currentTime": rfc3339(now_ns), "triggerTime": rfc3339(trigger_ns) if trigger_ns else "0"}


def _named(desk: Desk, params: Params) -> list[Order]:
    """The live orders that a cancel or amend names: unknown when they have ended, invalid when there were
    none.
    """
    check_up(desk)
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
