"""What a comparison with the venue found: every balance, and whatever at the venue is not by us.

A finding keeps entries out of its instrument until a person has looked at it and said so.
"""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, bindparam, func, select
from sqlalchemy.orm import Mapped, mapped_column

from adapters.storage.base import WITNESS, Base, Owned, Repository, alike, one_of, owned, refers, store_once
from trading.errors import UsageError
from trading.execution.findings import Finding, Strange, unexplained


class Reconciliation(Owned, Base):
    """One comparison; an asset that neither side holds has no row."""

    __tablename__ = "reconciliations"

    at: Mapped[datetime] = mapped_column(primary_key=True)

    __table_args__ = (refers("portfolios"),)


class BalanceRow(Owned, Base):
    """One asset in one comparison; lots of a base asset, 1e-8 of the quote currency."""

    __tablename__ = "reconciled_balances"

    at: Mapped[datetime] = mapped_column(primary_key=True)
    asset: Mapped[str] = mapped_column(primary_key=True)
    held: Mapped[int]
    """By the venue."""
    booked: Mapped[int]
    """By our journal."""

    __table_args__ = (refers("reconciliations", "at"),)


class FindingRow(Owned, Base):
    """Something at the venue that is not by us, or not as we know it; seen again, it is the same row."""

    __tablename__ = "findings"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    what: Mapped[str]
    instrument: Mapped[str]
    reference: Mapped[str]
    """The venue's id of the order or trade."""
    note: Mapped[str] = mapped_column(info=WITNESS)
    seen: Mapped[datetime] = mapped_column(info=WITNESS)

    __table_args__ = (refers("portfolios"), one_of("what", list(Strange)))


class ReviewRow(Owned, Base):
    """A person has looked at a finding."""

    __tablename__ = "finding_reviews"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    by: Mapped[str]
    note: Mapped[str]
    at: Mapped[datetime] = mapped_column(info=WITNESS)

    __table_args__ = (refers("findings", "id"),)


COMPARED = select(func.max(Reconciliation.at)).where(*owned(Reconciliation))
"""When the last comparison was made."""
BALANCES = select(BalanceRow.asset, BalanceRow.held, BalanceRow.booked).where(
    *owned(BalanceRow), BalanceRow.at == bindparam("at")
)


UNREVIEWED = (
    select(FindingRow)
    .outerjoin(ReviewRow, and_(*alike(FindingRow, ReviewRow), FindingRow.id == ReviewRow.id))
    .where(*owned(FindingRow), ReviewRow.id.is_(None))
    .order_by(FindingRow.instrument, FindingRow.reference)
)


class Reconciliations(Repository):
    """The comparisons of one portfolio with its venue."""

    def store(self, at: datetime, held: Mapping[str, int], booked: Mapping[str, int]) -> dict[str, int]:
        """Store a comparison of balances; returns what is unexplained by asset."""
        owner = self._key._asdict()
        store_once(self._session, Reconciliation(**owner, at=at))
        for asset in sorted({*held, *booked}):
            row = BalanceRow(
                **owner, at=at, asset=asset, held=held.get(asset, 0), booked=booked.get(asset, 0)
            )
            store_once(self._session, row)
        return unexplained(held, booked)

    def latest(self) -> tuple[datetime, dict[str, int]] | None:
        """When the last comparison was made, and what it left unexplained by asset."""
        at = self._session.scalar(COMPARED, self._key._asdict())
        if at is None:
            return None
        rows = self._session.execute(BALANCES, self._key._asdict() | {"at": at}).all()
        return at, unexplained({r.asset: r.held for r in rows}, {r.asset: r.booked for r in rows})

    def report(self, finding: Finding, seen: datetime) -> bool:
        """Store a finding; False when it was found before."""
        told = finding._asdict() | {"what": str(finding.what)}
        return store_once(self._session, FindingRow(**self._key._asdict(), **told, seen=seen))[1]

    def review(self, id: UUID, by: str, note: str, now: datetime) -> bool:
        """Note that a person has looked; False when it was noted before, a `UsageError` without a finding."""
        if self._session.get(FindingRow, (*self._key, id)) is None:
            raise UsageError(f"there is no finding {id} in portfolio {self._key.portfolio}")
        return store_once(self._session, ReviewRow(**self._key._asdict(), id=id, by=by, note=note, at=now))[1]

    def unreviewed(self) -> list[Finding]:
        """Findings that nobody has looked at: their instruments take no entries."""
        rows = self._session.scalars(UNREVIEWED, self._key._asdict())
        return [Finding(row.id, Strange(row.what), row.instrument, row.reference, row.note) for row in rows]
