"""Completes and seals a track's log each hour; what goes wrong is said, and keeps no hour from ending."""

from pathlib import Path

from sqlalchemy import Engine

from adapters.audit.anchors import opened
from adapters.audit.carried import Lines, carry
from adapters.audit.checkpoints import seal
from adapters.audit.keys import signing_key
from adapters.clock import Clock
from trading.errors import BallastError


class Sealer:
    """Signs with the key in a folder and keeps checkpoints at a place outside (`anchors.opened`)."""

    def __init__(self, engine: Engine, keys: Path, anchor: str, promotions: Lines, clock: Clock) -> None:
        """`promotions` reads the record of the registry whose releases the track may run."""
        self._engine, self._keys, self._anchor, self._clock = engine, keys, anchor, clock
        self._promotions = promotions

    def seal(self, track: str) -> str:
        """Carry what is decided elsewhere into the log, sign its head and copy it outside; returns what went
        wrong, empty when nothing did.

        A place outside that does not answer is tried again the next hour, with all that is missing there.
        """
        try:
            carry(self._engine, track, self._promotions)
            seal(self._engine, track, signing_key(self._keys), opened(self._anchor), self._clock.now())
        except (BallastError, OSError) as error:
            return str(error)
        return ""
