"""The raw store in Cloud Storage: the same objects under the same names, with a folder as the near copy.

An object is written once, by precondition, and never replaced; its name is its SHA-256, so what comes back is
checked against its name, on top of the checksum that goes along with each transfer.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import file_digest, sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adapters.objects import ObjectStore
from trading.errors import DataError, UsageError, VenueUnavailable

if TYPE_CHECKING:
    from google.cloud.storage import Blob, Bucket

GOOGLE = "gs://"
CHECKSUM = "crc32c"
NEAR_BYTES = 256 << 20
"""Of near copies, about."""
REPLY_S, TRIES_S = 20.0, 60.0
"""Of one call, and of all its repetitions."""


class BucketObjects(ObjectStore):
    """An object store whose folder is a copy of a bucket: `<prefix>/<first two digits>/<sha256>`.

    What was put is in the bucket before it is in the folder. The folder may be lost at any time, and loses
    its oldest files where it outgrows `NEAR_BYTES`, since it may be memory. Every method raises
    `VenueUnavailable` when the bucket does not answer; nothing is then half written.
    """

    def __init__(self, bucket: Bucket, prefix: str, near: Path) -> None:
        super().__init__(near)
        self._bucket, self._prefix, self._room = bucket, prefix, 0

    def put(self, source: Path) -> str:
        with source.open("rb") as file:
            blob = self._blob(file_digest(file, "sha256").hexdigest())
        with answering(), _once():
            blob.upload_from_filename(str(source), if_generation_match=0, **patience())
        self._make_room(source.stat().st_size)
        return super().put(source)

    def put_bytes(self, content: bytes) -> str:
        blob = self._blob(sha256(content).hexdigest())
        with answering(), _once():
            blob.upload_from_string(content, if_generation_match=0, **patience())
        self._make_room(len(content))
        return super().put_bytes(content)

    def path(self, name: str) -> Path:
        """Where a near copy lies, fetched if need be; a `DataError` if there is none, or another."""
        try:
            return super().path(name)
        except DataError:
            content = self._fetched(name)
            self._make_room(len(content))
            super().put_bytes(content)
            return super().path(name)

    def _make_room(self, bytes_: int) -> None:
        """Remove the oldest near copies where as much again would be too much; they can be fetched again."""
        self._room -= bytes_
        if self._room >= 0:
            return
        files = sorted(
            (file for file in self.root.glob("??/*") if file.is_file()), key=lambda file: file.stat().st_mtime
        )
        held = sum(file.stat().st_size for file in files)
        while files and held > NEAR_BYTES // 2:
            held -= files[0].stat().st_size
            files.pop(0).unlink(missing_ok=True)
        self._room = NEAR_BYTES - held - bytes_

    def _fetched(self, name: str) -> bytes:
        from google.api_core.exceptions import NotFound

        with answering():
            try:
                content: bytes = self._blob(name).download_as_bytes(**patience())
            except NotFound as error:
                raise DataError(f"no raw object {name} in gs://{self._bucket.name}") from error
        if sha256(content).hexdigest() != name:
            raise DataError(f"object {name} in gs://{self._bucket.name} holds something else; restore it")
        return content

    def _blob(self, name: str) -> Blob:
        return self._bucket.blob("/".join(part for part in (self._prefix, name[:2], name) if part))


def opened(place: str, near: Path) -> ObjectStore:
    """The store at a place: `gs://BUCKET/PREFIX` with its near copy; an empty place is the near one alone."""
    if not place:
        return ObjectStore(near)
    return BucketObjects(*bucket_of(place), near)


def bucket_of(place: str) -> tuple[Bucket, str]:
    """Bucket and prefix of `gs://BUCKET/PREFIX`, asked as whoever this runs as; else a `UsageError`."""
    from google.cloud import storage

    if not place.startswith(GOOGLE):
        raise UsageError(f"{place!r} is no place of objects; name it gs://BUCKET/PREFIX")
    bucket, _, prefix = place.removeprefix(GOOGLE).partition("/")
    return storage.Client().bucket(bucket), prefix.strip("/")


def patience() -> dict[str, Any]:
    """What every transfer is called with: its checksum, and how long to try."""
    from google.cloud.storage.retry import DEFAULT_RETRY

    return {"checksum": CHECKSUM, "timeout": REPLY_S, "retry": DEFAULT_RETRY.with_timeout(TRIES_S)}


@contextmanager
def _once() -> Iterator[None]:
    """What is there already is the same, by its name."""
    from google.api_core.exceptions import PreconditionFailed

    try:
        yield
    except PreconditionFailed:
        return


@contextmanager
def answering() -> Iterator[None]:
    """Inside, whatever goes wrong on the way is a `VenueUnavailable`."""
    from google.api_core.exceptions import GoogleAPIError
    from google.auth.exceptions import GoogleAuthError
    from google.cloud.storage.exceptions import DataCorruption

    try:
        yield
    except (GoogleAPIError, GoogleAuthError, DataCorruption, OSError) as error:
        raise VenueUnavailable(f"Cloud Storage does not answer: {type(error).__name__}") from error
