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
from trading.errors import DataError, VenueUnavailable

if TYPE_CHECKING:
    from google.cloud.storage import Blob, Bucket

GOOGLE = "gs://"
CHECKSUM = "crc32c"
REPLY_S, TRIES_S = 20.0, 60.0
"""Of one call, and of all its repetitions."""


class BucketObjects(ObjectStore):
    """An object store whose folder is a copy of a bucket: `<prefix>/<first two digits>/<sha256>`.

    What was put is in the bucket before it is in the folder; the folder may be lost at any time. Every method
    raises `VenueUnavailable` when the bucket does not answer; nothing is then half written.
    """

    def __init__(self, bucket: Bucket, prefix: str, near: Path) -> None:
        super().__init__(near)
        self._bucket, self._prefix = bucket, prefix

    def put(self, source: Path) -> str:
        with source.open("rb") as file:
            blob = self._blob(file_digest(file, "sha256").hexdigest())
        with _answering(), _once():
            blob.upload_from_filename(str(source), if_generation_match=0, **_patience())
        return super().put(source)

    def put_bytes(self, content: bytes) -> str:
        blob = self._blob(sha256(content).hexdigest())
        with _answering(), _once():
            blob.upload_from_string(content, if_generation_match=0, **_patience())
        return super().put_bytes(content)

    def path(self, name: str) -> Path:
        """Where a near copy lies, fetched if need be; a `DataError` if there is none, or another."""
        try:
            return super().path(name)
        except DataError:
            super().put_bytes(self._fetched(name))
            return super().path(name)

    def _fetched(self, name: str) -> bytes:
        from google.api_core.exceptions import NotFound

        with _answering():
            try:
                content: bytes = self._blob(name).download_as_bytes(**_patience())
            except NotFound as error:
                raise DataError(f"no raw object {name} in gs://{self._bucket.name}") from error
        if sha256(content).hexdigest() != name:
            raise DataError(f"object {name} in gs://{self._bucket.name} holds something else; restore it")
        return content

    def _blob(self, name: str) -> Blob:
        return self._bucket.blob("/".join(part for part in (self._prefix, name[:2], name) if part))


def opened(place: str, near: Path) -> ObjectStore:
    """The store at a place: `gs://BUCKET/PREFIX` with its near copy, or the path of a folder."""
    if not place.startswith(GOOGLE):
        return ObjectStore(Path(place))
    from google.cloud import storage

    bucket, _, prefix = place.removeprefix(GOOGLE).partition("/")
    return BucketObjects(storage.Client().bucket(bucket), prefix.strip("/"), near)


def _patience() -> dict[str, Any]:
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
def _answering() -> Iterator[None]:
    from google.api_core.exceptions import GoogleAPIError
    from google.auth.exceptions import GoogleAuthError
    from google.cloud.storage.exceptions import DataCorruption

    try:
        yield
    except (GoogleAPIError, GoogleAuthError, DataCorruption, OSError) as error:
        raise VenueUnavailable(f"Cloud Storage does not answer: {type(error).__name__}") from error
