"""Nonces of one API key: strictly rising over threads, restarts, kills and clocks that step back.

1. A block of numbers is reserved on disk before the first of them is used; a process that starts goes on
   after the last reserved one, so that a killed process loses numbers and never repeats one.
2. A block starts at the present millisecond if that is later. The clock can only make numbers larger: it lets
   a key survive the loss of the home folder, and a clock that is set back changes nothing.
3. The venue wants them in the order of arrival, so that two processes with one key would lock each other out.
   The file is held under a lock for as long as the process lives; the second process is refused.
"""

import fcntl
import hashlib
import threading
from pathlib import Path

from adapters.clock import Clock
from adapters.files import replacing
from trading.errors import DataError, UsageError

BLOCK = 1_000
NONCE_MAX = 1 << 63
"""Kraken takes unsigned 64-bit numbers; half of that is 290 million years of milliseconds."""


class NonceSource:
    """The one source of nonces for a key; `folder` keeps a file per key, named by a hash of it."""

    def __init__(self, folder: Path, key: str, clock: Clock) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = folder / hashlib.sha256(key.encode()).hexdigest()[:16]
        self._clock = clock
        self._turn = threading.Lock()
        self._held = self._file.with_suffix(".lock").open("w")
        try:
            fcntl.flock(self._held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._held.close()
            raise UsageError("another process uses this API key; stop it, or make a key for each") from error
        self._last = self._reserved = self._read()

    def next(self) -> int:
        """A number above every one before, on disk before it is returned."""
        with self._turn:
            if self._last >= self._reserved:
                self._reserve()
            self._last += 1
            return self._last

    def close(self) -> None:
        """Let another process have the key."""
        self._held.close()

    def _reserve(self) -> None:
        start = max(self._reserved, int(self._clock.now().timestamp() * 1000))
        if start + BLOCK >= NONCE_MAX:
            raise DataError(f"{self._file} holds a nonce beyond all bounds; make a new API key")
        with replacing(self._file) as draft:
            draft.write_text(f"{start + BLOCK}\n")
        self._last, self._reserved = start, start + BLOCK

    def _read(self) -> int:
        if not self._file.exists():
            return 0
        text = self._file.read_text("utf-8", "replace").strip()
        if not (text.isascii() and text.isdigit()) or int(text) >= NONCE_MAX:
            raise DataError(f"{self._file} holds no nonce; remove it and make a new API key")
        return int(text)
