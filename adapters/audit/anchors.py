"""Where checkpoints are kept outside: beyond the reach of whoever can write to the database.

An anchor keeps the first checkpoint of each number for ever. Another one for the same number is the proof of
a forked log, and an `InvariantError`. How far outside it is depends on where it lies: a folder on a volume of
another owner, or a bucket with a locked retention policy.
"""

import os
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Protocol
from urllib.parse import quote

from trading.errors import InvariantError

READ_ONLY = 0o444


class Anchor(Protocol):
    """What keeps the checkpoints of every track, by the number of the last entry that each attests."""

    def put(self, track: str, seq: int, body: bytes) -> None:
        """Keep a checkpoint; the same one again changes nothing."""
        ...

    def latest(self, track: str) -> int:
        """The highest number kept, 0 for none."""
        ...

    def kept(self, track: str) -> dict[int, bytes]:
        """Every checkpoint kept."""
        ...


class FolderAnchor:
    """A folder: `<root>/<track>/<number, 12 digits>.json`, files that nobody may write."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, track: str, seq: int, body: bytes) -> None:
        place = self._folder(track) / name_of(seq)
        place.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=place.parent, prefix=".", suffix=".part") as draft:
            draft.write(body)
            draft.flush()
            os.fchmod(draft.fileno(), READ_ONLY)
            os.fsync(draft.fileno())
            try:
                os.link(draft.name, place)  # unlike a rename it never replaces what is there
            except FileExistsError:
                if place.read_bytes() != body:
                    raise forked(track, seq, str(place)) from None

    def latest(self, track: str) -> int:
        return max((number_of(file.name) for file in self._files(track)), default=0)

    def kept(self, track: str) -> dict[int, bytes]:
        return {number_of(file.name): file.read_bytes() for file in self._files(track)}

    def _files(self, track: str) -> list[Path]:
        return sorted(self._folder(track).glob("*.json"))

    def _folder(self, track: str) -> Path:
        return self.root / quote(track, safe="")


def name_of(seq: int) -> str:
    """Names sort like their numbers."""
    return f"{seq:012}.json"


def number_of(name: str) -> int:
    return int(name.removesuffix(".json"))


def forked(track: str, seq: int, place: str) -> InvariantError:
    return InvariantError(
        f"{place} holds another checkpoint of {track} up to entry {seq}: the log has been forked; "
        f"stop, keep both, and run `ballast audit verify`"
    )
