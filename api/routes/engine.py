"""Whether the engine answers, and whether anybody works for it."""

from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Lock
from typing import Annotated

from fastapi import APIRouter, Depends, Request

from api.access.guard import may
from api.access.principal import Principal
from api.access.roles import Action
from api.problems import REFUSALS
from api.wire import Answer
from temporal.crews import Crews
from trading.errors import VenueUnavailable

router = APIRouter(prefix="/api/engine", tags=["operations"], responses=REFUSALS)

Reader = Annotated[Principal, Depends(may(Action.READ))]
HELD = timedelta(seconds=5)


class Queue(Answer):
    """One task queue."""

    queue: str
    workers: int
    """That asked for work within the last minutes."""
    seen: datetime | None


class Engine(Answer):
    """The engine and its workers."""

    answers: bool
    queues: list[Queue]
    """Empty while the engine does not answer."""


class Roll:
    """Who works, asked at most every few seconds however many look."""

    def __init__(self, crews: Crews | None, now: Callable[[], datetime]) -> None:
        self._crews, self._now = crews, now
        self._lock = Lock()
        self._held: tuple[datetime, Engine] | None = None

    def engine(self) -> Engine:
        with self._lock:
            if self._held is None or self._now() > self._held[0] + HELD:
                self._held = (self._now(), self._asked())
            return self._held[1]

    def _asked(self) -> Engine:
        try:
            if self._crews is None:
                raise VenueUnavailable("the API was started without an engine")
            queues = [Queue(**crew._asdict()) for crew in self._crews.seen()]
        except VenueUnavailable:
            return Engine(answers=False, queues=[])
        return Engine(answers=True, queues=queues)


@router.get("", summary="Whether the engine answers, and who works for it")
def engine(_reader: Reader, request: Request) -> Engine:
    roll: Roll = request.app.state.roll
    return roll.engine()
