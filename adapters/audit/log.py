"""The audit log in the database: what is appended, inside the transaction of whoever does the thing.

1. An entry stands if and only if what it tells of stands: both are in one transaction.
2. Writers of one track wait for each other from their first entry to the end of their transaction; append
   last, and keep calls to a venue out.
3. Nothing is read from the log that does not have its digest.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from itertools import chain
from typing import Any, NamedTuple, cast

from sqlalchemy import Connection, CursorResult, RowMapping, bindparam, insert, select, text
from sqlalchemy.orm import Session

from adapters.audit.chain import Entry, Kind, Record, genesis, link
from adapters.storage.audit import AuditRow
from adapters.storage.portfolios import Track
from trading.errors import InvariantError, UsageError

TABLE = AuditRow.__table__
COLUMNS = TABLE.c
KINDS = frozenset(map(str, Kind))
OF_TRACK = COLUMNS.track == bindparam("track")
HELD = select(Track.track).where(Track.track == bindparam("track")).with_for_update(key_share=True)
HEAD = select(COLUMNS.seq, COLUMNS.digest).where(OF_TRACK).order_by(COLUMNS.seq.desc()).limit(1)
DIGEST = select(COLUMNS.digest).where(OF_TRACK, COLUMNS.seq == bindparam("seq"))
LAST_OF_A_KIND = (
    select(TABLE)
    .where(OF_TRACK, COLUMNS.portfolio == bindparam("portfolio"), COLUMNS.kind == bindparam("kind"))
    .order_by(COLUMNS.seq.desc())
    .limit(1)
)
IN_ORDER = text(
    "SELECT seq, kind, portfolio, body, digest FROM audit_entries "
    "WHERE track = :track AND seq >= :first AND seq <= :last ORDER BY seq"
)
"""In plain words: the proof is of what is stored, whatever a column's type would make of it."""

SQLITE = "sqlite"
ROWS_AT_ONCE = 5_000
LAST = (1 << 63) - 1


class Told(NamedTuple):
    """What an entry is to say."""

    kind: str
    portfolio: str
    body: bytes


class Audit:
    """The log as one transaction sees it; the caller begins and commits."""

    def __init__(self, transaction: Session | Connection) -> None:
        self._transaction = transaction

    def append(self, track: str, kind: str, portfolio: str, body: bytes) -> Entry:
        """Add the next entry of a track; `portfolio` is empty for what concerns the whole track.

        `body` is canonical JSON by custom, any bytes by right. A `UsageError` for a track that was never
        opened, an `InvariantError` for an unknown kind or a `halt-state` without its state and epoch.
        """
        return self.append_all(track, [Told(kind, portfolio, body)])

    def append_all(self, track: str, told: Iterable[Told]) -> Entry:
        """Add the next entries of a track in one go; returns the last one."""
        head = self.hold(track)
        rows = []
        for kind, portfolio, body in told:
            _check(kind, portfolio, body)
            digest = link(bytes.fromhex(head.digest), head.seq + 1, kind, portfolio, body).hex()
            head = Entry(head.seq + 1, digest)
            content = {"kind": str(kind), "portfolio": portfolio, "body": body}
            rows.append({"track": track, **content, **head._asdict()})
        self._transaction.execute(insert(AuditRow), rows)
        return head

    def hold(self, track: str) -> Entry:
        """The head of a track's chain, kept from all other writers until the transaction ends."""
        if self._transaction.scalar(HELD, {"track": track}) is None:
            raise UsageError(f"there is no track {track}; open it first")
        return self.head(track)

    def head(self, track: str) -> Entry:
        """The last entry of a track; number 0 before there is one."""
        last = self._transaction.execute(HEAD, {"track": track}).first()
        return Entry(*last) if last else Entry(0, genesis(track).hex())

    def last_state(self, track: str, portfolio: str) -> tuple[str, int] | None:
        """State and halt epoch of a portfolio's last `halt-state`; None before there is one.

        An `InvariantError` unless the entry has its digest: what was changed by hand is no telling.
        """
        last = self.last(track, Kind.HALT_STATE, portfolio)
        return _state_of(last.body) if last else None

    def last(self, track: str, kind: Kind, portfolio: str = "") -> Record | None:
        """The last entry of a kind; an `InvariantError` unless it has its digest."""
        told = {"track": track, "portfolio": portfolio, "kind": str(kind)}
        row = self._transaction.execute(LAST_OF_A_KIND, told).mappings().first()
        return self._proved(row) if row else None

    def _proved(self, row: RowMapping) -> Record:
        found = self._transaction.scalar(DIGEST, {"track": row["track"], "seq": row["seq"] - 1})
        before = bytes.fromhex(found) if found else genesis(row["track"])
        if link(before, row["seq"], row["kind"], row["portfolio"], row["body"]).hex() != row["digest"]:
            raise InvariantError(
                f"audit entry {row['seq']} of {row['track']} does not have its digest; "
                f"stop and run `ballast audit verify`"
            )
        return Record(**{field: row[field] for field in Record._fields})


def _check(kind: str, portfolio: str, body: bytes) -> None:
    if kind not in KINDS or "\0" in portfolio:
        raise InvariantError(f"{kind!r} of {portfolio!r} is no entry that the audit log knows")
    if kind == Kind.HALT_STATE:
        _state_of(body)


def _state_of(body: bytes) -> tuple[str, int]:
    try:
        told = json.loads(body)
        state, epoch = told["state"], told["epoch"]
    except (ValueError, TypeError, KeyError) as error:
        raise InvariantError("a halt-state is a JSON object with state and epoch") from error
    if not isinstance(state, str) or type(epoch) is not int:
        raise InvariantError(f"state {state!r} and epoch {epoch!r} are no word and whole number")
    return state, epoch


def records(
    transaction: Session | Connection, track: str, first: int = 1, last: int | None = None
) -> Iterator[Record]:
    """The stored entries of a track in order, as they are."""
    bounds = {"track": track, "first": first, "last": LAST if last is None else last}
    found = transaction.execute(IN_ORDER, bounds, execution_options={"stream_results": True})
    with closing(cast(CursorResult[Any], found)) as rows:
        yield from map(Record._make, chain.from_iterable(_parts(rows)))


def _parts(rows: CursorResult[Any]) -> Iterator[Sequence[Sequence[Any]]]:
    """The rows in parts; SQLite's as its driver gives them: the library's own cost more than the proof."""
    if rows.context.dialect.name != SQLITE:
        yield from rows.partitions(ROWS_AT_ONCE)
        return
    while part := rows.cursor.fetchmany(ROWS_AT_ONCE):
        yield part


def tracks(transaction: Session | Connection) -> list[str]:
    """The tracks that have a log."""
    return list(transaction.scalars(select(COLUMNS.track).distinct().order_by(COLUMNS.track)))
