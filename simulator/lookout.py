"""Requests that wait: `GET /control/gate/wait` for the gate of an hour, `GET /control/wait` for venue time.

A wait is answered as soon as what it is for has come about, else after its timeout, to be asked again; what
it is for stays noted in between.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from time import monotonic
from typing import Any

from simulator.gate import Gate, Missing
from simulator.venue import Venue
from trading.errors import UsageError

POLL_S = 4.0
"""How long a request waits unless it says otherwise."""
POLL_MAX_S = 60.0
DRIVER = ""

Body = dict[str, Any]


class Lookout:
    """Who waits, and the bells that wake them."""

    def __init__(self, venue: Venue) -> None:
        self.gate = Gate()
        self._venue, self._exchange = venue, venue.exchange
        self._bells: dict[str, asyncio.Event] = {}
        self._rows_seen, self._seen_ns = 0, 0

    async def answer(self, command: str, query: Mapping[str, str]) -> tuple[int, Body]:
        """(HTTP status, answer) of a request that may wait."""
        timeout_s = min(float(query.get("timeout_s", POLL_S)), POLL_MAX_S)
        try:
            if command == "gate/wait":
                return 200, await self._at_gate(query["asof"], timeout_s)
            if command == "wait":
                seen = int(query["seen"]) if "seen" in query else None
                return 200, await self._in_time(query["order"], int(query["until_ns"]), seen, timeout_s)
            raise UsageError(f"nothing waits at {command!r}; there are gate/wait and wait")
        except (UsageError, KeyError, ValueError) as error:
            return 400, {"error": f"{type(error).__name__}: {error}"}

    def missing(self, asof: str) -> list[Missing]:
        return self.gate.missing(asof, self._exchange.now_ns, monotonic())

    def next_due_ns(self) -> int | None:
        """The first time waited for, or what happens at the venue before that; None if nobody waits."""
        waited_ns = self.gate.next_due_ns(self._exchange.now_ns)
        return None if waited_ns is None else min(waited_ns, self._exchange.next_event_ns)

    def wake_drivers(self) -> None:
        """Let whoever stands at a gate look again."""
        self._ring(DRIVER)

    def catch_up(self) -> None:
        """Wake those whose order changed or whose time has come, and whoever stands at a gate."""
        rows = self._venue.truth.rows
        if (len(rows), self._exchange.now_ns) == (self._rows_seen, self._seen_ns):
            return
        for row in rows[self._rows_seen :]:
            order = self._exchange.orders.get(row.get("txid", ""))
            if order is not None and order.cl_ord_id:
                self.gate.changed(order.cl_ord_id)
                self._ring(order.cl_ord_id)
        self._rows_seen = len(rows)
        if self._exchange.now_ns != self._seen_ns:
            self._seen_ns = self._exchange.now_ns
            for order_id in list(self._bells):
                if order_id != DRIVER and not self.gate.waits(order_id, self._seen_ns):
                    self._ring(order_id)
        self.wake_drivers()

    async def _at_gate(self, asof: str, timeout_s: float) -> Body:
        """Until time may pass; else who holds it back."""
        ends_s = monotonic() + timeout_s
        while (missing := self.missing(asof)) and (left_s := ends_s - monotonic()) > 0:
            await self._bell(DRIVER, left_s)
        return {
            "ready": not missing,
            "missing": [row._asdict() for row in missing],
            "stalled": [row.name for row in missing if row.stalled],
            "now_ns": self._exchange.now_ns,
            "next_due_ns": None if missing else self.next_due_ns(),
        }

    async def _in_time(self, order: str, until_ns: int, seen: int | None, timeout_s: float) -> Body:
        """Until venue time has come, or the order changed."""
        seen, ends_s = self.gate.wait(order, until_ns, seen), monotonic() + timeout_s
        self.wake_drivers()
        while not self._over(order, until_ns, seen) and (left_s := ends_s - monotonic()) > 0:
            await self._bell(order, left_s)
        changes = self.gate.changes[order]
        return {
            "now_ns": self._exchange.now_ns,
            "due": self._exchange.now_ns >= until_ns,
            "changed": changes > seen,
            "seen": seen,
        }

    def _over(self, order: str, until_ns: int, seen: int) -> bool:
        return self._exchange.now_ns >= until_ns or self.gate.changes[order] > seen

    async def _bell(self, name: str, timeout_s: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._bells.setdefault(name, asyncio.Event()).wait(), timeout_s)

    def _ring(self, name: str) -> None:
        bell = self._bells.pop(name, None)
        if bell is not None:
            bell.set()
