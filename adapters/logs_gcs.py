"""Logs in Cloud Storage that several machines add to and none can change: a line is an object of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from adapters.clock import Clock
from adapters.objects import ObjectStore
from adapters.objects_gcs import answering, bucket_of, opened, patience
from adapters.replies import ReplyLog
from trading.config import canonical_json
from trading.errors import VenueUnavailable

if TYPE_CHECKING:
    from google.cloud.storage import Bucket


class BucketReplies(ReplyLog):
    """A reply log whose lines are objects too, `<prefix>/replies/<venue>/<UTC day>/<time>-<chance>.json`.

    Several machines may write one, and none can change a line.
    """

    def __init__(self, bucket: Bucket, prefix: str, venue: str, objects: ObjectStore, clock: Clock) -> None:
        super().__init__(Path(), venue, objects, clock)
        self._bucket, self._root = bucket, "/".join(part for part in (prefix, "replies", venue) if part)

    def _write(self, available: datetime, line: bytes) -> None:
        name = f"{self._root}/{available:%Y-%m-%d}/{available:%H%M%S.%f}-{uuid4().hex}.json"
        with answering():
            self._bucket.blob(name).upload_from_string(line, if_generation_match=0, **patience())

    def lines(self) -> Iterator[dict[str, Any]]:
        with answering():
            for blob in self._bucket.list_blobs(prefix=f"{self._root}/"):
                yield json.loads(blob.download_as_bytes(**patience()))


class BucketRecords:
    """Records at `gs://BUCKET/PREFIX`, only ever added to: one object each, numbered, written once."""

    def __init__(self, place: str) -> None:
        self._bucket, self._prefix = bucket_of(place)
        self._count: int | None = None

    def append(self, record: Mapping[str, Any]) -> None:
        """Add a record; a `VenueUnavailable` where another machine was faster, which may matter."""
        from google.api_core.exceptions import PreconditionFailed

        number = (len(self.all()) if self._count is None else self._count) + 1
        blob = self._bucket.blob(f"{self._prefix}/{number:08}.json")
        with answering():
            try:
                blob.upload_from_string(canonical_json(dict(record)), if_generation_match=0, **patience())
            except PreconditionFailed as error:
                self._count = None
                raise VenueUnavailable("somebody else wrote a record just now; try again") from error
        self._count = number

    def all(self, after: int = 0) -> list[dict[str, Any]]:
        """Every record, oldest first; without the first `after` of them."""
        begin = f"{self._prefix}/{after + 1:08}.json"
        with answering():
            blobs = self._bucket.list_blobs(prefix=f"{self._prefix}/", start_offset=begin)
            found = [json.loads(blob.download_as_bytes(**patience())) for blob in blobs]
        self._count = after + len(found)
        return found


def replies(place: str, home: Path, venue: str, clock: Clock) -> ReplyLog:
    """A venue's replies at a place as of `opened`; by default bytes in `objects`, an index in `replies`."""
    objects = opened(place, home / "objects")
    if not place:
        return ReplyLog(home / "replies", venue, objects, clock)
    bucket, prefix = bucket_of(place)
    return BucketReplies(bucket, prefix, venue, objects, clock)
