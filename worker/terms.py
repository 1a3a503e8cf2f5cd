"""What a worker is told when it starts: where everything is, and whose hours it works."""

from collections.abc import Callable
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, PrivateAttr

from adapters.kraken.auth import Credentials, RenewedCredentials
from adapters.model_registry import Shelf
from temporal.client import Server
from workflows.names import MARKET, TRADING, TRADING_WAIT, TRAINING


class Terms(BaseModel):
    """Of one worker process; written by whoever starts it, kept out of the command line for its secrets."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mode: Literal["replay", "paper", "live"]
    track: str
    home: Path
    """Folder of the track: nonces, replies, objects, bars, operators' keys."""
    audit: Path | None = None
    """Folder of the key that signs the audit log, by default in `home`."""
    anchor: str = ""
    """Where its checkpoints are kept outside; empty: beside the key, which is not outside."""
    database: str
    """URL, `sqlite:///file` or `postgresql://…`."""
    temporal: str
    """host:port of the engine."""
    temporal_key: str = ""
    """Of Temporal Cloud."""
    namespace: str
    venue: str
    """Address of Kraken, or of the simulator."""
    key: str = ""
    secret: str = ""
    """Of the account; there is none on paper."""
    fees: str = "mission"
    """Preset of what a fill on paper costs."""
    instruments: tuple[str, ...]
    objects: str = ""
    """Where raw objects are kept: gs://BUCKET/PREFIX, with a near copy in `home`; empty: in `home` alone."""
    models: Path | None = None
    """Folder of the registry of releases; by default beside the track's own files."""
    shelf: Shelf | None = None
    """The registry that several machines share, instead of that folder's."""
    house: Path | None = None
    """The home folder: bars to train on, logs, exports; by default the track's own."""
    cache: Path
    """Folder of compiled code."""
    queues: tuple[str, ...] = (MARKET, TRADING, TRADING_WAIT, TRAINING)
    """What this process serves. Training takes the processor for hours: give it a process of its own."""
    sealing_keys: tuple[tuple[str, bytes], ...] = ()

    _renew: Callable[[], tuple[str, str]] | None = PrivateAttr(None)

    def renewed_by(self, read: Callable[[], tuple[str, str]]) -> "Terms":
        """Key and secret are read anew when they are used."""
        self._renew = read
        return self

    def credentials(self) -> Credentials | None:
        """Of the account; None for a process that has no part in it."""
        if not self.key:
            return None
        return RenewedCredentials(self._renew) if self._renew else Credentials(self.key, self.secret)

    @property
    def server(self) -> Server:
        return Server(self.temporal, self.namespace, self.sealing_keys, self.temporal_key)
