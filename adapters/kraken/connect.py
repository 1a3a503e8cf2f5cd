"""Puts the client together: one wire, one log of replies, one source of nonces for each key."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import httpx

from adapters.clock import Clock
from adapters.http import DEADLINE_S, Wire
from adapters.kraken.auth import Credentials, KrakenAuth
from adapters.kraken.caller import Caller
from adapters.kraken.limits import STARTER, Tier, private_pacer, public_pacer
from adapters.kraken.meter import Meter
from adapters.kraken.nonce import NonceSource
from adapters.kraken.private import PrivateApi
from adapters.kraken.public import PublicApi
from adapters.logs_gcs import replies
from adapters.replies import ReplyLog

BASE_URL = "https://api.kraken.com"
VENUE = "kraken"


def reply_log(home: Path, venue: str, clock: Clock, place: str = "") -> ReplyLog:
    """Where a venue's replies are kept: bytes in `objects`, an index in `replies`; or in a bucket."""
    return replies(place, home, venue, clock)


@contextmanager
def public_api(
    home: Path,
    clock: Clock,
    seed: int,
    base_url: str = BASE_URL,
    transport: httpx.BaseTransport | None = None,
    deadline_s: float = DEADLINE_S,
    objects: str = "",
    meter: Meter | None = None,
) -> Iterator[PublicApi]:
    """Kraken without a key. `seed` jitters waits, so that many clients do not knock at once."""
    wire = Wire(base_url, reply_log(home, VENUE, clock, objects), clock, transport, deadline_s)
    try:
        # No secret hangs on the seed.
        caller = Caller(wire, public_pacer(), clock, Random(seed), meter=meter)  # noqa: S311
        yield PublicApi(caller)
    finally:
        wire.close()


@contextmanager
def private_api(
    home: Path,
    credentials: Credentials | None,
    clock: Clock,
    seed: int,
    tier: Tier = STARTER,
    base_url: str = BASE_URL,
    transport: httpx.BaseTransport | None = None,
    deadline_s: float = DEADLINE_S,
    objects: str = "",
    meter: Meter | None = None,
) -> Iterator[PrivateApi]:
    """Kraken with a key, which is this process's alone as long as the block lasts; else a `UsageError`.

    Without one nothing is signed, and Kraken refuses whatever is asked.
    """
    nonces = NonceSource(home / "nonces", credentials.key, clock) if credentials else None
    wire = Wire(base_url, reply_log(home, VENUE, clock, objects), clock, transport, deadline_s)
    try:
        auth = KrakenAuth(credentials, nonces) if credentials and nonces else None
        caller = Caller(wire, private_pacer(tier), clock, Random(seed), auth, meter)  # noqa: S311
        yield PrivateApi(caller, clock)
    finally:
        wire.close()
        if nonces:
            nonces.close()
