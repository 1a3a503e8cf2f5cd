"""Where a home keeps what, and what its running system said about itself."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from adapters.files import replacing
from cli.supervisor.children import holder, running

UP = "up"
"""The name under which the parent of all holds its lock."""


@dataclass(frozen=True, slots=True)
class Running:
    """What `ballast up` wrote when everything answered; `addresses` by part."""

    mode: str
    track: str
    portfolio: str
    namespace: str
    """Of the engine; each mode has its own."""
    started: str
    """RFC 3339, UTC."""
    addresses: dict[str, str]


@dataclass(frozen=True, slots=True)
class House:
    """The folders of one home. Each mode has a database and an engine of its own."""

    home: Path

    @property
    def run(self) -> Path:
        """Locks, ports, and what is running."""
        return self.home / "run"

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    @property
    def ports(self) -> Path:
        return self.run / "ports.json"

    def database(self, mode: str) -> Path:
        return self.home / mode / "ballast.db"

    def engine(self, mode: str) -> Path:
        """Where the embedded Temporal server keeps its state."""
        return self.home / mode / "temporal.db"

    def track(self, track: str) -> Path:
        """What belongs to one track alone: replies, nonces, objects, and in a replay bars and exchange."""
        return self.home / track.split("-")[0] / "tracks" / track

    def exchange(self, track: str) -> Path:
        """Where the simulator keeps the account of a track."""
        return self.track(track) / "exchange"

    def note(self, what: Running) -> None:
        with replacing(self._up) as draft:
            draft.write_text(json.dumps(asdict(what)))

    def last(self) -> Running | None:
        """What ran last here, whether or not it still does; None in a new home."""
        if not self._up.exists():
            return None
        told: dict[str, Any] = json.loads(self._up.read_text())
        return Running(**told)

    def up(self) -> int | None:
        """The process id of the `ballast up` that runs here."""
        return holder(self.run / f"{UP}.lock")

    def processes(self) -> dict[str, int]:
        """Process ids of the parts that are alive, by name; `up` itself left out."""
        return {name: pid for name, pid in running(self.run).items() if name != UP}

    @property
    def _up(self) -> Path:
        return self.run / "up.json"
