"""What the audit log says of a restored backup."""

from datetime import UTC, datetime

from sqlalchemy import Engine

from adapters.audit.anchors import Anchor
from adapters.audit.chain import Kind
from adapters.audit.checkpoints import line_of, read
from adapters.audit.log import Audit, tracks
from adapters.storage.engine import unit_of_work
from trading.config import canonical_json


def declare(engine: Engine, anchor: Anchor, backup: str, now: datetime) -> None:
    """Enter the restore of a backup into every log of a database.

    Each begins a new line of checkpoints: what was attested outside after the backup was made is lost, as
    the entry says, and is not held against the log that goes on from here.
    """
    with unit_of_work(engine) as session:
        audit = Audit(session)
        for track in tracks(session):
            here = line_of(audit, track)
            outside = [read(body)[0] for body in anchor.kept(track)]
            told = {
                "abandons": sorted({checkpoint.line for checkpoint in outside} - {here}),
                "at": now.astimezone(UTC).isoformat(),
                "backup": backup,
                "outside": max((one.seq for one in outside if one.line == here), default=0),
            }
            audit.append(track, Kind.RESTORE, "", canonical_json(told))
