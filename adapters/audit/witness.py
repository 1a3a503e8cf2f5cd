"""Whatever a unit of work stores of the trading itself, it tells the audit log in the same transaction.

No caller has to think of it, so none can forget: a row of these tables stands if and only if its entry does.
An entry holds every column; of a long document it holds the digest, which is a column beside it. The entries
come last, right before the commit, so that writers of one track wait for each other as shortly as may be.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import event, inspect
from sqlalchemy.orm import Session

from adapters.audit.chain import Kind
from adapters.audit.log import Audit, Told
from adapters.storage import decisions, hours, journal, orders, reconciliations, states
from adapters.storage.base import Base
from trading.config import canonical_json

TOLD: dict[type[Base], Kind] = {
    hours.TrackTerms: Kind.CONFIGURATION,
    hours.Mandate: Kind.CONFIGURATION,
    hours.Stage: Kind.STAGE,
    hours.Observation: Kind.STAGE,
    hours.Hour: Kind.OUTCOME,
    hours.PortfolioHour: Kind.OUTCOME,
    decisions.StoredDecision: Kind.DECISION,
    decisions.Approval: Kind.VERDICT,
    orders.OrderRow: Kind.ORDER_EVENT,
    orders.EventRow: Kind.ORDER_EVENT,
    orders.FillRow: Kind.ORDER_EVENT,
    journal.EntryRow: Kind.MONEY,
    journal.PostingRow: Kind.MONEY,
    reconciliations.Reconciliation: Kind.RECONCILIATION,
    reconciliations.BalanceRow: Kind.RECONCILIATION,
    reconciliations.FindingRow: Kind.RECONCILIATION,
    reconciliations.ReviewRow: Kind.RECONCILIATION,
    states.Mark: Kind.STATE,
    states.StateRow: Kind.STATE,
    states.Proof: Kind.PROOF,
}
"""What is told, and as what. Halts and people tell of themselves, since a refusal is no row of theirs."""

LONG = "document"


@contextmanager
def witnessed(session: Session) -> Iterator[None]:
    """Tell the audit log of every row that was added, when the block ends without an error."""
    added: list[Base] = []

    def note(_session: Session, row: object) -> None:
        if isinstance(row, Base) and type(row) in TOLD:
            added.append(row)

    event.listen(session, "pending_to_persistent", note)
    try:
        yield
        session.flush()
    finally:
        event.remove(session, "pending_to_persistent", note)
    told: dict[str, list[Told]] = {}
    for row in added:
        if row in session:  # a savepoint may have taken it back
            facts = facts_of(row)
            told.setdefault(str(facts["track"]), []).append(
                Told(TOLD[type(row)], str(facts.get("portfolio", "")), canonical_json(facts))
            )
    for track, entries in sorted(told.items()):
        Audit(session).append_all(track, entries)


def facts_of(row: Base) -> dict[str, object]:
    """All that a row says, in JSON's types, and the table that it is in."""
    columns = inspect(type(row)).columns
    said = {column.key: _plain(getattr(row, column.key)) for column in columns if column.key != LONG}
    return {"table": row.__tablename__, **said}


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return str(value) if isinstance(value, UUID) else value
