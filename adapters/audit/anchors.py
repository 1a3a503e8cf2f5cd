"""Where checkpoints are kept outside: beyond the reach of whoever can write to the database.

An anchor keeps the first checkpoint of each number for ever. Another one for the same number is the proof of
a forked log, and an `InvariantError`. How far outside it is depends on where it lies: a folder on a volume of
another owner, or a bucket with a locked retention policy.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote

from trading.errors import InvariantError

if TYPE_CHECKING:
    from google.cloud import storage

GOOGLE = "gs://"

READ_ONLY = 0o444


class Anchor(Protocol):
    """What keeps the checkpoints of every track, by line and by the last entry that each attests."""

    def put(self, track: str, line: str, seq: int, body: bytes) -> None:
        """Keep a checkpoint; the same one again changes nothing."""
        ...

    def newest(self, track: str, line: str) -> bytes | None:
        """The checkpoint of a line with the highest number."""
        ...

    def kept(self, track: str) -> list[bytes]:
        """Every checkpoint of a track."""
        ...


class FolderAnchor:
    """A folder: `<root>/<track>/<line>-<number>.json`, files that nobody may write."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, track: str, line: str, seq: int, body: bytes) -> None:
        place = self._folder(track) / name_of(line, seq)
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

    def newest(self, track: str, line: str) -> bytes | None:
        files = sorted(self._folder(track).glob(f"{line}-*.json"))
        return files[-1].read_bytes() if files else None

    def kept(self, track: str) -> list[bytes]:
        return [file.read_bytes() for file in sorted(self._folder(track).glob("*.json"))]

    def _folder(self, track: str) -> Path:
        return self.root / quote(track, safe="")


class BucketAnchor:
    """A bucket: `gs://<bucket>/<prefix>/<track>/<line>-<number>.json`, written once by precondition.

    Credentials come from the environment that Google's client reads. Lock a retention policy on the bucket,
    and give its writer no right to delete.
    """

    def __init__(self, bucket: storage.Bucket, prefix: str) -> None:
        self._bucket, self._prefix = bucket, prefix

    def put(self, track: str, line: str, seq: int, body: bytes) -> None:
        from google.api_core.exceptions import PreconditionFailed

        blob = self._bucket.blob(self._folder(track) + name_of(line, seq))
        with _answering():
            try:
                blob.upload_from_string(body, "application/json", if_generation_match=0)
            except PreconditionFailed:
                if blob.download_as_bytes() != body:
                    raise forked(track, seq, f"gs://{self._bucket.name}/{blob.name}") from None

    def newest(self, track: str, line: str) -> bytes | None:
        blobs = self._blobs(f"{self._folder(track)}{line}-")
        return _content(max(blobs, key=lambda blob: str(blob.name))) if blobs else None

    def kept(self, track: str) -> list[bytes]:
        return [_content(blob) for blob in self._blobs(self._folder(track))]

    def _blobs(self, prefix: str) -> list[storage.Blob]:
        with _answering():
            return list(self._bucket.list_blobs(prefix=prefix))

    def _folder(self, track: str) -> str:
        return "/".join(part for part in (self._prefix, quote(track, safe="")) if part) + "/"


def opened(place: str) -> Anchor:
    """The anchor at a place: `gs://BUCKET/PREFIX`, or the path of a folder."""
    if not place.startswith(GOOGLE):
        return FolderAnchor(Path(place))
    from google.cloud import storage

    bucket, _, prefix = place.removeprefix(GOOGLE).partition("/")
    return BucketAnchor(storage.Client().bucket(bucket), prefix.strip("/"))


def name_of(line: str, seq: int) -> str:
    """Names of one line sort like their numbers."""
    return f"{line}-{seq:012}.json"


def _content(blob: storage.Blob) -> bytes:
    with _answering():
        content: bytes = blob.download_as_bytes()
    return content


@contextmanager
def _answering() -> Iterator[None]:
    """A bucket that does not answer, or refuses, is an `OSError` like a folder that cannot be written."""
    from google.api_core.exceptions import GoogleAPIError
    from google.auth.exceptions import GoogleAuthError

    try:
        yield
    except (GoogleAPIError, GoogleAuthError) as error:
        raise OSError(f"the bucket for checkpoints does not take them: {error}") from error


def forked(track: str, seq: int, place: str) -> InvariantError:
    return InvariantError(
        f"{place} holds another checkpoint of {track} up to entry {seq}: the log has been forked; "
        f"stop, keep both, and run `ballast audit verify`"
    )
