"""The double-entry journal in the database.

Postings go in first, their entry last and as a seal: a trigger refuses an entry whose postings do not add up
to zero in each asset, and a posting of an entry that is sealed; a deferred reference refuses, at the commit,
postings that nobody sealed. So no transaction can leave an entry that does not balance.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from itertools import groupby

from sqlalchemy import CheckConstraint, ColumnElement, and_, select
from sqlalchemy.orm import Mapped, mapped_column

from adapters.storage.base import Base, Owned, Repository, alike, one_of, owned, refers, total
from trading.errors import InvariantError
from trading.ledger.entries import ACCOUNTS, Entry, Posting


class EntryRow(Owned, Base):
    """One balanced movement, named by the venue's trade or ledger id."""

    __tablename__ = "entries"

    entry: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime]

    __table_args__ = (refers("portfolios"),)


class PostingRow(Owned, Base):
    """One side of an entry: lots of a base asset, 1e-8 of the quote currency."""

    __tablename__ = "postings"

    entry: Mapped[str] = mapped_column(primary_key=True)
    account: Mapped[str] = mapped_column(primary_key=True)
    asset: Mapped[str] = mapped_column(primary_key=True)
    amount: Mapped[int]

    __table_args__ = (
        refers("entries", "entry", deferred=True),
        one_of("account", ACCOUNTS),
        CheckConstraint("amount <> 0", name="amount"),
    )


BALANCES = (
    select(PostingRow.account, PostingRow.asset, total(PostingRow.amount))
    .where(*owned(PostingRow))
    .group_by(PostingRow.account, PostingRow.asset)
)


class Journal(Repository):
    """The journal of one portfolio."""

    def post(self, entry: Entry) -> bool:
        """Post an entry; False when it is posted already, an `InvariantError` when it differs from before."""
        stored = self.entry(entry.name)
        if stored is not None:
            if (stored.time, set(stored.postings)) != (entry.time, set(entry.postings)):
                raise InvariantError(
                    f"entry {entry.name!r} is posted already and differs: {stored} / {entry}"
                )
            return False
        owner = {**self._key._asdict(), "entry": entry.name}
        self._session.add_all(PostingRow(**owner, **posting._asdict()) for posting in entry.postings)
        self._session.flush()
        self._session.add(EntryRow(**owner, at=entry.time))
        self._session.flush()
        return True

    def entry(self, name: str) -> Entry | None:
        """One entry, its balance checked again."""
        return next(iter(self._read(EntryRow.entry == name)), None)

    def since(self, time: datetime) -> Sequence[Entry]:
        """Every entry from `time` on, by time, each with its balance checked again."""
        return self._read(EntryRow.at >= time)

    def balances(self) -> dict[tuple[str, str], int]:
        """The fold of the whole journal: what each (account, asset) holds, where that is not nothing.

        An `InvariantError` unless the accounts of each asset add up to zero.
        """
        rows = self._session.execute(BALANCES, self._key._asdict())
        found = {(account, asset): amount for account, asset, amount in rows}
        by_asset: Counter[str] = Counter()
        for (_, asset), amount in found.items():
            by_asset[asset] += amount
        if any(by_asset.values()):
            raise InvariantError(
                f"the journal does not balance in {[a for a, left in by_asset.items() if left]}"
            )
        return {side: amount for side, amount in found.items() if amount}

    def _read(self, *conditions: ColumnElement[bool]) -> list[Entry]:
        query = (
            select(EntryRow.entry, EntryRow.at, PostingRow.account, PostingRow.asset, PostingRow.amount)
            .join(PostingRow, and_(*alike(EntryRow, PostingRow), EntryRow.entry == PostingRow.entry))
            .where(*self._mine(EntryRow), *conditions)
            .order_by(EntryRow.at, EntryRow.entry, PostingRow.account, PostingRow.asset)
        )
        rows = self._session.execute(query)
        return [
            Entry(name, time, tuple(Posting(*side[2:]) for side in sides))
            for (name, time), sides in groupby(rows, key=lambda row: (row[0], row[1]))
        ]
