"""Seals a track's log each hour; what goes wrong with it is said, and keeps no hour from ending."""

from pathlib import Path

from sqlalchemy import Engine

from adapters.audit.anchors import opened
from adapters.audit.checkpoints import seal
from adapters.audit.keys import signing_key
from adapters.clock import Clock
from trading.errors import BallastError


class Sealer:
    """Signs with the key in a folder and keeps checkpoints at a place outside (`anchors.opened`)."""

    def __init__(self, engine: Engine, keys: Path, anchor: str, clock: Clock) -> None:
        self._engine, self._keys, self._anchor, self._clock = engine, keys, anchor, clock

    def seal(self, track: str) -> str:
        """Sign the head of the log and copy it outside; returns what went wrong, empty when nothing did.

        A place outside that does not answer is tried again the next hour, with all that is missing there.
        """
        try:
            seal(self._engine, track, signing_key(self._keys), opened(self._anchor), self._clock.now())
        except (BallastError, OSError) as error:
            return str(error)
        return ""
