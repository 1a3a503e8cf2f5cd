"""A small venue for tests: a tape written by hand, a served application, a signed call."""

import asyncio
import base64
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count
from typing import Any
from urllib.parse import urlencode

import httpx

from config import trading
from config.instruments import grid_for
from simulator.assembly import open_venue
from simulator.auth import Keys, signature
from simulator.clock import Clock
from simulator.server import Application, Server, address_of, listen
from simulator.tape import FIRST_EVENT_NS, HOUR_NS, Tape
from simulator.truth import Truth
from simulator.venue import Venue
from trading.backtest.matching import Bar
from trading.instruments import UNITS
from trading.portfolio import Reading
from trading.records import packed

KEY, SECRET = "key", base64.b64encode(b"a secret of some length, for tests alone").decode()
FIRST = 474_000
"""The first asof of every hand-made tape."""
START_NS = (FIRST + 1) * HOUR_NS
"""The first bar to be played is the tape's third: bars[2] closes at FIRST + 2."""
QUIET = Bar(1, 80_000, 80_100, 79_900, 80_000, 10_000_000_000)
"""BTC/USD at 8,000.0, moving ten dollars, 100 coins traded."""


def reading(close: int = 80_000, spread: float = 0.0005) -> Reading:
    """A calm hour with 10 million of notional a day."""
    values: dict[str, Any] = dict.fromkeys(Reading.__dataclass_fields__, 0)
    known = {"close": close, "traded": 1, "notional_24h": 10_000_000 * UNITS, "sigma_1h": 0.005}
    return Reading(**values | known | {"sigma_24": 0.025, "spread": spread})


def tape(*bars: Bar, names: Sequence[str] = ("BTC/USD",)) -> Tape:
    """Two quiet hours, then `bars`, the same for every instrument; readings repeat each bar's close."""
    rows = [QUIET, QUIET, *bars]
    instruments = tuple(grid_for(name) for name in names)
    return Tape(
        instruments,
        FIRST,
        packed(Reading, [reading(bar.close) for bar in rows for _ in names]).reshape(len(rows), -1),
        packed(Bar, [bar for bar in rows for _ in names]).reshape(len(rows), -1),
    )


def venue(
    *bars: Bar, names: Sequence[str] = ("BTC/USD",), tier: str | None = None, keys: Keys | None = None
) -> Venue:
    """A venue at the asof before the first of `bars`, with 100,000 dollars and two of each coin."""
    played = tape(*(bars or (QUIET,) * 4), names=names)
    deposits = {"USD": 100_000 * UNITS} | {i.base: 2 * i.lots_per_unit for i in played.instruments}
    return open_venue(
        played, trading.load(), START_NS, deposits, keys or Keys(KEY, SECRET), Truth(), tier, seed=1
    )


def to_first_event(of: Venue) -> Venue:
    """Two minutes into the hour."""
    of.exchange.advance(of.exchange.now_ns // HOUR_NS * HOUR_NS + FIRST_EVENT_NS)
    return of


_nonces = count(1)


def call(of: Venue, endpoint: str, nonce: int | None = None, **params: Any) -> dict[str, Any]:
    """A signed request past HTTP; returns the envelope."""
    given = str(nonce if nonce is not None else next(_nonces))
    body = urlencode({"nonce": given} | params).encode()
    path = f"/0/private/{endpoint}"
    headers = {"api-key": KEY, "api-sign": signature(path, given, body, SECRET)}
    answer: dict[str, Any] = json.loads(of.private(endpoint, path, headers, body).body)
    return answer


def ask(of: Venue, endpoint: str, **params: Any) -> dict[str, Any]:
    """A public request past HTTP; returns the envelope."""
    answer: dict[str, Any] = json.loads(of.public(endpoint, urlencode(params), params).body)
    return answer


def order(**changes: Any) -> dict[str, Any]:
    """Parameters of a limit to buy 0.01 BTC at 7,900, with changes."""
    plain = {"pair": "XBTUSD", "type": "buy", "ordertype": "limit", "volume": "0.01", "price": "7900.0"}
    return {name: value for name, value in (plain | changes).items() if value is not None}


def books_of(of: Venue) -> Mapping[str, int]:
    """Balances by summing the ledger anew."""
    sums: dict[str, int] = {}
    for entry in of.exchange.ledger.entries:
        sums[entry.asset] = sums.get(entry.asset, 0) + entry.amount - entry.fee
    return sums


class Served:
    """A venue behind a real socket."""

    def __init__(self, of: Venue, address: str) -> None:
        self.venue, self.address = of, address
        self.http = httpx.Client(base_url=address, trust_env=False, timeout=5)

    def control(self, command: str, **body: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self.http.post(f"/control/{command}", json=body).raise_for_status().json()
        return answer

    def private(self, endpoint: str, **params: Any) -> httpx.Response:
        nonce = str(next(_nonces))
        path, body = f"/0/private/{endpoint}", urlencode({"nonce": nonce} | params).encode()
        headers = {
            "API-Key": KEY,
            "API-Sign": signature(path, nonce, body, SECRET),
            "Content-Type": "application/x-www-form-urlencoded",
        }
        return self.http.post(path, content=body, headers=headers)


@contextmanager
def served(of: Venue, speed: float = 0) -> Iterator[Served]:
    """Serve on a free port, in lockstep unless a speed is given; always stopped."""
    listener, ready = listen(0), threading.Event()
    server = Server(Application(of, Clock(speed)), ready.set)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])))
    thread.start()
    assert ready.wait(10)
    client = Served(of, address_of(listener))
    try:
        yield client
    finally:
        client.http.close()
        server.should_exit = True
        thread.join(10)
        assert not thread.is_alive()
