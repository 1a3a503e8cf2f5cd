"""A trained model as bytes: numbers and graphs by name, no pickle, the same content as the same bytes.

The parts of every family hold its whole inference as one ONNX graph `GRAPH`:

    xgboost, lightgbm, forest   features (rows, F) float32  ->  logits (rows, 3), z (rows, 3) float32
    lstm, transformer           windows (rows, steps, F) float32  ->  the same
    regime                      features (rows, F') float32  ->  probabilities (rows, 4) float32

Whatever scales or fills in features stands inside the graph, so that a runtime needs nothing else.

Layout: a magic, the length of a canonical JSON head (family, meta, and each part's name and length, names
sorted) as eight bytes, the head, the parts one after the other.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from trading.config import canonical_json
from trading.errors import DataError

MAGIC = b"BALLAST1"
LENGTH_BYTES = 8
GRAPH = "graph.onnx"


class Artefact(NamedTuple):
    """One trained model of one fold."""

    family: str
    """xgboost, lightgbm, forest, lstm, transformer or regime."""
    meta: Mapping[str, Any]
    """JSON: preset, seed, rows, epochs, feature names, horizons, trained_through, hashes of data and set."""
    parts: Mapping[str, bytes]

    def dump(self) -> bytes:
        names = sorted(self.parts)
        head = canonical_json(
            {
                "family": self.family,
                "meta": dict(self.meta),
                "parts": [[name, len(self.parts[name])] for name in names],
            }
        )
        length = len(head).to_bytes(LENGTH_BYTES, "big")
        return b"".join((MAGIC, length, head, *(self.parts[name] for name in names)))

    @classmethod
    def parse(cls, content: bytes) -> "Artefact":
        """The artefact that `dump` wrote; anything else is a `DataError`."""
        begin = len(MAGIC) + LENGTH_BYTES
        if content[: len(MAGIC)] != MAGIC or len(content) < begin:
            raise DataError("not a model artefact; train it again")
        end = begin + int.from_bytes(content[len(MAGIC) : begin], "big")
        try:
            head = json.loads(content[begin:end])
            sizes = [(str(name), int(size)) for name, size in head["parts"]]
            family, meta = str(head["family"]), head["meta"]
        except (ValueError, KeyError, TypeError) as error:
            raise DataError("the head of a model artefact is damaged; train it again") from error
        if end + sum(size for _, size in sizes) != len(content):
            raise DataError("a model artefact is cut short or has bytes too many; train it again")
        parts = {}
        for name, size in sizes:
            parts[name], end = content[end : end + size], end + size
        return cls(family, meta, parts)

    @property
    def digest(self) -> str:
        """SHA-256 of the dump: the model's identity."""
        return hashlib.sha256(self.dump()).hexdigest()

    @property
    def trained_through(self) -> int:
        """Last asof whose outcome the model may know."""
        return int(self.meta["trained_through"])
