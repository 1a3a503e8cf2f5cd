"""What is decided outside of a track's database, carried into its log: promotions, configuration, structure.

A worker carries before its first hour and at the close of each, so that nothing decides unsaid for longer
than an hour. Only what differs from the last entry of its kind is appended: to carry again changes nothing.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

from sqlalchemy import Engine

import adapters
from adapters.audit.chain import Kind
from adapters.audit.log import Audit, Told
from adapters.storage.engine import unit_of_work
from trading.config import canonical_digest, canonical_json
from trading.errors import InvariantError

STRUCTURE = "structure.json"
"""In `config`: the facts of the house when somebody last accounted for them (`ballast governance record`)."""
REVIEWED = (".json", ".toml")
PACKAGES = ("activities", "adapters", "config", "temporal", "trading", "worker", "workflows")
"""Whose sources an hour is made of."""
FINGERPRINT_DIGITS = 16

Lines = Callable[[], Sequence[Mapping[str, object]]]


def carry(engine: Engine, track: str, promotions: Lines) -> int:
    """Append what the log of a track does not say yet; returns how many entries that were.

    `promotions` reads the registry's record, oldest line first. An `InvariantError` when that is not the
    record that the log was told of.
    """
    with unit_of_work(engine) as session:
        audit = Audit(session)
        audit.hold(track)
        running = ((Kind.CONFIGURATION, configuration()), (Kind.STRUCTURE, structure()))
        told = [Told(kind, "", body) for kind, body in running if not _is_last(audit, track, kind, body)]
        told += _promotions(audit, track, promotions())
        if told:
            audit.append_all(track, told)
    return len(told)


@cache
def configuration() -> bytes:
    """Every reviewed file of `config` by the SHA-256 of its bytes."""
    named = {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest()
        for file in files("config").iterdir()
        if file.name.endswith(REVIEWED) and file.name != STRUCTURE
    }
    return canonical_json({"reviewed": named})


@cache
def structure() -> bytes:
    """The fingerprints of the house, and the version and a digest of the sources that run."""
    facts = json.loads(files("config").joinpath(STRUCTURE).read_bytes())
    marks = {subject: fingerprint(told) for subject, told in facts.items()}
    code = {"sources": sources(), "version": version("ballast-trading")}
    return canonical_json({"fingerprints": marks, **code})


def fingerprint(facts: Mapping[str, str]) -> str:
    """Of the facts of one structural subject."""
    return canonical_digest(dict(facts))[:FINGERPRINT_DIGITS]


def sources() -> str:
    """A digest of the Python sources of everything that an hour is made of."""
    digest, root = hashlib.sha256(), Path(adapters.__path__[0]).parent
    for file in sorted(file for package in PACKAGES for file in (root / package).rglob("*.py")):
        digest.update(f"{file.relative_to(root).as_posix()}\0".encode())
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def _is_last(audit: Audit, track: str, kind: Kind, body: bytes) -> bool:
    last = audit.last(track, kind)
    return last is not None and last.body == body


def _promotions(audit: Audit, track: str, lines: Sequence[Mapping[str, object]]) -> Iterator[Told]:
    """The lines of the record that came after the last one that the log knows."""
    bodies = [canonical_json({"number": number, **line}) for number, line in enumerate(lines, 1)]
    last = audit.last(track, Kind.PROMOTION)
    known = json.loads(last.body)["number"] if last else 0
    if last and bodies[known - 1 : known] != [last.body]:
        raise InvariantError(
            f"promotion {known} in the audit log of {track} is not what the registry's record says: somebody "
            "changed that; restore it, and write an incident"
        )
    for body in bodies[known:]:
        yield Told(Kind.PROMOTION, "", body)
