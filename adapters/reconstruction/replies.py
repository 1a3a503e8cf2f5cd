"""The stored replies of a venue, by the hour in which it made them, and what a span of them says in full.

Only whole answers count: complete, HTTP 200, without an error, with the venue's own time on them.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from adapters.kraken import endpoints
from adapters.kraken.envelope import opened
from adapters.strict_json import Damaged
from trading.clock import HOUR_S, TradingHour
from trading.errors import DataError

HTTP_OK = 200
ROWS_OF = {
    endpoints.OPEN_ORDERS.name: ("orders", "open"),
    endpoints.CLOSED_ORDERS.name: ("orders", "closed"),
    endpoints.QUERY_ORDERS.name: ("orders", ""),
    endpoints.TRADES_HISTORY.name: ("trades", "trades"),
    endpoints.QUERY_TRADES.name: ("trades", ""),
    endpoints.LEDGERS.name: ("ledger", "ledger"),
}
"""Replies that list things by id: what they list, and the field in which."""
PRIVATE = (*ROWS_OF, endpoints.BALANCE_EX.name, endpoints.ADD_ORDER.name)
"""Replies that tell of one account."""


class Reply(NamedTuple):
    """One line of the log."""

    number: int
    """Its place among all that count."""
    method: str
    request: Mapping[str, str]
    at: datetime
    """By the venue, whole seconds."""
    body: str
    """Name of its bytes."""
    line: Mapping[str, Any]

    @property
    def slot(self) -> int:
        """The hour in which it was made, named by its beginning."""
        return int(self.at.timestamp()) // HOUR_S

    @property
    def since(self) -> int:
        """The first asof that a request for candles wanted."""
        return int(self.request["since"]) // HOUR_S + 2


class Replies:
    """The whole answers of a log, in its order; `read` gives the bytes of a name."""

    def __init__(self, read: Callable[[str], bytes]) -> None:
        self.body = read
        self._slots: dict[int, list[Reply]] = {}
        self._fetches: list[Reply] = []
        self._count = 0
        self.result = lru_cache(maxsize=512)(self._result)

    def add(self, line: Mapping[str, Any]) -> None:
        """Take in the next line."""
        if not line["complete"] or line["status"] != HTTP_OK or not line["event"]:
            return
        at, method = datetime.fromisoformat(line["event"]), line["endpoint"].rsplit("/", 1)[-1]
        reply = Reply(self._count, method, line["request"], at, line["body"], line)
        self._count += 1
        self._slots.setdefault(reply.slot, []).append(reply)
        if method == endpoints.OHLC.name:
            self._fetches.append(reply)

    def between(self, first: int, last: int, *methods: str) -> Iterator[Reply]:
        """Those made in hours first..last, named by their beginnings."""
        for slot in range(first, last + 1):
            yield from (reply for reply in self._slots.get(slot, ()) if reply.method in methods)

    def all(self, method: str) -> Iterator[Reply]:
        for slot in sorted(self._slots):
            yield from (reply for reply in self._slots[slot] if reply.method == method)

    def candles(self, start: int) -> list[Reply]:
        """Replies of OHLC from number `start` on."""
        return self._fetches[start:]

    def fetched(self, hour: TradingHour) -> datetime | None:
        """When the venue gave the last candles of an hour's own fetch; None when nobody asked for them."""
        begin = bisect_left(self._fetches, hour.asof, key=lambda reply: reply.at)
        asked = [reply for reply in self._fetches[begin : begin + FETCHES_SEEN] if reply.since <= hour.number]
        own = [reply.at for reply in asked if reply.slot == asked[0].slot]
        return max(own, default=None)

    def _result(self, body: str) -> Any:
        """What an answer says; None for an error, and for one whose bytes are gone: if nothing else tells the
        same, what was recorded shows the difference.
        """
        try:
            envelope = opened(self.body(body))
        except (DataError, Damaged):
            return None
        return None if any(not error.startswith("W") for error in envelope.errors) else envelope.result


FETCHES_SEEN = 2_000
"""Replies of OHLC that are looked at for one hour's fetch: hundreds of pairs, asked several times."""


class Account(NamedTuple):
    """All that a span of replies says of one account, by the venue's ids."""

    orders: Mapping[str, Any]
    trades: Mapping[str, Any]
    ledger: Mapping[str, Any]
    shown: Mapping[str, Reply]
    """What showed each trade first."""
    looks: tuple[tuple[Reply, Mapping[str, Any]], ...]
    """Balances, in the order in which they were asked for."""
    sent: Mapping[str, Mapping[str, str]]
    """What was asked for when an order was placed, by our id."""


def account(replies: Replies, first: int, last: int) -> Account:
    """The account by every reply of hours first..last; of what was told twice the later word holds."""
    rows: dict[str, dict[str, Any]] = {"orders": {}, "trades": {}, "ledger": {}}
    shown: dict[str, Reply] = {}
    looks, sent = [], {}
    for reply in replies.between(first, last, *PRIVATE):
        result = replies.result(reply.body)
        if reply.method == endpoints.ADD_ORDER.name:
            sent[reply.request.get("cl_ord_id", "")] = reply.request
        if result is None:
            continue
        if reply.method == endpoints.BALANCE_EX.name:
            looks.append((reply, result))
        elif reply.method in ROWS_OF:
            what, field = ROWS_OF[reply.method]
            told = result[field] if field else result
            rows[what] |= told if reply.method == endpoints.QUERY_ORDERS.name else _new(rows[what], told)
            if what == "trades":
                for id_ in told:
                    shown.setdefault(id_, reply)
    return Account(**rows, shown=shown, looks=tuple(looks), sent=sent)


def _new(known: Mapping[str, Any], told: Mapping[str, Any]) -> dict[str, Any]:
    """Rows that were not told yet. Only QueryOrders lists an order's trades one by one: its word stands."""
    return {id_: row for id_, row in told.items() if id_ not in known}


SETTLED_AT = timedelta(minutes=58)
"""Fills up to here belong to the hour."""
