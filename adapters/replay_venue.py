"""The simulator as a venue in lockstep: Kraken's protocol, at the simulator's own exact time.

Kraken tells whole seconds, which is as near as a live venue's time can be known; a replay knows it exactly,
and its time does not pass while somebody is at work. Rate counters run in real time, which has no meaning
there; how long a call may take has.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from random import Random
from typing import NamedTuple

import httpx

from adapters.clock import Clock, SystemClock
from adapters.http import Wire
from adapters.kraken.auth import Credentials, KrakenAuth
from adapters.kraken.caller import Caller
from adapters.kraken.catalogue import Catalogue
from adapters.kraken.connect import VENUE, reply_log
from adapters.kraken.limits import Counter, Pacer, Tier
from adapters.kraken.market_data import MarketData
from adapters.kraken.meter import Meter
from adapters.kraken.nonce import NonceSource
from adapters.kraken.private import PrivateApi
from adapters.kraken.public import PublicApi
from adapters.kraken.venue import KrakenVenue
from adapters.venue_clock import ReplayClock

BOUNDLESS = 1e9


class LockstepClock(SystemClock):
    """Venue time for stamps and deadlines, real time for how long something takes."""

    def __init__(self, venue: ReplayClock) -> None:
        self._venue = venue

    def now(self) -> datetime:
        return self._venue.now()


class LockstepVenue(KrakenVenue):
    """Kraken's protocol at a time that is told, not measured."""

    def now(self) -> datetime:
        return self._clock.now()

    def wait(self, until: datetime) -> None:
        """Return at once: while somebody is at work no time passes."""


class Simulated(NamedTuple):
    """What a replay has of the simulator."""

    venue: LockstepVenue
    market: MarketData
    catalogue: Catalogue
    public: PublicApi
    private: PrivateApi
    meter: Meter


@contextmanager
def simulated(
    home: Path, address: str, credentials: Credentials | None, clock: ReplayClock, objects: str = ""
) -> Iterator[Simulated]:
    """Our client of the simulator; a key, if there is one, is this process's as long as the block lasts.

    `objects` names a bucket for its replies.
    """
    system, lockstep = SystemClock(), LockstepClock(clock)
    nonces = NonceSource(home / "nonces", credentials.key, system) if credentials else None
    auth = KrakenAuth(credentials, nonces) if credentials and nonces else None
    wire = Wire(address, reply_log(home, VENUE, system, objects), system)
    meter = Meter(lockstep, lockstep=True)
    try:
        public = PublicApi(_caller(wire, system, meter))
        private = PrivateApi(_caller(wire, system, meter, auth), lockstep)
        catalogue = Catalogue(public.asset_pairs())
        yield Simulated(
            LockstepVenue(public, private, catalogue, lockstep),
            MarketData(public, catalogue, lockstep),
            catalogue,
            public,
            private,
            meter,
        )
    finally:
        wire.close()
        if nonces:
            nonces.close()


def _caller(wire: Wire, clock: Clock, meter: Meter, auth: httpx.Auth | None = None) -> Caller:
    tier = Tier(BOUNDLESS, BOUNDLESS, BOUNDLESS, BOUNDLESS)
    pacer = Pacer(Counter(tier.key_max, tier.key_decay_per_s), tier)
    return Caller(wire, pacer, clock, Random(0), auth, meter)  # noqa: S311 - jitters waits
