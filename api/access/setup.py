"""The token that makes the first administrator: random, one use, in a file that only its owner can read."""

import os
import secrets
from hmac import compare_digest
from pathlib import Path

FILE = "set-up-token"


class SetupToken:
    """Kept in the home folder until it is spent."""

    def __init__(self, home: Path) -> None:
        self._file = home / FILE

    def secret(self) -> str:
        """The token, made at the first call."""
        try:
            handle = os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return self._file.read_text()
        secret = secrets.token_urlsafe(24)
        with os.fdopen(handle, "w") as file:
            file.write(secret)
        return secret

    def matches(self, sent: str) -> bool:
        return self._file.exists() and compare_digest(sent.encode(), self._file.read_bytes())

    def spend(self) -> None:
        self._file.unlink(missing_ok=True)
