"""From the parameters of AddOrder to an order on the pair's grid; market and funds are checked elsewhere."""

from simulator.checks import Desk, require
from simulator.orders import LIMIT, MARKET, STOP, Order
from simulator.protocol import Params, Refusal, decimal, flag, moment, names, number
from simulator.tape import SECOND_NS
from trading.errors import UsageError
from trading.money import PPM

UNTIL_EXPIRY_S = (5, 31 * 86_400)
LOTS_MAX = 1 << 55
FLAGS = {"post", "fciq", "nompp"}


def drafted(desk: Desk, params: Params) -> Order:
    """The order that the parameters describe, on the pair's grid."""
    pair = desk.exchange.catalogue.pair(str(params.get("pair", "")))
    if pair is None:
        raise Refusal("EQuery:Unknown asset pair")
    desk.limits.engine(pair.id, 1, desk.exchange.now_ns)
    side, kind, flags = params.get("type"), str(params.get("ordertype")), set(names(params, "oflags"))
    a = desk.data.column(pair)
    if a is None:
        raise Refusal("EService:Market in cancel_only mode")
    require(side in ("buy", "sell"), "type")
    require(kind in (LIMIT, MARKET) or (kind == STOP and side == "sell"), "ordertype")
    require(flags <= FLAGS and not ("post" in flags and kind != LIMIT), "oflags")
    require(str(params.get("leverage", "none")).lower() in ("none", ""), "leverage")
    require(not flag(params, "reduce_only"), "reduce_only")
    require(not (params.get("cl_ord_id") and params.get("userref")), "cl_ord_id")
    now_ns, partial, pending = desk.exchange.now_ns, desk.fault("partial"), desk.fault("pending")
    order = Order("", pair, a, side == "buy", kind, 0, 0, now_ns, post="post" in flags)
    order.lots = lots_of(params, "volume", order)
    order.price = 0 if kind == MARKET else ticks_of(params, "price", order)
    order.immediate, order.expires_ns = _duration(params, now_ns)
    order.close = _close(params, order)
    order.cl_ord_id = params.get("cl_ord_id") or None
    order.userref = number(params, "userref", 0) if params.get("userref") else None
    order.share_ppm = int(partial.args.get("share_ppm", PPM // 2)) if partial else PPM
    order.pending_until_ns = now_ns + int(pending.args.get("for_s", 5) * SECOND_NS) if pending else 0
    return order


def lots_of(params: Params, name: str, order: Order) -> int:
    volume, instrument = decimal(params, name), order.pair.instrument
    lots = instrument.lots(volume)
    require(instrument.quantity(lots) == volume and lots < LOTS_MAX, "volume")
    return lots


def ticks_of(params: Params, name: str, order: Order) -> int:
    try:
        return order.pair.instrument.ticks(decimal(params, name))
    except UsageError as error:
        raise Refusal("EOrder:Tick size check failed") from error


def _close(params: Params, order: Order) -> int:
    """The trigger of the conditional close in ticks; 0 for none. Only a stop under a buy is known here."""
    kind = params.get("close[ordertype]")
    require(not kind or (kind == STOP and order.buys), "close[ordertype]")
    return ticks_of(params, "close[price]", order) if kind else 0


def _duration(params: Params, now_ns: int) -> tuple[str, int]:
    """(IOC, FOK or empty, expiry or 0)."""
    force, expires_ns = str(params.get("timeinforce") or "GTC"), moment(params, "expiretm", now_ns)
    require(force in ("GTC", "IOC", "GTD", "FOK") and (force != "GTD" or expires_ns > 0), "timeinforce")
    require(moment(params, "starttm", now_ns) == 0, "starttm")
    low, high = (now_ns + limit_s * SECOND_NS for limit_s in UNTIL_EXPIRY_S)
    require(expires_ns == 0 or low <= expires_ns <= high, "expiretm")
    return (force if force in ("IOC", "FOK") else ""), expires_ns
