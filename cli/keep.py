"""Keep a paper or live track going: its parts, its schedules, hours that were missed, and what is told of it.

The engine's own schedule starts hours. This looks after it: an hour that nobody started, after a sleep or a
stop, is started here, oldest first, since the next one waits until it is over.
"""

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cli import real as tracks
from cli.drive import Ending
from cli.real import Real, Request
from cli.supervisor import parts, ports
from cli.supervisor.house import House, Running
from cli.supervisor.ports import LOOPBACK
from cli.supervisor.watch import Supervisor
from cli.voice import Voice
from trading.clock import TradingHour

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from temporalio.client import Client

    from adapters.kraken.timekeeping import KrakenTime

LOOK_S = 2.0
GRACE = timedelta(seconds=30)
"""An hour that its schedule has not started by then is started here."""
AGAIN_S = 30.0
PORTS = tuple(name for name in parts.PORTS if name != parts.SIMULATOR)


@dataclass(frozen=True, slots=True)
class Watch:
    """What is kept going, and how far."""

    real: Real
    engine: "Engine"
    first: TradingHour
    hours: int
    """0: until told to stop."""


def keep(house: House, request: Request, voice: Voice, hours: int) -> None:
    """Run a track until told to stop; raises what a part failed with once the system cannot go on."""
    from adapters.clock import SystemClock
    from adapters.kraken.connect import public_api
    from adapters.kraken.timekeeping import KrakenTime
    from worker.compose import world_of

    chosen = ports.choose(house.ports, PORTS, voice.warn)
    engine = tracks.database(house, request.mode)
    real = tracks.track_of(engine, request)
    voice.say(f"reading {request.address}")
    terms = tracks.resolved(tracks.terms_of(house, real, chosen), request.secrets)
    with world_of(terms, SystemClock()) as world:
        real = tracks.opened(house, engine, real, world)
    watch = Watch(real, engine, first_hour(engine, real), hours)
    terms_file = tracks.written(house, tracks.terms_of(house, real, chosen))
    children = [
        parts.temporal(house, request.mode, real.namespace, chosen),
        parts.worker(house, terms_file, real.namespace, chosen, request.secrets),
        parts.api(house, request.mode, interface(real, chosen), chosen[parts.API]),
    ]
    ending = Ending(voice)
    voice.say("starting engine, worker and API (the very first start compiles: half a minute)")
    with Supervisor(children, house.home, voice.say, ending.now) as supervisor:
        parts.keep_histories(real.namespace, chosen)
        running = noted(real, chosen)
        house.note(running)
        for name, address in running.addresses.items():
            voice.say(f"{name:<10} {address}")
        link = parts.set_up_link(children[-1])
        if link:
            voice.say(f"{'first user':<10} {link}")
        with public_api(house.run, SystemClock(), 0, request.address) as public:
            asyncio.run(kept(watch, running, KrakenTime(public, SystemClock()), voice, ending))
    if supervisor.failure is not None:
        raise supervisor.failure


def interface(real: Real, chosen: dict[str, int]) -> str:
    return f"http://{LOOPBACK}:{chosen[parts.UI]}/namespaces/{real.namespace}"


def noted(real: Real, chosen: dict[str, int]) -> Running:
    addresses = {
        "temporal": f"{LOOPBACK}:{chosen[parts.TEMPORAL]}",
        "ui": f"{interface(real, chosen)}/workflows",
        "venue": real.request.address,
        "api": f"http://{LOOPBACK}:{chosen[parts.API]}/api",
        "dashboard": f"http://{LOOPBACK}:{chosen[parts.API]}/",
    }
    started = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return Running(real.request.mode, *real.key, real.namespace, started, addresses)


def first_hour(engine: "Engine", real: Real) -> TradingHour:
    """asof of the first decision of the track."""
    from sqlalchemy import func, select

    from adapters.storage.engine import reading
    from adapters.storage.hours import Mandate

    with reading(engine) as session:
        asof = session.scalars(select(func.min(Mandate.asof)).where(Mandate.track == real.key.track)).one()
    return TradingHour.at(asof)


async def kept(watch: Watch, running: Running, clock: "KrakenTime", voice: Voice, ending: Ending) -> None:
    """Look after the hours until an ending is asked for; being cancelled is one way to end."""
    task = asyncio.ensure_future(_kept(watch, running, clock, voice, ending))
    ending.of(task)
    with suppress(asyncio.CancelledError):
        await task


async def _kept(watch: Watch, running: Running, clock: "KrakenTime", voice: Voice, ending: Ending) -> None:
    from temporal.client import Server, connect
    from temporal.schedules import apply, schedules_of

    client = await connect(Server(running.addresses["temporal"], running.namespace))
    for timed in schedules_of(watch.real.key.track):
        await apply(client, timed)
    told = await asyncio.to_thread(last_over, watch)
    start, launches = told.number, Launches(client, watch, voice)
    while not ending.asked and not (watch.hours and told.number - start >= watch.hours):
        over = await asyncio.to_thread(last_over, watch)
        while told < over:
            told = told.next
            await asyncio.to_thread(tell, watch, told, voice)
        await launches.look(over, await asyncio.to_thread(clock.now))
        await ending.pause(LOOK_S)


class Launches:
    """Starts hours that nobody else did, one at a time."""

    def __init__(self, client: "Client", watch: Watch, voice: Voice) -> None:
        self._client, self._watch, self._voice = client, watch, voice
        self._running: asyncio.Task[object] | None = None
        self._again_s = 0.0

    async def look(self, over: TradingHour, now: datetime) -> None:
        """Start the hour after the last one that is over, when it is due and is not under way here."""
        if self._running is not None and not self._running.done():
            return
        if self._running is not None and self._running.exception() is not None:
            self._voice.warn(f"hour {over.next} does not end: {self._running.exception()}")
            self._again_s = time.monotonic() + AGAIN_S
        self._running = None
        if now >= over.next.asof + GRACE and time.monotonic() >= self._again_s:
            self._running = asyncio.create_task(self._launched(over.next))

    async def _launched(self, hour: TradingHour) -> object:
        from temporal.launches import launched

        return await launched(self._client, self._watch.real.key.track, hour.asof)


def last_over(watch: Watch) -> TradingHour:
    """The last hour of the track that is over; the one before its first at the beginning."""
    from adapters.storage.engine import reading
    from adapters.storage.story import last_asof

    with reading(watch.engine) as session:
        asof = last_asof(session, watch.real.key.track)
    return TradingHour.at(asof) if asof else watch.first.previous


def tell(watch: Watch, hour: TradingHour, voice: Voice) -> None:
    from adapters.storage.engine import reading
    from adapters.storage.story import story

    with reading(watch.engine) as session:
        voice.hour(story(session, watch.real.key, hour.asof))
