"""The raw store: what came in, byte for byte, named by its SHA-256. Nothing is ever changed or removed."""

import hashlib
from pathlib import Path

from adapters.files import replacing
from trading.errors import DataError

CHUNK_BYTES = 1 << 20
READ_ONLY = 0o444


class ObjectStore:
    """A folder of immutable objects, `<root>/<first two digits>/<sha256>`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, source: Path) -> str:
        """Keep a copy of a file and return its SHA-256; a file that is there already is not copied again."""
        with source.open("rb") as file:
            name = hashlib.file_digest(file, "sha256").hexdigest()
        if not self._place(name).exists():
            self._copy(source, name)
        return name

    def put_bytes(self, content: bytes) -> str:
        """Keep what came in over a wire and return its SHA-256."""
        name = hashlib.sha256(content).hexdigest()
        if not self._place(name).exists():
            with replacing(self._place(name)) as draft:
                draft.write_bytes(content)
                draft.chmod(READ_ONLY)
        return name

    def path(self, name: str) -> Path:
        """Where the object of that SHA-256 lies, to be read only; a `DataError` if it is not here."""
        place = self._place(name)
        if not place.exists():
            raise DataError(f"no raw object {name} in {self.root}; import its source again")
        return place

    def read(self, name: str) -> bytes:
        """The content of that SHA-256; a `DataError` if it is not here."""
        return self.path(name).read_bytes()

    def _place(self, name: str) -> Path:
        return self.root / name[:2] / name

    def _copy(self, source: Path, name: str) -> None:
        digest = hashlib.sha256()
        with replacing(self._place(name)) as draft:
            with source.open("rb") as file, draft.open("wb") as copy:
                while chunk := file.read(CHUNK_BYTES):
                    digest.update(chunk)
                    copy.write(chunk)
            if digest.hexdigest() != name:
                raise DataError(f"{source} changed while it was read; import it again")
            draft.chmod(READ_ONLY)
