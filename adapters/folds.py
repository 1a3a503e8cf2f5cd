"""Trained folds in a folder, one file a key, so that an interrupted walk-forward resumes where it was."""

from pathlib import Path

from adapters.files import replacing


class FolderFoldStore:
    """Content by the digest of all that went into it; a file appears whole or not at all."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def load(self, key: str) -> bytes | None:
        path = self._root / key
        return path.read_bytes() if path.exists() else None

    def save(self, key: str, content: bytes) -> None:
        with replacing(self._root / key) as draft:
            draft.write_bytes(content)
