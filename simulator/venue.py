"""A request comes in, a reply goes out: authentication, rate counters, faults, endpoint, truth log."""

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from simulator import account, commands
from simulator.auth import Keys, parameters
from simulator.checks import Desk
from simulator.distortions import distort
from simulator.exchange import Exchange
from simulator.faults import WIRE, Faults, Rule
from simulator.journal import Entry, Journal
from simulator.limits import Limits
from simulator.market import MarketData
from simulator.protocol import Params, Refusal, Result, rfc3339
from simulator.public import ENDPOINTS
from simulator.tape import SECOND_NS
from simulator.truth import Truth

LIVE = ("Time", "SystemStatus")
"""Public endpoints that change with every second; the others are remembered until something prints."""
SECRETS = ("nonce", "otp")

READS: dict[str, tuple[str | None, Callable[[Exchange, Params], Result]]] = {
    "Balance": ("query-funds", account.balance),
    "BalanceEx": ("query-funds", account.balance_ex),
    "TradeBalance": ("query-funds", account.trade_balance),
    "OpenOrders": ("query-open-trades", account.open_orders),
    "ClosedOrders": ("query-closed-trades", account.closed_orders),
    "QueryOrders": ("query-open-trades", account.query_orders),
    "TradesHistory": ("query-closed-trades", account.trades_history),
    "QueryTrades": ("query-closed-trades", account.query_trades),
    "Ledgers": ("query-ledger", account.ledgers),
    "TradeVolume": ("query-funds", account.trade_volume),
    "OpenPositions": ("query-open-trades", account.open_positions),
}
COMMANDS: dict[str, tuple[str, Callable[[Desk, Params], Result]]] = {
    "AddOrder": ("modify-trades", commands.add_order),
    "AmendOrder": ("modify-trades", commands.amend_order),
    "CancelOrder": ("close-trades", commands.cancel_order),
    "CancelAll": ("close-trades", commands.cancel_all),
    "CancelAllOrdersAfter": ("close-trades", commands.cancel_all_orders_after),
}


class Reply(NamedTuple):
    """What goes on the wire: a body, or the fault that takes its place."""

    body: bytes
    fault: Rule | None = None


class Venue:
    """All that stands behind the HTTP server."""

    def __init__(self, exchange: Exchange, keys: Keys, limits: Limits, faults: Faults, truth: Truth) -> None:
        self.exchange, self.keys, self.limits, self.faults, self.truth = exchange, keys, limits, faults, truth
        self.data = MarketData(exchange)
        self.journal: Journal | None = None
        self._known: dict[tuple[str, str], Reply] = {}
        self._known_at = (-1, -1)

    def public(self, endpoint: str, query: str, params: Params) -> Reply:
        """Answer a public request."""
        at = (self.data.moment(), len(self.faults.rules))
        if at != self._known_at:
            self._known, self._known_at = {}, at
        known = self._known.get((endpoint, query))
        if known is not None:
            return known
        struck = self.faults.struck(endpoint, self._pair(params), self.exchange.now_ns)
        serve = ENDPOINTS.get(endpoint)
        errors, result = _tried(lambda: serve(self.data, params)) if serve else _unknown()
        reply = self._reply(errors, result, struck)
        if struck:
            self._note(endpoint, params, errors, result, struck)
        elif not self.faults.rules and endpoint not in LIVE:
            self._known[endpoint, query] = reply
        return reply

    def private(self, endpoint: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Answer a signed request."""
        now_ns = self.exchange.now_ns
        try:
            params = parameters(body, headers.get("content-type", ""))
        except Refusal as refusal:
            return self._reply([str(refusal)], None, [])
        struck = self.faults.struck(endpoint, self._pair(params), now_ns)
        wire = next((rule for rule in struck if rule.kind in WIRE), None)
        if wire is not None and wire.effect == "none":
            self._note(endpoint, params, ["never arrived"], None, struck)
            return self._reply([], None, struck)
        errors, _ = _tried(lambda: self._let_in(endpoint, path, headers, body, params))
        if errors:
            self._note(endpoint, params, errors, None, struck)
            return self._reply(errors, None, struck)
        if wire is not None and wire.effect == "late":
            late_ns = now_ns + int(wire.late_s * SECOND_NS)
            self.exchange.at(late_ns, lambda: self._serve(endpoint, params, struck))
            return self._reply([], None, struck)
        errors, result = self._serve(endpoint, params, struck)
        return self._reply(errors, result, struck)

    def _let_in(
        self, endpoint: str, path: str, headers: Mapping[str, str], body: bytes, params: Params
    ) -> Result:
        """Check signature, nonce, counter and permission; a `Refusal` for what does not pass."""
        self.keys.check(path, headers, body, params)
        if endpoint not in READS and endpoint not in COMMANDS and endpoint != "GetApiKeyInfo":
            raise Refusal("EGeneral:Unknown method")
        self.limits.call(endpoint, self.exchange.now_ns)
        self.keys.permit((READS.get(endpoint) or COMMANDS.get(endpoint) or (None,))[0])
        return {}

    def _serve(self, endpoint: str, params: Params, struck: list[Rule]) -> tuple[list[str], Any]:
        """Carry a request out and log what came of it."""
        desk = Desk(self.exchange, self.data, self.limits, tuple(struck))
        if endpoint in COMMANDS:
            self.keep(endpoint, {name: value for name, value in params.items() if name not in SECRETS})
            errors, result = _tried(lambda: COMMANDS[endpoint][1](desk, params))
        elif endpoint in READS:
            errors, result = _tried(lambda: READS[endpoint][1](self.exchange, params))
        else:
            errors, result = [], self._key_info()
        self._note(endpoint, params, errors, result, struck)
        return errors, result

    def keep(self, command: str, body: dict[str, Any]) -> None:
        """Write down what is about to take effect, where a journal is kept."""
        if self.journal:
            self.journal.note(Entry(self.exchange.now_ns, command, body))

    def repeat(self, endpoint: str, params: Params) -> None:
        """Carry out once more what a journal says was asked."""
        self._serve(endpoint, params, [])

    def _key_info(self) -> Result:
        keys = self.keys
        return {
            "apiKeyName": "simulator",
            "apiKey": keys.key,
            "nonce": str(keys.nonce),
            "nonceWindow": "0",
            "permissions": list(keys.permissions),
            "validUntil": "0",
            "queryFrom": "0",
            "queryTo": "0",
            "createdTime": rfc3339(self.exchange.tape.first * 3600 * SECOND_NS),
            "lastUsed": rfc3339(self.exchange.now_ns),
            "ipAllowlist": [],
        }

    def _pair(self, params: Params) -> str | None:
        """The name of the pair that a request is about, directly or through an order."""
        pair = self.exchange.catalogue.pair(str(params.get("pair", "")))
        order = self.exchange.orders.get(str(params.get("txid", "")))
        return pair.name if pair else order.pair.name if order else None

    def _reply(self, errors: list[str], result: Any, struck: list[Rule]) -> Reply:
        warnings, result = distort(result, struck, self.exchange)
        envelope: Result = {"error": errors + warnings}
        if not errors:
            envelope["result"] = result
        wire = next((rule for rule in struck if rule.kind in WIRE), None)
        if wire is not None and wire.kind == "error":
            soon_s = self.exchange.now_ns // SECOND_NS + 5
            envelope = {"error": [str(line).replace("{soon}", str(soon_s)) for line in wire.args["messages"]]}
            wire = None
        return Reply(json.dumps(envelope, separators=(",", ":")).encode(), wire)

    def _note(
        self, endpoint: str, params: Params, errors: list[str], result: Any, struck: list[Rule]
    ) -> None:
        """Write down what really came of a request; of a result only what an order command said."""
        self.truth.add(
            self.exchange.now_ns,
            "request",
            endpoint=endpoint,
            params={name: value for name, value in params.items() if name not in SECRETS},
            errors=errors,
            result=result if endpoint in COMMANDS else None,
            faults=[{"id": rule.id, "kind": rule.kind, "effect": rule.effect} for rule in struck],
        )


def _tried(serve: Callable[[], Result]) -> tuple[list[str], Result | None]:
    """(errors, result) of an endpoint."""
    try:
        return [], serve()
    except Refusal as refusal:
        return [str(refusal)], None


def _unknown() -> tuple[list[str], None]:
    return ["EGeneral:Unknown method"], None
