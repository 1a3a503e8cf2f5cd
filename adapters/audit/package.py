"""A part of the log as one file for an auditor: entries, checkpoints, public key, a guide and a verifier.

A package runs from checkpoint to checkpoint, so that both its ends are attested: from the last one at or
before `start` to the first one at or after `end`. The same entries make the same bytes.
"""

import base64
import json
import zipfile
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from adapters.audit.anchors import Anchor
from adapters.audit.chain import Record, genesis
from adapters.audit.checkpoints import SIGNED, Checkpoint, read
from adapters.audit.log import Audit, records
from adapters.audit.verify import Fault, Proof, Start, verify
from adapters.files import replacing
from adapters.storage.audit import AuditRow
from trading.config import canonical_json
from trading.errors import DataError, UsageError

FORMAT = "ballast-audit-package/1"
EPOCH = (1980, 1, 1, 0, 0, 0)
"""The time of every file inside; the earliest that the format knows."""


class Part(NamedTuple):
    """What a package holds of a log."""

    track: str
    first: int
    last: int
    before: str
    """The digest before the first entry."""
    line: str
    """Which line of checkpoints the first entry is on."""
    key: str
    """The public key that signs the first checkpoint inside."""


def part(transaction: Session | Connection, track: str, start: datetime, end: datetime) -> Part:
    """The entries from `start` to `end`, widened to checkpoints; a `UsageError` when nothing is attested."""
    marks = list(_checkpoints(transaction, track))
    if not marks:
        raise UsageError(f"nothing in the log of {track} is signed yet; run `ballast audit checkpoint`")
    opening = next((mark for mark in reversed(marks) if datetime.fromisoformat(mark.at) <= start), None)
    closing = next((mark for mark in marks if datetime.fromisoformat(mark.at) >= end), None)
    last = closing.seq + 1 if closing else Audit(transaction).head(track).seq
    if opening is None:
        return Part(track, 1, last, genesis(track).hex(), "", marks[0].key)
    return Part(track, opening.seq + 1, last, opening.digest, opening.line, opening.key)


def write(transaction: Session | Connection, chosen: Part, anchored: Iterable[bytes], out: Path) -> None:
    """Write a package; replaced when complete."""
    inside = [body for body in anchored if chosen.first <= read(body)[0].seq <= chosen.last]
    reader = files("adapters.audit.reader")
    manifest = {"format": FORMAT, **chosen._asdict()}
    with replacing(out) as draft, zipfile.ZipFile(draft, "w") as package:
        _add(package, "README.md", [reader.joinpath("GUIDE.md").read_bytes()])
        _add(package, "verify.py", [reader.joinpath("verify.py").read_bytes()])
        _add(package, "manifest.json", [canonical_json(manifest)])
        _add(package, "public.key", [chosen.key.encode()])
        _add(package, "anchored.jsonl", (body + b"\n" for body in inside))
        rows = records(transaction, chosen.track, chosen.first, chosen.last)
        _add(package, "entries.jsonl", map(_line, rows))


def check(package: Path, trusted: Collection[str], anchor: Anchor) -> Proof:
    """The proof of a package, by `trusted` keys or, without any, by the key inside, which proves only that
    its parts agree; and by the checkpoints outside that fall into it.
    """
    try:
        with zipfile.ZipFile(package) as opened, opened.open("entries.jsonl") as lines:
            told = json.loads(opened.read("manifest.json"))
            chosen = Part(**{name: told[name] for name in Part._fields})
            kept = [body for body in anchor.kept(chosen.track) if read(body)[0].seq <= chosen.last]
            start = Start(chosen.first - 1, chosen.before, chosen.line)
            proof = verify(chosen.track, map(_record, lines), trusted or (chosen.key,), kept, start)
    except (zipfile.BadZipFile, KeyError, TypeError, ValueError, FileNotFoundError) as error:
        raise DataError(f"{package} is no readable package of an audit log ({error})") from error
    if proof.fault is None and proof.entries < chosen.last:
        return proof._replace(fault=Fault(proof.entries + 1, f"it is missing, with all up to {chosen.last}"))
    return proof


def _checkpoints(transaction: Session | Connection, track: str) -> Iterator[Checkpoint]:
    mine = (AuditRow.track == track, AuditRow.portfolio == "", AuditRow.kind.in_(sorted(SIGNED)))
    for body in transaction.scalars(select(AuditRow.body).where(*mine).order_by(AuditRow.seq)):
        yield read(body)[0]


def _line(record: Record) -> bytes:
    said = {"seq": record.seq, "kind": record.kind, "portfolio": record.portfolio, "digest": record.digest}
    try:
        text = {"body": record.body.decode()}
    except UnicodeDecodeError:
        text = {"body_base64": base64.b64encode(record.body).decode()}
    return canonical_json(said | text) + b"\n"


def _record(line: bytes) -> Record:
    said = json.loads(line)
    body = base64.b64decode(said["body_base64"]) if "body_base64" in said else said["body"].encode()
    return Record(said["seq"], said["kind"], said["portfolio"], body, said["digest"])


def _add(package: zipfile.ZipFile, name: str, pieces: Iterable[bytes]) -> None:
    entry = zipfile.ZipInfo(name, EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    with package.open(entry, "w", force_zip64=True) as file:
        for piece in pieces:
            file.write(piece)
