"""One call of Kraken's API: paced, sent, judged, and repeated only where nothing can go wrong by it.

1. A read is repeated a few times, after waits that double and are jittered, while its patience lasts.
2. A write is sent once. What became of it is for its caller to find out.
3. Calls of one key take turns: nonces have to arrive in the order in which they were drawn. Public calls
   take turns only at the counter.
4. What is not in the table of `faults` counts as unknown, and so does an answer without the expected shape.
"""

import threading
from collections.abc import Mapping
from random import Random
from typing import TypeVar

import httpx
from pydantic import TypeAdapter

from adapters.clock import Clock
from adapters.http import NoAnswer, NotSent, Reply, Wire
from adapters.kraken.endpoints import Endpoint
from adapters.kraken.envelope import opened
from adapters.kraken.errors import error_for
from adapters.kraken.faults import Fate, Fault, Pause, fault, judge
from adapters.kraken.limits import Charge, Pacer
from adapters.kraken.meter import Meter
from adapters.strict_json import Damaged, parsed
from trading.errors import DataError

ATTEMPTS_MAX = 4
PATIENCE_S = 30.0
"""The longest that a call waits for counters, pauses and repetitions together."""
BACKOFF_S = 1.0
HTTP_OK = 200

T = TypeVar("T")


class _Failed(Exception):
    """One attempt came to nothing."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault


class Caller:
    """The public calls of one address, or with `auth` the private calls of one key."""

    def __init__(
        self,
        wire: Wire,
        pacer: Pacer,
        clock: Clock,
        rng: Random,
        auth: httpx.Auth | None = None,
        meter: Meter | None = None,
    ) -> None:
        """`meter` counts how calls went."""
        self._meter = meter or Meter(clock)
        self._wire, self._pacer, self._clock, self._rng, self._auth = wire, pacer, clock, rng, auth
        self._turn = threading.Lock()

    def call(
        self,
        endpoint: Endpoint,
        shape: TypeAdapter[T],
        fields: Mapping[str, str],
        orders: Charge | None = None,
        patience_s: float = PATIENCE_S,
    ) -> T:
        """The result in its type; raises a `KrakenError`, or a `DataError` for a read of another shape.

        `orders` is what an order call adds to the counter of its pair.
        """
        charge = (orders or Charge(0))._replace(key=endpoint.cost)
        until_s = self._clock.monotonic_s() + patience_s
        for attempt in range(ATTEMPTS_MAX):
            try:
                reply = self._in_turn(endpoint, fields, charge, until_s)
                return self._judged(endpoint, shape, reply)
            except _Failed as failure:
                found = failure.fault
                self._meter.failed(found)
            self._pause(found, charge)
            wait_s = max(found.wait_s, BACKOFF_S * 2**attempt * self._rng.uniform(0.5, 1.5))
            late = self._clock.monotonic_s() + wait_s >= until_s
            if endpoint.writes or found.row.fate is Fate.REFUSED or late:
                break
            self._clock.sleep(wait_s)
        raise error_for(found, endpoint.writes)

    def _in_turn(
        self, endpoint: Endpoint, fields: Mapping[str, str], charge: Charge, until_s: float
    ) -> Reply:
        """Send as soon as every counter allows, unless that would be too late."""
        while True:
            with self._turn:
                wait_s = self._own_pace_s(charge, until_s)
                if wait_s <= 0 and self._auth:
                    return self._sent(endpoint, fields)
            if wait_s <= 0:
                return self._sent(endpoint, fields)
            self._clock.sleep(wait_s)

    def _own_pace_s(self, charge: Charge, until_s: float) -> float:
        """Seconds to wait before a call; 0 once it is counted."""
        now_s = self._clock.monotonic_s()
        wait_s = self._pacer.wait_s(charge, now_s)
        if now_s + wait_s > until_s:
            raise _Failed(fault("own pace")._replace(wait_s=wait_s))
        if wait_s <= 0:
            self._pacer.spend(charge, now_s)
        return wait_s

    def _sent(self, endpoint: Endpoint, fields: Mapping[str, str]) -> Reply:
        sent_s = self._clock.monotonic_s()
        try:
            if self._auth is None:
                reply = self._wire.get(endpoint.path, fields)
            else:
                reply = self._wire.post(endpoint.path, fields, self._auth)
            self._meter.answered(self._clock.monotonic_s() - sent_s)
            return reply
        except NotSent as error:
            raise _Failed(fault(f"no connection: {error}")) from error
        except NoAnswer as error:
            raise _Failed(fault(f"no answer: {error}")) from error

    def _judged(self, endpoint: Endpoint, shape: TypeAdapter[T], reply: Reply) -> T:
        if reply.status != HTTP_OK:
            raise _Failed(fault(f"HTTP {reply.status}"))
        if reply.encoding != "identity":
            raise _Failed(fault(f"a damaged answer: encoded as {reply.encoding}"))
        try:
            envelope = opened(reply.body)
            found = judge(envelope.errors, self._clock.now().timestamp())
            if found:
                raise _Failed(found)
            return parsed(shape, endpoint.name, envelope.result)
        except Damaged as error:
            raise _Failed(fault(f"a damaged answer: {error}")) from error
        except DataError as error:
            if endpoint.writes:
                raise _Failed(fault(f"a damaged answer: {error}")) from error
            raise

    def _pause(self, found: Fault, charge: Charge) -> None:
        if found.row.pause is Pause.CALLER:
            self._pacer.pause("", found.wait_s, self._clock.monotonic_s())
        elif found.row.pause is Pause.PAIR and charge.pair:
            self._pacer.pause(charge.pair, found.wait_s, self._clock.monotonic_s())
