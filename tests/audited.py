"""A log of every kind with checkpoints and a change of key, and all the ways to falsify it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Connection, Engine, text

from adapters.audit import Audit, Kind
from adapters.audit.anchors import FolderAnchor
from adapters.audit.chain import Record
from adapters.audit.checkpoints import SIGNED, seal
from adapters.audit.keys import signing_key
from adapters.audit.log import records
from adapters.audit.rotation import rotate
from adapters.storage.base import PortfolioKey
from adapters.storage.engine import unit_of_work
from adapters.storage.portfolios import open_portfolio
from tests.stored import COUNT, NOW
from trading.config import canonical_json

HOURS, ENTRIES_AN_HOUR, TAIL = 6, 9, 4
TOLD = sorted(set(Kind) - SIGNED - {Kind.RESTORE})
"""What the parts of the system tell of; the rest is written by the audit log itself."""


@dataclass(frozen=True)
class Log:
    """A log as its owner left it."""

    track: str
    keys: Path
    anchor: FolderAnchor
    first_key: str
    genuine: tuple[Record, ...]

    @property
    def sealed(self) -> list[int]:
        """The numbers of its checkpoints."""
        return [record.seq for record in self.genuine if record.kind in SIGNED]


def body_of(kind: str, number: int) -> bytes:
    return canonical_json({"epoch": number, "number": number, "state": "HALTED", "told": f"{kind} é"})


def tell(engine: Engine, key: PortfolioKey, number: int) -> None:
    kind = TOLD[number % len(TOLD)]
    with unit_of_work(engine, key) as session:
        Audit(session).append(key.track, kind, key.portfolio if number % 3 else "", body_of(kind, number))


def logged(engine: Engine, folder: Path) -> Log:
    """A log with every kind in it, sealed every nine entries but for the last few, its key changed once.

    Keys and checkpoints lie in `folder` as they would in a home.
    """
    key = PortfolioKey(f"paper-log-{next(COUNT)}", "main")
    with unit_of_work(engine) as session:
        open_portfolio(session, key, "USD", NOW)
    keys, anchor = folder / "audit", FolderAnchor(folder / "audit" / "anchor")
    first_key = signing_key(keys).public
    for hour in range(HOURS):
        for number in range(ENTRIES_AN_HOUR):
            tell(engine, key, hour * ENTRIES_AN_HOUR + number)
        now = NOW + timedelta(hours=hour)
        if hour == HOURS // 2:
            rotate([engine], keys, now)
        seal(engine, key.track, signing_key(keys), anchor, now)
    for number in range(TAIL):
        tell(engine, key, number)
    with engine.connect() as connection:
        genuine = tuple(records(connection, key.track))
    return Log(key.track, keys, anchor, first_key, genuine)


@contextmanager
def unguarded(engine: Engine) -> Iterator[Connection]:
    """A transaction of someone who owns the database: no trigger stops him. Rolled back at the end."""
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            named = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit_entries'"
            for name in connection.scalars(text(named)).all():
                connection.execute(text(f"DROP TRIGGER {name}"))
        else:
            connection.execute(text("ALTER TABLE audit_entries DISABLE TRIGGER ALL"))
        yield connection
        connection.rollback()


def replace_all(connection: Connection, track: str, rows: list[Record]) -> None:
    """Put other entries in the place of all of a track's."""
    connection.execute(text("DELETE FROM audit_entries WHERE track = :track"), {"track": track})
    insert = text(
        "INSERT INTO audit_entries (track, portfolio, seq, kind, body, digest) "
        "VALUES (:track, :portfolio, :seq, :kind, :body, :digest)"
    )
    if rows:
        connection.execute(insert, [{"track": track, **row._asdict()} for row in rows])
