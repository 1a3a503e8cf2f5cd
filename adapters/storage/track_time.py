"""The time by which a person's act is written down, for whoever has the database and no venue."""

from datetime import datetime, timedelta

from sqlalchemy import Engine, func, select

from adapters.clock import SystemClock
from adapters.storage.base import PortfolioKey
from adapters.storage.engine import reading
from adapters.storage.states import Mark

REPLAY = "replay-"


class TrackTime(SystemClock):
    """The time of day; in a replay, whose hours are others', the moment after the newest mark.

    Whoever computes an hour again asks what the guard knew at its mark: an act belongs between the mark that
    had been told and the next one.
    """

    def __init__(self, engine: Engine, key: PortfolioKey) -> None:
        self._engine, self._key = engine, key

    def now(self) -> datetime:
        if not self._key.track.startswith(REPLAY):
            return super().now()
        mine = (Mark.track == self._key.track, Mark.portfolio == self._key.portfolio)
        with reading(self._engine) as session:
            newest = session.scalar(select(func.max(Mark.at)).where(*mine))
        return newest + timedelta(microseconds=1) if newest else super().now()
