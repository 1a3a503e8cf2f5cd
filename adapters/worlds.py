"""The three worlds that hours are lived in, each as what a worker needs of it: a replay's simulator, paper
over Kraken's public side, and an account at Kraken. What is asked, decided and sent is the same in all.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from adapters.clock import Clock
from adapters.kraken.auth import Credentials
from adapters.kraken.catalogue import Catalogue
from adapters.kraken.connect import private_api, public_api
from adapters.kraken.market_data import MarketData
from adapters.kraken.meter import Meter
from adapters.kraken.private import PrivateApi
from adapters.kraken.public import PublicApi
from adapters.kraken.startup import check_clock, check_key, check_spot_only
from adapters.kraken.timekeeping import KrakenTime
from adapters.kraken.venue import KrakenVenue
from adapters.paper.account import PaperAccount
from adapters.paper.lines import BucketLines
from adapters.paper.venue import PaperRules, PaperVenue
from adapters.replay_venue import LockstepClock, simulated
from adapters.venue_clock import LiveClock, ReplayClock, VenueClock
from trading.execution.protocol import Account

PAPER_FILE = "paper.jsonl"


class World(NamedTuple):
    """Where orders go, what tells the market, and whose time it is."""

    venue: Account
    market: MarketData
    catalogue: Catalogue
    public: PublicApi
    clock: VenueClock
    stamp: Clock
    """The venue's time for stamps, real time for how long something takes."""
    meter: Meter
    time: KrakenTime
    """The venue's clock against the one that deadlines are kept by."""
    private: PrivateApi | None = None
    """The account's own side; there is none on paper."""
    accounts: Callable[[str], Account] | None = None
    """The venue as a portfolio sees it, where each has an account of its own."""

    def of(self, portfolio: str) -> Account:
        """Where a portfolio's orders go."""
        return self.accounts(portfolio) if self.accounts else self.venue


class VenueStamp:
    """The venue's time of day over a computer's own clock."""

    def __init__(self, time: KrakenTime, clock: Clock) -> None:
        self._time, self._clock = time, clock
        self.now, self.monotonic_s, self.sleep = time.now, clock.monotonic_s, clock.sleep


@contextmanager
def in_replay(
    home: Path, address: str, credentials: Credentials | None, objects: str = ""
) -> Iterator[World]:
    """The simulator in lockstep."""
    clock = ReplayClock(address)
    with simulated(home, address, credentials, clock, objects) as venue:
        yield World(
            venue.venue,
            venue.market,
            venue.catalogue,
            venue.public,
            clock,
            LockstepClock(clock),
            venue.meter,
            KrakenTime(venue.public, LockstepClock(clock)),
            venue.private,
        )


@contextmanager
def on_paper(
    home: Path, address: str, rules: PaperRules, clock: Clock, objects: str = "", file: str = PAPER_FILE
) -> Iterator[World]:
    """Kraken's public side and an account in a file, which this process holds as long as the block lasts."""
    with ExitStack() as stack:
        meter = Meter(clock)
        public = stack.enter_context(public_api(home, clock, _seed(), address, objects=objects, meter=meter))
        check_clock(public, clock.now())
        account = PaperAccount(BucketLines(f"{objects}/{file}") if objects else home / file)
        stack.callback(account.close)
        catalogue = Catalogue(public.asset_pairs())
        venue = PaperVenue(public, catalogue, clock, account, rules)
        time = KrakenTime(public, clock)
        stamp = VenueStamp(time, clock)
        market = MarketData(public, catalogue, stamp)
        yield World(venue, market, catalogue, public, LiveClock(venue), stamp, meter, time)


@contextmanager
def at_kraken(
    home: Path, address: str, credentials: Credentials | None, clock: Clock, objects: str = ""
) -> Iterator[World]:
    """An account at Kraken, which this process holds the key of as long as the block lasts.

    Raises `UsageError` for a key that may withdraw or cannot trade, and for an account with margin.
    """
    with ExitStack() as stack:
        meter = Meter(clock)
        told: dict[str, Any] = {"base_url": address, "objects": objects, "meter": meter}
        public = stack.enter_context(public_api(home, clock, _seed(), **told))
        check_clock(public, clock.now())
        private = stack.enter_context(private_api(home, credentials, clock, _seed(), **told))
        if credentials:
            check_key(private)
            check_spot_only(private)
        catalogue = Catalogue(public.asset_pairs())
        venue = KrakenVenue(public, private, catalogue, clock)
        time = KrakenTime(public, clock)
        stamp = VenueStamp(time, clock)
        market = MarketData(public, catalogue, stamp)
        yield World(venue, market, catalogue, public, LiveClock(venue), stamp, meter, time, private)


def _seed() -> int:
    """Two processes that start at once should not knock at once."""
    return Random().getrandbits(32)  # noqa: S311 - jitters waits
