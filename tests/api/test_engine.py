"""Whether anybody works for the engine is asked of it, and what guards say is asked of them once a second."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from adapters.storage.base import PortfolioKey
from api.access.roles import Role
from api.reads.watched import HELD_S, Watched
from api.routes.engine import Roll
from temporal.client import Server
from temporal.crews import QUEUES, Crew, EngineCrews
from tests.devserver import NAMESPACE, DevServer
from tests.installation import World
from trading.errors import VenueUnavailable


class Crews:
    """Two queues, or an engine that does not answer."""

    def __init__(self) -> None:
        self.is_down, self.asked = False, 0

    def seen(self) -> list[Crew]:
        self.asked += 1
        if self.is_down:
            raise VenueUnavailable("nobody there")
        return [Crew("market", 1, datetime(2026, 3, 1, tzinfo=UTC)), Crew("trading", 0, None)]


def test_a_queue_without_workers_is_shown_and_the_engine_is_not_asked_by_everyone(world: World) -> None:
    crews = Crews()
    world.client().app.state.roll = Roll(crews, world.clock)
    world.person("ada", Role.VIEWER)
    ada = world.signed_in("ada")
    told = [ada.get("/api/engine").json() for _ in range(3)]
    assert told[0] == told[2]
    assert [(one["queue"], one["workers"]) for one in told[0]["queues"]] == [("market", 1), ("trading", 0)]
    assert crews.asked == 1
    crews.is_down = True
    world.clock.pass_(seconds=10)
    assert ada.get("/api/engine").json() == {"answers": False, "queues": []}


def test_the_engine_itself_says_who_asked_for_work(tmp_path: Path) -> None:
    server = DevServer(tmp_path)
    server.start()
    try:
        asyncio.run(server.connect())
        crews = EngineCrews(lambda: Server(server.address, NAMESPACE)).seen()
    finally:
        server.stop()
    assert [(crew.queue, crew.workers, crew.seen) for crew in crews] == [(q, 0, None) for q in QUEUES]


def test_a_guard_is_asked_once_a_second_and_at_once_after_a_command() -> None:
    asked: list[PortfolioKey] = []
    time_s = 0.0

    class Guards:
        def status(self, *key: str) -> Any:
            asked.append(PortfolioKey(*key))
            return len(asked)

    guards: Any = Guards()
    watched, key = Watched(lambda: time_s), PortfolioKey("replay-a-1", "main")
    assert [watched.status(guards, key) for _ in range(3)] == [1, 1, 1]
    watched.forget(key)
    assert watched.status(guards, key) == 2
    time_s += HELD_S + 0.1
    assert watched.status(guards, key) == 3
    assert watched.status(None, PortfolioKey("replay-a-1", "other")) is None
