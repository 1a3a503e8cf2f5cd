"""The simulated Kraken in a process of its own, our client against it, and the two compared.

Time is the simulator's and moves only when the client sleeps, so a run is as quick as its calls.
"""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from platformdirs import user_cache_path

from adapters.execution import Hands
from adapters.kraken.auth import Credentials
from adapters.kraken.catalogue import Catalogue
from adapters.kraken.connect import private_api, public_api
from adapters.kraken.limits import TIERS
from adapters.kraken.private import PrivateApi
from adapters.kraken.venue import KrakenVenue
from tests.make_believe import Memory
from trading.execution.entering import Clear, Clearance
from trading.execution.orders import State
from trading.execution.protocol import Status, Trade

COMMAND = [sys.executable, "-c", "from cli.main import main; main()", "simulator"]
PAIR = "BTC/USD"
CLIENT_DEADLINE_S = 1.0
ENDS = {"closed": Status.FILLED, "canceled": Status.CANCELLED, "expired": Status.EXPIRED}


class Simulator:
    """The running process, its control, and its time as a clock."""

    def __init__(self, ready: dict[str, Any]) -> None:
        self.address = str(ready["address"])
        self.credentials = Credentials(ready["key"], ready["secret"])
        self._http = httpx.Client(base_url=self.address, trust_env=False, timeout=60)
        self._now_s = float(ready["now_s"])

    def control(self, command: str, **body: Any) -> Any:
        answer = self._http.post(f"/control/{command}", json=body).raise_for_status().json()
        self._now_s = answer.get("now_s", self._now_s)
        return answer

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.monotonic_s(), UTC)

    def monotonic_s(self) -> float:
        # Nobody else moves the time, so it need not be asked for.
        return self._now_s

    def sleep(self, seconds: float) -> None:
        self.control("advance", by_s=round(seconds + 0.001, 3))

    def next_hour(self) -> datetime:
        """Go to half a minute after the next asof; returns the asof."""
        asof = self.now().replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        self.control("advance", to_s=asof.timestamp() + 30)
        return asof


@contextmanager
def simulator(home: Path, *options: str) -> Iterator[Simulator]:
    """Start `ballast simulator` in lockstep; always stopped."""
    (home / "cache").mkdir()
    (home / "cache" / "compiled").symlink_to(user_cache_path("ballast-tests", appauthor=False))
    terms = ["--home", str(home), "--speed", "0", "--instruments", "3", *options]
    with subprocess.Popen([*COMMAND, *terms], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield Simulator(json.loads(process.stdout.readline()))
        finally:
            process.terminate()


@dataclass
class Gate:
    """Entries may leave, with the cash and the ask that the venue shows."""

    venue: KrakenVenue

    def clear(self, request: Clear) -> Clearance:
        cash = self.venue.balances()["USD"].available
        return Clearance("", cash, cash, self.venue.touch(request.instrument)[1])


@dataclass
class Client:
    """Our side: the venue as we see it and what we have stored."""

    simulator: Simulator
    private: PrivateApi
    venue: KrakenVenue
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
        keys = (home, simulator.credentials, simulator)
        private = stack.enter_context(private_api(*keys, tier=tier, **where))
        catalogue = Catalogue(public.asset_pairs())
        yield Client(simulator, private, KrakenVenue(public, private, catalogue, simulator))


@dataclass
class Truth:
    """What the simulator's log says of the orders that it took."""

    taken: "Counter[UUID]" = field(default_factory=Counter)
    """How many orders it took under each id of ours."""
    txids: dict[UUID, str] = field(default_factory=dict)
    parents: dict[str, str] = field(default_factory=dict)
    """Stops that fills left behind, and the orders that they came from."""
    status: dict[str, Status] = field(default_factory=dict)
    fills: dict[str, dict[str, tuple[int, int, int, int]]] = field(default_factory=dict)
    """By order: lots, ticks, value and fee of each trade."""


def truth_of(rows: list[dict[str, Any]]) -> Truth:
    """Fold the log."""
    truth = Truth()
    for row in rows:
        txid = row.get("txid", "")
        if row["event"] == "placed":
            truth.status[txid], truth.fills[txid] = Status.OPEN, {}
            if row["cl_ord_id"]:
                id = UUID(row["cl_ord_id"])
                truth.taken[id] += 1
                truth.txids[id] = txid
            elif row["refid"]:
                truth.parents[txid] = row["refid"]
        elif row["event"] == "fill":
            truth.fills[txid][row["trade"]] = (row["lots"], row["ticks"], row["value"], row["fee"])
        elif row["event"] in ENDS:
            truth.status[txid] = ENDS[row["event"]]
    return truth


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
