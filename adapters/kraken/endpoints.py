"""Every method of Kraken that Ballast may call, with the fields it may send: what is not here cannot be sent.

Leverage, margin, reduce-only and settling are no fields or values here, and no method withdraws, moves or
lends funds: the signer refuses to sign such a request, whoever asks.
"""

from collections.abc import Sequence
from typing import NamedTuple

from trading.errors import InvariantError


class Endpoint(NamedTuple):
    """One method of the venue."""

    name: str
    fields: frozenset[str] = frozenset()
    cost: int = 1
    """What a call adds to the counter of its key (private) or address (public)."""
    writes: bool = False
    """Changes something at the venue: sent once, never repeated by the client."""
    private: bool = False

    @property
    def path(self) -> str:
        return f"/0/{'private' if self.private else 'public'}/{self.name}"


def _public(name: str, *fields: str) -> Endpoint:
    return Endpoint(name, frozenset(fields))


def _read(name: str, *fields: str, cost: int = 1) -> Endpoint:
    return Endpoint(name, frozenset(fields), cost, private=True)


def _write(name: str, *fields: str, cost: int = 0) -> Endpoint:
    return Endpoint(name, frozenset(fields), cost, writes=True, private=True)


TIME = _public("Time")
SYSTEM_STATUS = _public("SystemStatus")
ASSETS = _public("Assets")
ASSET_PAIRS = _public("AssetPairs")
TICKER = _public("Ticker", "pair")
OHLC = _public("OHLC", "pair", "interval", "since")
DEPTH = _public("Depth", "pair", "count")
TRADES = _public("Trades", "pair", "since", "count")
SPREAD = _public("Spread", "pair", "since")

_PAGE = ("start", "end", "ofs")
BALANCE_EX = _read("BalanceEx")
TRADE_BALANCE = _read("TradeBalance", "asset")
OPEN_POSITIONS = _read("OpenPositions")
OPEN_ORDERS = _read("OpenOrders", "trades", "cl_ord_id")
CLOSED_ORDERS = _read("ClosedOrders", "trades", "cl_ord_id", "closetime", *_PAGE)
QUERY_ORDERS = _read("QueryOrders", "txid", "trades", "consolidate_taker")
TRADES_HISTORY = _read("TradesHistory", "consolidate_taker", *_PAGE, cost=2)
QUERY_TRADES = _read("QueryTrades", "txid")
LEDGERS = _read("Ledgers", "asset", "type", *_PAGE, cost=2)
TRADE_VOLUME = _read("TradeVolume", "pair")
GET_API_KEY_INFO = _read("GetApiKeyInfo")

ADD_ORDER = _write(
    "AddOrder",
    *("pair", "type", "ordertype", "volume", "price", "oflags", "cl_ord_id", "deadline", "timeinforce"),
    *("expiretm", "close[ordertype]", "close[price]"),
)
AMEND_ORDER = _write(
    "AmendOrder", "txid", "cl_ord_id", "order_qty", "limit_price", "trigger_price", "deadline"
)
CANCEL_ORDER = _write("CancelOrder", "txid", "cl_ord_id")
CANCEL_ALL = _write("CancelAll", cost=1)
CANCEL_ALL_ORDERS_AFTER = _write("CancelAllOrdersAfter", "timeout", cost=1)

PUBLIC = (TIME, SYSTEM_STATUS, ASSETS, ASSET_PAIRS, TICKER, OHLC, DEPTH, TRADES, SPREAD)
PRIVATE = (
    *(BALANCE_EX, TRADE_BALANCE, OPEN_POSITIONS, OPEN_ORDERS, CLOSED_ORDERS, QUERY_ORDERS, TRADES_HISTORY),
    *(QUERY_TRADES, LEDGERS, TRADE_VOLUME, GET_API_KEY_INFO),
    *(ADD_ORDER, AMEND_ORDER, CANCEL_ORDER, CANCEL_ALL, CANCEL_ALL_ORDERS_AFTER),
)

ORDER_TYPES = frozenset({"limit", "market", "stop-loss"})
ORDER_FLAGS = frozenset({"fciq", "post"})
VALUES = {
    "ordertype": ORDER_TYPES,
    "close[ordertype]": frozenset({"stop-loss"}),
    "type": frozenset({"buy", "sell"}),
    "timeinforce": frozenset({"GTC", "GTD", "IOC"}),
}
_SIGNABLE = {endpoint.path: endpoint for endpoint in PRIVATE}


def check_signable(path: str, fields: Sequence[tuple[str, str]]) -> None:
    """The last guard before a signature; an `InvariantError` names what Ballast may never send."""
    endpoint = _SIGNABLE.get(path)
    if endpoint is None:
        raise InvariantError(f"{path} is no method that Ballast may call; nothing was sent")
    names = [name for name, _ in fields]
    strange = sorted(set(names) - endpoint.fields)
    if strange or len(names) != len(set(names)):
        what = ", ".join(strange) or "a field twice"
        raise InvariantError(f"{endpoint.name} may not carry {what}; nothing was sent")
    for name, value in fields:
        fits = (
            set(value.split(",")) <= ORDER_FLAGS if name == "oflags" else value in VALUES.get(name, {value})
        )
        if not fits:
            raise InvariantError(f"{endpoint.name} may not carry {name}={value}; nothing was sent")
