"""Ports of one home: free ones, chosen once and remembered, so that a bookmark stays good."""

import hashlib
import json
import socket
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from adapters.files import replacing
from trading.errors import UsageError

LOOPBACK = "127.0.0.1"
FIRST, LAST = 17_200, 17_999
"""Below the range from which operating systems lend ports to outgoing connections."""


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def remembered(file: Path) -> dict[str, int]:
    """The ports of this home by name; none before the first start."""
    return dict(json.loads(file.read_text())) if file.exists() else {}


def candidates(file: Path) -> Iterator[int]:
    """Every port of the range, from a place that the file's name draws: homes that start at one moment would
    otherwise choose the same ones.
    """
    count = LAST - FIRST + 1
    begin = int.from_bytes(hashlib.sha256(str(file.absolute()).encode()).digest()[:4], "big")
    return (FIRST + (begin + i) % count for i in range(count))


def choose(file: Path, names: Sequence[str], say: Callable[[str], None]) -> dict[str, int]:
    """A free port for each name: the remembered one, else another, which is said and remembered.

    Raises `UsageError` when the whole range is taken.
    """
    ports = remembered(file)
    spare = (port for port in candidates(file) if port not in ports.values() and is_free(port))
    for name in names:
        if name in ports and is_free(ports[name]):
            continue
        taken, port = ports.get(name), next(spare, None)
        if port is None:
            raise UsageError(f"no free port between {FIRST} and {LAST}; end programs that hold them")
        ports[name] = port
        if taken is not None:
            say(f"port {taken} of {name} is in use by another program; {name} moves to {port}")
    with replacing(file) as draft:
        draft.write_text(json.dumps(ports))
    return {name: ports[name] for name in names}
