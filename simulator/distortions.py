"""Faults in a result: what was true is changed before it is sent. Each is a function of result, rule and
venue.

A distortion touches replies only, never the venue's books; the truth log holds what was true.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from simulator.account import balance_rows
from simulator.exchange import Exchange
from simulator.faults import Rule
from simulator.orderview import shown
from simulator.protocol import Result
from simulator.tape import SECOND_NS

Distortion = Callable[[Result, Rule, Exchange], Any]


def distort(result: Any, struck: list[Rule], exchange: Exchange) -> tuple[list[str], Any]:
    """(warnings, result) after every distortion that struck, in turn."""
    warnings: list[str] = []
    for rule in struck:
        if rule.kind == "warning":
            warnings.append(str(rule.args.get("message", "WGeneral:Danger")))
        elif rule.kind in DISTORTIONS and isinstance(result, dict):
            result = DISTORTIONS[rule.kind](result, rule, exchange)
    return warnings, result


def _patch(result: Result, rule: Rule, _: Exchange) -> Result:
    patched: Result = _merged(result, rule.args["result"])
    return patched


def _merged(old: Any, new: Any) -> Any:
    """JSON merge patch: objects merge, null deletes, all else replaces."""
    if not isinstance(old, dict) or not isinstance(new, dict):
        return new
    kept = {key: value for key, value in old.items() if key not in new}
    return kept | {key: _merged(old.get(key), value) for key, value in new.items() if value is not None}


def _null(_: Result, __: Rule, ___: Exchange) -> None:
    return None


def _hidden(result: Result, rule: Rule, exchange: Exchange) -> Result:
    """Orders younger than `for_s` are not there yet."""
    since_ns = exchange.now_ns - int(rule.args.get("for_s", 5) * SECOND_NS)
    young = {order.txid for order in exchange.orders.values() if order.opened_ns > since_ns}

    def seen(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {key: seen(row) for key, row in value.items() if key not in young}

    hidden: Result = seen(result)
    return hidden


def _echo(result: Result, rule: Rule, exchange: Exchange) -> Result:
    """OpenOrders still lists what ended within `for_s`, as open."""
    since_ns = exchange.now_ns - int(rule.args.get("for_s", 5) * SECOND_NS)
    ended = [order for order in exchange.orders.values() if not order.live and order.closed_ns > since_ns]
    rows = {order.txid: shown(order, exchange.now_ns, False) | {"status": "open"} for order in ended}
    return result | {"open": rows | result.get("open", {})}


def _lag(result: Result, rule: Rule, exchange: Exchange) -> Result:
    """Balances as they were `for_s` ago, with nothing held when `hold` is zero."""
    past = exchange.ledger.at(exchange.now_ns - int(rule.args.get("for_s", 5) * SECOND_NS))
    rows = balance_rows(exchange, past)
    if any(isinstance(row, str) for row in result.values()):
        return {asset: row["balance"] for asset, row in rows.items()}
    if rule.args.get("hold") == "zero":
        return {asset: row | {"hold_trade": "0.0000000000"} for asset, row in rows.items()}
    return rows


def _price(result: Result, rule: Rule, _: Exchange) -> Result:
    """Every price of Ticker, Depth and the newest candles times `factor`; 0 and negative ones are absurd."""
    factor = Decimal(str(rule.args.get("factor", "0.5")))

    def times(price: str) -> str:
        digits = len(price.partition(".")[2])
        return f"{Decimal(price) * factor:.{digits}f}"

    changed: Result = {}
    for key, value in result.items():
        if isinstance(value, dict) and "asks" in value:
            changed[key] = {side: [[times(row[0]), *row[1:]] for row in rows] for side, rows in value.items()}
        elif isinstance(value, dict) and "a" in value:
            touched = {side: [times(value[side][0]), *value[side][1:]] for side in ("a", "b", "c")}
            changed[key] = value | touched
        elif isinstance(value, list):
            newest = [[row[0], *map(times, row[1:5]), *row[5:]] for row in value[-2:]]
            changed[key] = value[:-2] + newest
        else:
            changed[key] = value
    return changed


def _book(result: Result, rule: Rule, _: Exchange) -> Result:
    """A book that nobody should trade on: crossed, locked, empty, wide or thin."""
    how = rule.args.get("how", "crossed")
    changed: Result = {}
    for key, value in result.items():
        ticker = "a" in value
        asks, bids = ([value["a"]], [value["b"]]) if ticker else (value["asks"], value["bids"])
        if how == "crossed":
            asks, bids = bids, asks
        elif how == "locked":
            asks = [[bids[0][0], *asks[0][1:]], *asks[1:]] if bids and asks else asks
        elif how == "empty":
            asks = [["0.00000", "0", "0.000"]] if ticker else []
        elif how == "wide":
            part = Decimal(str(rule.args.get("spread", "0.2")))
            asks = [[f"{Decimal(row[0]) * (1 + part):.{_digits(row[0])}f}", *row[1:]] for row in asks]
        elif how == "thin":
            asks, bids = ([[row[0], "0.001", *row[2:]] for row in side[:1]] for side in (asks, bids))
        changed[key] = value | ({"a": asks[0], "b": bids[0]} if ticker else {"asks": asks, "bids": bids})
    return changed


def _digits(price: str) -> int:
    return len(price.partition(".")[2])


def _candles(result: Result, rule: Rule, _: Exchange) -> Result:
    """OHLC rows with a hole, doubled, out of order, revised, silent, alone, or without the running one."""
    how = rule.args.get("how", "hole")

    def changed(rows: list[list[Any]]) -> list[list[Any]]:
        last = len(rows) - 2
        if how == "hole":
            return rows[: last - 1] + rows[last:]
        if how == "duplicate":
            return rows[:last] + [rows[last]] + rows[last:]
        if how == "disorder":
            return rows[: last - 1] + [rows[last], rows[last - 1]] + rows[last + 1 :]
        if how == "revised":
            return rows[:last] + [[*rows[last][:4], rows[last][3], *rows[last][5:]]] + rows[last + 1 :]
        if how == "silent":
            close = rows[last - 1][4]
            silent = [rows[last][0], close, close, close, close, "0.0000", "0.00000000", 0]
            return rows[:last] + [silent] + rows[last + 1 :]
        if how == "alone":
            return rows[-1:]
        return rows[:-1]

    return {key: changed(rows) if isinstance(rows, list) else rows for key, rows in result.items()}


def _prints(result: Result, rule: Rule, _: Exchange) -> Result:
    """Trades doubled, with a number left out, at one time, or with a cursor that stands still."""
    how = rule.args.get("how", "duplicate")
    key = next(name for name in result if name != "last")
    rows = result[key]
    if how == "duplicate":
        rows = rows + rows[-1:]
    elif how == "skip":
        rows = rows[:-2] + rows[-1:]
    elif how == "together":
        rows = [[*row[:2], rows[i - i % 2][2], *row[3:]] for i, row in enumerate(rows)]
    elif how == "stuck" and rows:
        return result | {"last": str(int(rows[0][2] * SECOND_NS))}
    return result | {key: rows}


DISTORTIONS: dict[str, Distortion] = {
    "patch": _patch,
    "null": _null,
    "hidden": _hidden,
    "echo": _echo,
    "lag": _lag,
    "price": _price,
    "book": _book,
    "candles": _candles,
    "prints": _prints,
}
