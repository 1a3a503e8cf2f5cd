"""A replay to test with: a market's bars, simulator, engine and worker, in processes of their own."""

import asyncio
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path
from temporalio.client import Client

from adapters.bars import BarStore
from adapters.published import published
from adapters.storage.base import PortfolioKey
from adapters.storage.engine import connect as database
from adapters.storage.engine import sqlite_url, unit_of_work
from adapters.storage.migrate import upgrade
from adapters.storage.tracks import Opening, open_track
from config import trading
from config.instruments import grid_for
from simulator.generator import generate
from temporal.client import Server, connect
from temporal.dev_server import command
from tests.running import Simulator, simulator
from trading.clock import DAY_H, TradingHour
from trading.errors import VenueUnavailable
from worker.replay_driver import ReplayDriver
from worker.terms import Terms

CACHE = user_cache_path("ballast-tests", appauthor=False)
WINDOW_H = 122 * DAY_H + 12
BEGIN = TradingHour.at(datetime(2024, 3, 1, 22, tzinfo=UTC))
SEED, SPAN_H = 3, 24 * 7
CASH = 4_000_000
"""So much that a thin hour fills some orders in part."""
UNITS = 100_000_000
BALLAST = [sys.executable, "-c", "from cli.main import main; main()"]
NAMESPACE = "ballast-test"


@dataclass(frozen=True)
class Market:
    """Published bars of a made-up market, from a window before `first` to `last`."""

    folder: Path
    """A bar store with everything."""
    instruments: tuple[str, ...]
    first: TradingHour
    last: TradingHour


def made_up(folder: Path, skip_h: int, instruments: int = 6) -> Market:
    """The same made-up market every time, to be traded from `skip_h` hours after its first day on."""
    start, last = BEGIN.number - WINDOW_H, BEGIN.number + SPAN_H
    store = BarStore(folder)
    frames = generate(SEED, last - start + 1, instruments, start)
    for name, bars in frames.items():
        store.write("kraken", name, published(bars, grid_for(name), 1.0))
    return Market(folder, tuple(sorted(frames)), TradingHour(BEGIN.number + skip_h), TradingHour(last))


def free_ports(count: int) -> list[int]:
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(one.getsockname()[1]) for one in held]
    for one in held:
        one.close()
    return ports


class Engine:
    """The dev server with our flags on a free port; started again, it goes on with its file."""

    def __init__(self, folder: Path) -> None:
        self.port, ui, http, metrics = free_ports(4)
        self._log = folder / "temporal.log"
        self._command = command(
            binary=str(Path(sys.executable).parent / "temporal"),
            database=folder / "temporal.db",
            namespace=NAMESPACE,
            port=self.port,
            ui_port=ui,
            http_port=http,
            metrics_port=metrics,
        )
        self.start()

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)

    def kill(self) -> None:
        """End it as a power cut would."""
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(20)


@contextmanager
def engine_process(folder: Path) -> Iterator[Engine]:
    """An engine that is always stopped."""
    engine = Engine(folder)
    try:
        yield engine
    finally:
        engine.stop()


async def client_of(server: Server) -> Client:
    """A client as soon as the engine answers."""
    for _ in range(200):
        try:
            client = await connect(server)
            await client.count_workflows()
            return client
        except Exception:
            await asyncio.sleep(0.05)
    raise VenueUnavailable("the engine does not answer")


def start_worker(terms: Terms, folder: Path) -> subprocess.Popen[bytes]:
    """A worker process that serves."""
    file = folder / "terms.json"
    file.write_text(terms.model_dump_json())
    log = (folder / "worker.log").open("ab")
    process = subprocess.Popen([*BALLAST, "worker", str(file)], stdout=subprocess.PIPE, stderr=log)
    assert process.stdout is not None
    assert process.stdout.readline(), (folder / "worker.log").read_text()
    return process


@dataclass
class Replay:
    """What runs, and how to drive it."""

    terms: Terms
    client: Client
    driver: ReplayDriver
    venue: Simulator
    folder: Path
    market: Market
    worker: subprocess.Popen[bytes]
    engine: Engine

    @property
    def database(self) -> str:
        return self.terms.database


@asynccontextmanager
async def replaying(
    folder: Path,
    market: Market,
    predictor: str,
    portfolios: tuple[str, ...] = ("main",),
    config: Any = None,
    review_after_h: int = 0,
    options: tuple[str, ...] = (),
    places: Mapping[str, Any] | None = None,
    start: Callable[[Terms, Path], subprocess.Popen[bytes]] = start_worker,
) -> AsyncIterator[Replay]:
    """A replay of a market, its track opened and its worker ready.

    `places` are terms that say where things are kept, beside SQLite and the home's folders.
    """
    home, account = folder / "home", folder / "account"
    home.mkdir()
    account.mkdir()
    (account / "bars").symlink_to(market.folder)
    for name in market.instruments:
        before = BarStore(market.folder).read("kraken", name, None, market.first.number - 1)
        BarStore(home / "bars").write("kraken", name, before)
    at = market.first.asof.strftime("%Y-%m-%dT%H:%M")
    days = str((market.last.number - market.first.number) // DAY_H)
    told = ("--venue", "kraken", "--at", at, "--days", days, "--cash", str(CASH), *options)
    track = "replay-test-1"
    with simulator(account, *told) as venue, engine_process(folder) as engine:
        terms = Terms(
            **{"database": str(sqlite_url(folder / "ballast.db")), "cache": CACHE, **(places or {})},
            mode="replay",
            track=track,
            home=home,
            temporal=f"127.0.0.1:{engine.port}",
            namespace=NAMESPACE,
            venue=venue.address,
            key=venue.ready["key"],
            secret=venue.ready["secret"],
            instruments=market.instruments,
        )
        stored = database(terms.database)
        upgrade(stored)
        for name in portfolios:
            opening = Opening(
                PortfolioKey(track, name),
                "USD",
                CASH * UNITS,
                market.first,
                predictor,
                config or trading.load(),
                review_after_h,
            )
            with unit_of_work(stored) as session:
                open_track(session, opening, {"mode": "replay"})
        client = await client_of(terms.server)
        worker = start(terms, folder)
        driver = ReplayDriver(client, track, list(portfolios), venue.address)
        replay = Replay(terms, client, driver, venue, folder, market, worker, engine)
        try:
            yield replay
        finally:
            await driver.close()
            # A test may have killed the first worker and started another.
            replay.worker.terminate()
            replay.worker.wait(30)
