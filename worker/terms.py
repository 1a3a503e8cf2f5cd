"""What a worker is told when it starts: where everything is, and whose hours it works."""

from collections.abc import Callable
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, PrivateAttr

from adapters.files import replacing
from adapters.kraken.auth import Credentials, RenewedCredentials
from adapters.model_registry import Shelf
from temporal.client import Server
from trading.errors import UsageError
from workflows.names import GUARD, MARKET, TRADING, TRADING_WAIT, TRAINING


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
    queues: tuple[str, ...] = (MARKET, TRADING, TRADING_WAIT, GUARD, TRAINING)
    """What this process serves. Training takes the processor for hours: give it a process of its own."""
    sealing_keys: tuple[tuple[str, bytes], ...] = ()

    files: dict[str, str] = {}
    """Content by path, put into `home` at the start: the audit log's key, alerts.toml, operators' keys."""

    _renew: Callable[[], tuple[str, str]] | None = PrivateAttr(None)

    def put_files(self) -> None:
        """Write `files`, readable by their owner alone, for a home that is empty at each start."""
        for name, content in self.files.items():
            file = self.home / name
            if not file.resolve().is_relative_to(self.home.resolve()):
                raise UsageError(f"the terms put {name} outside of the home")
            file.parent.mkdir(parents=True, exist_ok=True)
            with replacing(file) as draft:
                draft.touch(mode=0o600)
                draft.write_text(content)

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
