"""The private endpoints that only look: balances, orders, trades, ledgers, fees."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import TypeVar

from simulator.exchange import Exchange
from simulator.orders import Entry, Order, Trade
from simulator.orderview import ledger_row, shown, trade_row
from simulator.protocol import Params, Refusal, Result, balance_text, flag, money_text, names, number
from simulator.tape import SECOND_NS
from trading.money import PPM
from trading.portfolio import value_at

PAGE = 50
QUERY_MAX = 50
FEE_DECIMALS = 4

T = TypeVar("T")
Timed = TypeVar("Timed", Trade, Entry)


def balance(exchange: Exchange, _: Params) -> Result:
    return {asset: row["balance"] for asset, row in balance_rows(exchange, exchange.ledger.balances).items()}


def balance_ex(exchange: Exchange, _: Params) -> Result:
    return balance_rows(exchange, exchange.ledger.balances)


def balance_rows(exchange: Exchange, balances: Mapping[str, int]) -> Result:
    """Rows of BalanceEx for balances by asset name, with what orders hold now."""
    rows = {}
    for name, units in sorted(balances.items()):
        asset = exchange.catalogue.asset(name)
        if asset is not None:
            digits, held = exchange.catalogue.scale[asset.name], exchange.held(name)
            rows[asset.id] = {
                "balance": balance_text(asset, units, digits),
                "hold_trade": balance_text(asset, held, digits),
            }
    return rows


def trade_balance(exchange: Exchange, _: Params) -> Result:
    """Everything at the last price in the quote currency; there is no margin."""
    total = sum(units for name, units in exchange.ledger.balances.items() if name not in _bases(exchange))
    for a, instrument in enumerate(exchange.tape.instruments):
        units = exchange.ledger.balances.get(instrument.base, 0)
        scenery = exchange.scenery(a)
        price = scenery.bar.open if scenery.bar.traded else scenery.reading.close
        total += value_at(price, units, exchange.terms[a])
    unfilled = sum(
        value_at(order.price, order.left, exchange.terms[order.a])
        for order in exchange.open_orders()
        if order.buys
    )
    worth, none = money_text(total), money_text(0)
    return {
        "eb": worth,
        "tb": worth,
        "m": none,
        "uv": money_text(unfilled),
        "n": none,
        "c": none,
        "v": none,
        "e": worth,
        "mf": worth,
    }


def _bases(exchange: Exchange) -> set[str]:
    return {instrument.base for instrument in exchange.tape.instruments}


def open_orders(exchange: Exchange, params: Params) -> Result:
    found = _filtered(exchange.open_orders(), params)
    return {
        "open": {order.txid: shown(order, exchange.now_ns, flag(params, "trades")) for order in found[::-1]}
    }


def closed_orders(exchange: Exchange, params: Params) -> Result:
    done = _filtered((order for order in exchange.orders.values() if not order.live), params)
    by_opening = params.get("closetime") == "open"
    moments = {order.txid: order.opened_ns if by_opening else order.closed_ns for order in done}
    start, end = _bounds(params, moments.items)
    found = [order for order in done if start < moments[order.txid] <= end]
    found.sort(key=lambda order: order.closed_ns, reverse=True)
    rows = {
        order.txid: shown(order, exchange.now_ns, flag(params, "trades")) for order in _page(found, params)
    }
    return _counted("closed", rows, len(found), params)


def query_orders(exchange: Exchange, params: Params) -> Result:
    wanted = names(params, "txid")
    if not 1 <= len(wanted) <= QUERY_MAX:
        raise Refusal("EGeneral:Invalid arguments:txid")
    orders = [exchange.orders[txid] for txid in wanted if txid in exchange.orders]
    if not orders:
        raise Refusal("EOrder:Invalid order")
    return {
        order.txid: shown(order, exchange.now_ns, flag(params, "trades"))
        for order in _filtered(orders, params)
    }


def trades_history(exchange: Exchange, params: Params) -> Result:
    trades = exchange.trades
    found = _within(trades, _bounds(params, lambda: ((trade.txid, trade.time_ns) for trade in trades)))
    rows = {trade.txid: trade_row(trade, flag(params, "ledgers")) for trade in _page(found, params)}
    return _counted("trades", rows, len(found), params)


def query_trades(exchange: Exchange, params: Params) -> Result:
    wanted = set(names(params, "txid"))
    rows = {trade.txid: trade_row(trade, False) for trade in exchange.trades if trade.txid in wanted}
    if len(wanted) > 20 or len(rows) < len(wanted):
        raise Refusal("EGeneral:Invalid arguments:txid")
    return rows


def ledgers(exchange: Exchange, params: Params) -> Result:
    assets = [exchange.catalogue.asset(name) for name in names(params, "asset") if name != "all"]
    wanted, kind = {asset.name for asset in assets if asset}, str(params.get("type", "all"))
    entries = exchange.ledger.entries
    found = _within(entries, _bounds(params, lambda: ((entry.id, entry.time_ns) for entry in entries)))
    if assets or kind != "all":
        found = [
            entry for entry in found if (not assets or entry.asset in wanted) and kind in ("all", entry.kind)
        ]
    rows = {entry.id: ledger_row(exchange, entry) for entry in _page(found, params)}
    return _counted("ledger", rows, len(found), params)


def trade_volume(exchange: Exchange, params: Params) -> Result:
    given = params.get("fee_schedule", "false")
    if given not in ("true", "false"):
        raise Refusal("EGeneral:Invalid arguments")
    result: Result = {"currency": "ZUSD", "volume": "0.0000"}
    pairs = [exchange.catalogue.pair(name) for name in names(params, "pair")]
    if None in pairs:
        raise Refusal("EQuery:Unknown asset pair")
    if pairs:
        ids = [pair.id for pair in pairs if pair]
        fees = exchange.config.fees
        result["fees"] = {id: _fee(fees.taker_ppm) for id in ids}
        result["fees_maker"] = {id: _fee(fees.maker_ppm) for id in ids}
        if given == "true":
            tier = {
                "maker_fee": _percent(fees.maker_ppm),
                "taker_fee": _percent(fees.taker_ppm),
                "active": True,
            }
            result["schedules"] = [{"pair": id, "class": "forex", "tiers": [tier]} for id in ids]
    return result


def _fee(ppm: int) -> Result:
    percent = _percent(ppm)
    return {
        "fee": percent,
        "minfee": percent,
        "maxfee": percent,
        "nextfee": None,
        "nextvolume": None,
        "tiervolume": "0.0000",
    }


def _percent(ppm: int) -> str:
    return f"{ppm * 100 / PPM:.{FEE_DECIMALS}f}"


def open_positions(_: Exchange, __: Params) -> Result:
    """Margin positions: there are none, and no way to have one."""
    return {}


def _filtered(orders: Iterable[Order], params: Params) -> list[Order]:
    """The orders with the client's id or reference, where one is given."""
    id, reference = params.get("cl_ord_id"), params.get("userref")
    return [
        order
        for order in orders
        if (not id or order.cl_ord_id == id) and (not reference or str(order.userref) == str(reference))
    ]


def _bounds(params: Params, known: Callable[[], Iterable[tuple[str, int]]]) -> tuple[int, int]:
    """(exclusive start, inclusive end) in nanoseconds; each is a time in seconds or an id, whose time
    counts.
    """

    def bound(name: str, default: int) -> int:
        given = str(params.get(name) or "")
        try:
            return int(float(given) * SECOND_NS) if given else default
        except ValueError:
            found = next((time_ns for id, time_ns in known() if id == given), None)
        if found is None:
            raise Refusal(f"EGeneral:Invalid arguments:{name}")
        return found

    return bound("start", -1), bound("end", 1 << 63)


def _within(rows: Sequence[Timed], bounds: tuple[int, int]) -> list[Timed]:
    """The rows between two times, newest first; `rows` are in order of time."""
    start, end = (bisect_right(rows, bound, key=attrgetter("time_ns")) for bound in bounds)
    return list(rows[start:end][::-1])


def _page(rows: list[T], params: Params) -> list[T]:
    offset = number(params, "ofs", 0)
    return rows[offset : offset + PAGE]


def _counted(name: str, rows: Result, count: int, params: Params) -> Result:
    return {name: rows} if flag(params, "without_count") else {name: rows, "count": count}
