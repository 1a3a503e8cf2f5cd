"""Orders, trades and ledger entries as Kraken shows them."""

from simulator.exchange import Exchange
from simulator.orders import LIMIT, MARKET, STOP, Entry, Order, Trade
from simulator.protocol import Result, balance_text, lots_text, money_text, price_text, seconds
from trading.money import half_up


def described(order: Order) -> Result:
    """The `descr` of an order."""
    side, pair = "buy" if order.buys else "sell", order.pair
    price = price_text(pair, order.price) if order.price else "0"
    at = {LIMIT: f"limit {price}", MARKET: "market", STOP: f"stop loss {price}"}[order.kind]
    return {
        "pair": pair.altname,
        "aclass": "forex",
        "type": side,
        "ordertype": order.kind,
        "price": price,
        "price2": "0",
        "leverage": "none",
        "order": f"{side} {lots_text(pair, order.lots)} {pair.altname} @ {at}",
        "close": f"close position @ stop loss {price_text(pair, order.close)}" if order.close else "",
    }


def shown(order: Order, now_ns: int, with_trades: bool) -> Result:
    """The order object of OpenOrders, ClosedOrders and QueryOrders."""
    pair = order.pair
    stop = price_text(pair, order.price) if order.kind == STOP else price_text(pair, 0)
    row: Result = {
        "refid": order.refid,
        "userref": order.userref,
        "status": "pending" if order.live and now_ns < order.pending_until_ns else order.status,
        "opentm": seconds(order.opened_ns),
        "starttm": 0,
        "expiretm": order.expires_ns / 1_000_000_000 if order.expires_ns else 0,
        "descr": described(order),
        "vol": lots_text(pair, order.lots),
        "vol_exec": lots_text(pair, order.filled),
        "cost": money_text(order.value),
        "fee": money_text(order.fee),
        "price": average(order),
        "stopprice": stop,
        "limitprice": price_text(pair, 0),
        "misc": ",".join(
            word
            for word, holds in (
                ("partial", 0 < order.filled < order.lots),
                ("amended", order.amended),
                ("stopped", order.kind == STOP and order.filled > 0),
            )
            if holds
        ),
        "oflags": "fciq,post" if order.post else "fciq",
    }
    if order.cl_ord_id is not None:
        row["cl_ord_id"] = order.cl_ord_id
    if order.kind == STOP:
        row["trigger"] = "last"
    if not order.live:
        row |= {"closetm": seconds(order.closed_ns), "reason": order.reason}
    if with_trades and order.trades:
        row["trades"] = list(order.trades)
    return row


def average(order: Order) -> str:
    """Average price of execution; zero while nothing has traded."""
    instrument = order.pair.instrument
    if order.filled == 0:
        return price_text(order.pair, 0, 5)
    return money_text(half_up(order.value * instrument.lots_per_unit, order.filled))


def trade_row(trade: Trade, with_ledgers: bool) -> Result:
    """The trade object of TradesHistory and QueryTrades."""
    order = trade.order
    row: Result = {
        "ordertxid": order.txid,
        "postxid": "TKH2SE-M7IF5-CFI7LT",
        "pair": order.pair.id,
        "time": seconds(trade.time_ns),
        "type": "buy" if order.buys else "sell",
        "ordertype": order.kind,
        "price": price_text(
            order.pair, trade.ticks, max(order.pair.cost_decimals, order.pair.price_decimals)
        ),
        "cost": money_text(trade.value),
        "fee": money_text(trade.fee),
        "vol": lots_text(order.pair, trade.lots),
        "margin": money_text(0),
        "leverage": "0",
        "misc": "",
        "trade_id": trade.number,
        "maker": trade.maker,
    }
    return row | {"ledgers": list(trade.ledgers)} if with_ledgers else row


def ledger_row(exchange: Exchange, entry: Entry) -> Result:
    """The entry object of Ledgers."""
    asset = exchange.catalogue.asset(entry.asset)
    assert asset is not None
    digits = exchange.catalogue.scale[asset.name]
    return {
        "refid": entry.refid,
        "time": seconds(entry.time_ns),
        "type": entry.kind,
        "subtype": "",
        "aclass": "currency",
        "asset": asset.id,
        "amount": balance_text(asset, entry.amount, digits),
        "fee": balance_text(asset, entry.fee, digits),
        "balance": balance_text(asset, entry.balance, digits),
    }
