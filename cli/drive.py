"""Start the parts of a replayed track, drive it hour after hour, and stop them in good order."""

import asyncio
import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cli.opening import MODE, NAMESPACE, PORTFOLIO, opened, written
from cli.replay import PLAYED
from cli.supervisor import parts, ports
from cli.supervisor.children import Child
from cli.supervisor.house import House, Running
from cli.supervisor.ports import LOOPBACK
from cli.supervisor.watch import Supervisor
from cli.voice import Voice
from trading.clock import TradingHour
from trading.errors import BallastError, VenueUnavailable

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from temporalio.client import Client

    from adapters.storage.base import PortfolioKey
    from cli.replay import Replay
    from worker.replay_driver import ReplayDriver

AGAIN_S = 0.5
WARN_EVERY_S = 30.0
PATIENCE_S = 300.0
"""How long an hour may make no headway before it is given up; parts that died come back within seconds."""


@dataclass(frozen=True, slots=True)
class Course:
    """What is driven, and how far."""

    replay: "Replay"
    key: "PortfolioKey"
    hours: int
    """0: to the end of the bars."""
    pace_s: float


def drive(house: House, replay: "Replay", number: int, voice: Voice, hours: int, pace_s: float) -> None:
    """Trade a track for some hours, or to the end of its bars; returns when told to stop, too.

    Raises what a part failed with, once the system cannot go on.
    """
    from adapters.storage.base import PortfolioKey

    course = Course(replay, PortfolioKey(replay.track(number), PORTFOLIO), hours, pace_s)
    chosen = ports.choose(house.ports, parts.PORTS, voice.warn)
    engine = opened(house, replay, course.key)
    children = parts_of(house, course, chosen)
    ending = Ending(voice)
    voice.say("starting engine, exchange, worker and API (the very first start compiles: half a minute)")
    with Supervisor(children, house.home, voice.say, ending.now) as supervisor:
        parts.keep_histories(NAMESPACE, chosen)
        running = noted(course, chosen)
        house.note(running)
        for name, address in running.addresses.items():
            voice.say(f"{name:<10} {address}")
        link = parts.set_up_link(children[-1])
        if link:
            voice.say(f"{'first user':<10} {link}")
        asyncio.run(trade(course, engine, running, voice, ending))
    if supervisor.failure is not None:
        raise supervisor.failure


def parts_of(house: House, course: Course, chosen: Mapping[str, int]) -> list[Child]:
    """Everything that runs beside us, in the order of their start."""
    replay, track = course.replay, course.key.track
    terms = written(house, replay, track, chosen)
    options = ["--venue", PLAYED, "--at", f"{replay.first.asof:%Y-%m-%dT%H:%M}"]
    options += ["--days", str(replay.days), "--cash", str(replay.cash), "--fees", replay.fees]
    return [
        parts.temporal(house, MODE, NAMESPACE, chosen),
        parts.simulator(house, options, house.exchange(track), chosen[parts.SIMULATOR]),
        parts.worker(house, terms, NAMESPACE, chosen),
        parts.api(house, MODE, interface(chosen), chosen[parts.API]),
    ]


def interface(chosen: Mapping[str, int]) -> str:
    return f"http://{LOOPBACK}:{chosen[parts.UI]}/namespaces/{NAMESPACE}"


def noted(course: Course, chosen: Mapping[str, int]) -> Running:
    addresses = {
        "temporal": f"{LOOPBACK}:{chosen[parts.TEMPORAL]}",
        "ui": f"{interface(chosen)}/workflows",
        "simulator": f"http://{LOOPBACK}:{chosen[parts.SIMULATOR]}",
        "api": f"http://{LOOPBACK}:{chosen[parts.API]}/api",
        "dashboard": f"http://{LOOPBACK}:{chosen[parts.API]}/",
    }
    started = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return Running(MODE, *course.key, NAMESPACE, started, addresses)


class Ending:
    """How driving ends: the first Ctrl-C lets the hour finish, the second and a failed part do not."""

    def __init__(self, voice: Voice) -> None:
        self._voice, self._asked = voice, asyncio.Event()
        self._running: tuple[asyncio.AbstractEventLoop, asyncio.Task[None]] | None = None

    @property
    def asked(self) -> bool:
        return self._asked.is_set()

    def of(self, task: "asyncio.Task[None]") -> None:
        """From now on an ending ends this task."""
        loop = asyncio.get_running_loop()
        self._running = (loop, task)
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._interrupted)

    def now(self) -> None:
        """From any thread: stop at once."""
        if self._running is None:
            self._asked.set()
        else:
            self._running[0].call_soon_threadsafe(self._at_once)

    async def pause(self, for_s: float) -> None:
        """Wait so long, or until an ending is asked for."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._asked.wait(), for_s)

    def _at_once(self) -> None:
        self._asked.set()
        if self._running is not None:
            self._running[1].cancel()

    def _interrupted(self) -> None:
        if self.asked:
            self._at_once()
        else:
            self._asked.set()
            self._voice.warn("stopping after this hour; Ctrl-C again stops at once")


async def trade(course: Course, engine: "Engine", running: Running, voice: Voice, ending: Ending) -> None:
    """Hour after hour from where the track stands; being cancelled is one way to end."""
    task = asyncio.ensure_future(_hours(course, engine, running, voice, ending))
    ending.of(task)
    try:
        await task
    except asyncio.CancelledError:
        voice.warn("stopped inside an hour; the next start finishes it")


async def _hours(course: Course, engine: "Engine", running: Running, voice: Voice, ending: Ending) -> None:
    from adapters.storage.engine import reading
    from adapters.storage.story import last_asof, story
    from temporal.client import Server, connect
    from worker.replay_driver import ReplayDriver

    with reading(engine) as session:
        done = last_asof(session, course.key.track)
    hour = TradingHour.at(done).next if done else course.replay.first
    last = course.replay.last.previous.number
    if course.hours:
        last = min(last, hour.number + course.hours - 1)
    client = await connect(Server(running.addresses["temporal"], NAMESPACE))
    driver = ReplayDriver(client, course.key.track, [PORTFOLIO], running.addresses["simulator"])
    try:
        while hour.number <= last and not ending.asked:
            if not await patiently(driver, client, course, hour, voice, ending):
                return
            with reading(engine) as session:
                voice.hour(story(session, course.key, hour.asof))
            hour = hour.next
            if hour.number <= last:
                await ending.pause(course.pace_s)
    finally:
        await driver.close()
    if hour.number > course.replay.last.previous.number:
        voice.say(f"the bars end at {course.replay.last}; `--new` begins another track")


async def patiently(
    driver: "ReplayDriver", client: "Client", course: Course, hour: TradingHour, voice: Voice, ending: Ending
) -> bool:
    """One hour, gone on with as long as parts of the system come back; False if it was not ended."""
    from temporalio.client import WorkflowFailureError
    from temporalio.service import RPCError

    from worker.replay_driver import ReplayStalled

    failed: Exception | None = None
    until_s, warn_s = time.monotonic() + PATIENCE_S, 0.0
    while time.monotonic() < until_s and not ending.asked:
        try:
            await driver.run_hour(hour)
            return True
        except (VenueUnavailable, RPCError, WorkflowFailureError) as error:
            failed = error
        except ReplayStalled as error:
            failed = error
            if time.monotonic() >= warn_s:
                voice.warn("; ".join([str(error), *await troubles(client, course.key, hour)]))
                warn_s = time.monotonic() + WARN_EVERY_S
        await ending.pause(AGAIN_S)
    if ending.asked:
        return False
    raise BallastError(f"hour {hour} does not end: {failed}")


async def troubles(client: "Client", key: "PortfolioKey", hour: TradingHour) -> list[str]:
    """What the hour is at: activities under way, and what those that are tried again failed with last."""
    from temporalio.service import RPCError

    from workflows.names import hour_id, portfolio_hour_id, shard_id

    asof, found = hour.asof, []
    ids = (
        hour_id(key.track, asof),
        shard_id(key.track, asof, 0),
        portfolio_hour_id(key.track, asof, key.portfolio),
    )
    for id in ids:
        try:
            told = await client.get_workflow_handle(id).describe()
        except RPCError:
            continue
        for pending in told.raw_description.pending_activities:
            failure = f": {pending.last_failure.message}" if pending.last_failure.message else ""
            found.append(f"{pending.activity_type.name} is at attempt {pending.attempt}{failure}")
    return found
