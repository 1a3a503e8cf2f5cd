"""Credentials by reference, so that no file, command line or plan holds one.

A reference is `secret:NAME`, a file of a folder that only its owner can read, or
`secret:projects/P/secrets/NAME/versions/V` in Google's Secret Manager. Whoever needs a credential asks when
it is used; an answer is good for `FRESH_S`, so a rotation needs no restart. While the source does not answer,
the last value stays good: a running system outlives an outage of Secret Manager.
"""

import stat
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol

from trading.errors import DataError, UsageError, VenueUnavailable

if TYPE_CHECKING:
    from google.cloud.secretmanager import SecretManagerServiceClient

PREFIX, CLOUD = "secret:", "projects/"
FRESH_S = 300.0
REPLY_S = 5.0
OTHERS = stat.S_IRWXG | stat.S_IRWXO


class Source(Protocol):
    """Where secrets are kept."""

    def read(self, name: str) -> str:
        """The value now; `UsageError` where there is none for us, `VenueUnavailable` if nobody answers."""
        ...


class Folder:
    """One file for each secret, readable by its owner alone."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def read(self, name: str) -> str:
        file = self._root / name
        if Path(name).name != name:
            raise UsageError(f"{name!r} is no name of a secret")
        try:
            mode = file.stat().st_mode
            value = file.read_text()
        except OSError as error:
            raise UsageError(f"cannot read the secret {name} in {self._root}: {error.strerror}") from error
        if mode & OTHERS:
            raise UsageError(f"others can read the secret {name}; run: chmod 600 {file}")
        return value.rstrip("\n")


class SecretManager:
    """Google's; names are whole: `projects/P/secrets/NAME/versions/V`. It asks as whoever it runs as."""

    def __init__(self, connect: "Callable[[], SecretManagerServiceClient]") -> None:
        """`connect` is called at the first question."""
        self._connect = connect

    @cached_property
    def _client(self) -> "SecretManagerServiceClient":
        return self._connect()

    def read(self, name: str) -> str:
        from google.api_core import exceptions
        from google_crc32c import value as crc32c

        try:
            payload = self._client.access_secret_version(name=name, timeout=REPLY_S).payload
        except (exceptions.NotFound, exceptions.PermissionDenied, exceptions.FailedPrecondition) as error:
            raise UsageError(f"{name} is not there for us: {type(error).__name__}") from error
        except exceptions.GoogleAPICallError as error:
            raise VenueUnavailable(f"Secret Manager does not answer for {name}") from error
        if payload.data_crc32c != crc32c(payload.data):
            raise DataError(f"{name} arrived damaged; ask again")
        return str(payload.data.decode())


class Secrets:
    """All sources as one."""

    def __init__(self, folder: Source, cloud: Source, seconds: Callable[[], float] = monotonic) -> None:
        self._folder, self._cloud, self._seconds = folder, cloud, seconds
        self._known: dict[str, tuple[float, str]] = {}

    def read(self, name: str) -> str:
        """The value behind a name, at most `FRESH_S` old unless its source does not answer."""
        now = self._seconds()
        read_at, value = self._known.get(name, (0.0, None))
        if value is not None and now < read_at + FRESH_S:
            return value
        source = self._cloud if name.startswith(CLOUD) else self._folder
        try:
            self._known[name] = (now, source.read(name))
        except VenueUnavailable:
            if value is None:
                raise
            return value
        return self._known[name][1]

    def resolved(self, document: Any) -> Any:
        """A JSON document with every reference in it replaced by its value."""
        if isinstance(document, dict):
            return {key: self.resolved(value) for key, value in document.items()}
        if isinstance(document, list):
            return [self.resolved(value) for value in document]
        if isinstance(document, str) and document.startswith(PREFIX):
            return self.read(document.removeprefix(PREFIX))
        return document


def secrets(folder: Path) -> Secrets:
    """Files of `folder`, and Secret Manager with the credentials that Google's client finds."""

    def connect() -> "SecretManagerServiceClient":
        try:
            from google.cloud.secretmanager import SecretManagerServiceClient
        except ImportError as error:
            raise UsageError("Secret Manager needs the extra packages: pip install '.[gcp]'") from error
        return SecretManagerServiceClient()

    return Secrets(Folder(folder), SecretManager(connect))
