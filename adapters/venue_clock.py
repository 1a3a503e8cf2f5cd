"""The venue's time as a port: what it is, waiting for it, and saying when it may pass.

Live, time passes by itself. In a replay it stands still at the simulator until everybody who decides has
decided and everybody who works on an order waits; so the same calls there also say who is through. A client
of either kind keeps one discipline:

1. `decided` after the decisions of some portfolios are stored, with the ids of the orders that they plan.
2. Look at an order, then `wait` for it; on return look again. So a change is never missed.
3. `withdrawn` once nothing more is done about an order: denied, lapsed, never placed, or its end recorded
   with all that follows from it. Orders that follow it are named in `then`.
4. Every call may be repeated after a crash, in any order.
"""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from time import sleep
from typing import Any, Protocol

import httpx

from adapters.control import REPLY_S, Control, told
from trading.clock import TradingHour
from trading.errors import VenueUnavailable
from trading.execution.protocol import Venue

POLL_S = 4.0
"""The longest that one wait lasts in real time, so that whoever waits can show that it is alive."""
EPOCH = datetime.fromtimestamp(0, UTC)
MICROSECOND = timedelta(microseconds=1)


class VenueClock(Protocol):
    """The venue's time. Calls raise `VenueUnavailable` when the venue does not answer."""

    def now(self) -> datetime:
        """The venue's time, aware, UTC."""
        ...

    async def wait(self, until: datetime, order: str) -> bool:
        """Wait for venue time or for a change of an order, by its client id, at most `POLL_S`.

        True when it is time to look at the order again, False to call this again. Asynchronous, because
        thousands of waits may stand at once.
        """
        ...

    def rest(self, until: datetime, order: str) -> bool:
        """`wait` for a thread of its own, which it blocks: for waits of seconds inside a call."""
        ...

    def decided(self, hour: TradingHour, portfolios: list[str], orders: list[str]) -> None:
        """The decisions of these portfolios are stored; `orders` are the client ids that they plan."""
        ...

    def withdrawn(self, order: str, then: list[str]) -> None:
        """Nothing more is done about an order, but for the orders `then` that follow it."""
        ...


class LiveClock:
    """Kraken's time. A live venue tells of no change, so every wait ends with a look at the order."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue

    def now(self) -> datetime:
        return self._venue.now()

    async def wait(self, until: datetime, order: str) -> bool:  # noqa: ARG002 - a look at the order follows
        await asyncio.sleep(self._nap_s(until, await asyncio.to_thread(self.now)))
        return True

    def rest(self, until: datetime, order: str) -> bool:  # noqa: ARG002 - a look at the order follows
        sleep(self._nap_s(until, self.now()))
        return True

    def _nap_s(self, until: datetime, now: datetime) -> float:
        return max(0.0, min((until - now).total_seconds(), POLL_S))

    def decided(self, hour: TradingHour, portfolios: list[str], orders: list[str]) -> None:
        """Nothing: real time passes by itself."""

    def withdrawn(self, order: str, then: list[str]) -> None:
        """Nothing: real time passes by itself."""


class ReplayClock:
    """The simulator's time in lockstep, told and held through its control.

    Waits belong to one event loop; the other calls may come from any thread.
    """

    def __init__(self, address: str) -> None:
        self._control = Control(address)
        self._waiting = httpx.AsyncClient(
            base_url=f"{address}/control/", trust_env=False, timeout=REPLY_S, limits=httpx.Limits()
        )
        self._seen: dict[tuple[str, int], int] = {}

    def now(self) -> datetime:
        now_ns: int = self._control.post("clock", {})["now_ns"]
        return EPOCH + now_ns // 1_000 * MICROSECOND

    async def wait(self, until: datetime, order: str) -> bool:
        query = self._query(until, order)
        try:
            reply = await self._waiting.get("wait", params=query)
        except httpx.HTTPError as error:
            raise VenueUnavailable(f"the simulator does not answer: {error!r}") from error
        return self._over(query, told(reply.status_code, reply.content))

    def rest(self, until: datetime, order: str) -> bool:
        query = self._query(until, order)
        return self._over(query, self._control.get("wait", query))

    def _query(self, until: datetime, order: str) -> dict[str, str | int | float]:
        """A wait that goes on asks for what changed since it began, not since it is asked again."""
        until_ns = (until - EPOCH) // MICROSECOND * 1_000
        seen = self._seen.pop((order, until_ns), None)
        query: dict[str, str | int | float] = {"order": order, "until_ns": until_ns, "timeout_s": POLL_S}
        return query if seen is None else query | {"seen": seen}

    def _over(self, query: Mapping[str, Any], answer: Mapping[str, Any]) -> bool:
        over: bool = answer["due"] or answer["changed"]
        if not over:
            self._seen[query["order"], query["until_ns"]] = answer["seen"]
        return over

    def decided(self, hour: TradingHour, portfolios: list[str], orders: list[str]) -> None:
        self._control.post("gate/decided", {"asof": str(hour), "portfolios": portfolios, "orders": orders})

    def withdrawn(self, order: str, then: list[str]) -> None:
        self._control.post("gate/withdrawn", {"order": order, "then": then})
