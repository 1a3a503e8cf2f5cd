"""Our client against the simulated Kraken in lockstep, and what it believes compared with what is true.

Time is the simulator's and moves only when the client sleeps, so a run is as quick as its calls.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from adapters.execution import Hands
from adapters.kraken.auth import Credentials
from adapters.kraken.catalogue import Catalogue
from adapters.kraken.connect import private_api, public_api
from adapters.kraken.limits import TIERS
from adapters.kraken.market_data import MarketData
from adapters.kraken.private import PrivateApi
from adapters.kraken.venue import KrakenVenue
from tests.make_believe import Memory
from tests.running import Simulator, Truth
from trading.execution.entering import Clear, Clearance, MayLeave
from trading.execution.orders import State
from trading.execution.protocol import Trade

CLIENT_DEADLINE_S = 1.0


@dataclass
class Gate:
    """Entries may leave, with the cash and the ask that the venue shows."""

    venue: KrakenVenue

    def clear(self, request: Clear) -> Clearance:
        cash = self.venue.balances()["USD"].available
        return Clearance("", cash, cash, self.venue.touch(request.instrument)[1])

    def objection(self, request: MayLeave) -> str:
        return ""


@dataclass
class Client:
    """Our side: the venue as we see it and what we have stored."""

    simulator: Simulator
    private: PrivateApi
    venue: KrakenVenue
    market: MarketData
    store: Memory = field(default_factory=Memory)

    @property
    def hands(self) -> Hands:
        return Hands(self.venue, self.store, Gate(self.venue))


@contextmanager
def client(simulator: Simulator, home: Path, deadline_s: float = CLIENT_DEADLINE_S) -> Iterator[Client]:
    """Our client on its own home; a second one on the same home takes the key over once this is closed."""
    with ExitStack() as stack:
        where: Any = {"base_url": simulator.address, "deadline_s": deadline_s, "seed": 1}
        public = stack.enter_context(public_api(home, simulator, **where))
        tier = TIERS["pro"]
        keys = (home, Credentials(simulator.ready["key"], simulator.ready["secret"]), simulator)
        private = stack.enter_context(private_api(*keys, tier=tier, **where))
        catalogue = Catalogue(public.asset_pairs())
        venue, market = (
            KrakenVenue(public, private, catalogue, simulator),
            MarketData(public, catalogue, simulator),
        )
        yield Client(simulator, private, venue, market)


NOT_THERE = (State.REJECTED, State.ABSENT, State.DENIED, State.LAPSED)


def booked(trade: Trade) -> tuple[int, int, int, int]:
    return trade.lots, trade.ticks, trade.value, trade.fee


def disagreements(store: Memory, truth: Truth) -> list[str]:
    """Where belief and truth differ: duplicates, orphans, stuck orders, wrong beliefs."""
    found = [f"duplicate: {id} was taken {times} times" for id, times in truth.taken.items() if times > 1]
    ours = {order.venue_id: order for order in store.kept.values() if order.venue_id}
    found += [f"orphan: {id} is not known here" for id in truth.taken if id not in store.kept]
    found += [f"orphan: {txid}, stop of {p}" for txid, p in truth.parents.items() if txid not in ours]
    for order in store.kept.values():
        if not order.is_over:
            found.append(f"stuck: {order.id} is {order.state}")
        elif order.state in NOT_THERE:
            if order.id in truth.taken:
                found.append(f"wrong belief: {order.id} is {order.state}, yet it was taken")
        elif truth.status.get(order.venue_id) != order.state:
            found.append(
                f"wrong belief: {order.id} is {order.state}, truly {truth.status.get(order.venue_id)}"
            )
        elif {t.id: booked(t) for t in order.trades} != truth.fills[order.venue_id]:
            found.append(f"wrong belief: {order.id} traded otherwise")
    return found
