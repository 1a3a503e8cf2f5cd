"""Decisions, and the verdict of risk on each of their intents.

The first decision stored for a portfolio's asof wins for ever. Every order refers to an approval; what was
denied is a row too, of no lots, to which no order can refer.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import CheckConstraint, UniqueConstraint, select
from sqlalchemy.orm import Mapped, mapped_column

from adapters.storage.base import (
    OWNER,
    WITNESS,
    Base,
    Digest,
    Owned,
    PortfolioKey,
    Repository,
    one_of,
    refers,
    sha256_in,
)
from trading.codes import NO_VERDICT, OUTCOMES, REASONS, VERDICTS
from trading.errors import InvariantError
from trading.portfolio import Decision
from trading.risk.approve import ApprovedOrder


class StoredDecision(Owned, Base):
    """What was decided at one asof."""

    __tablename__ = "decisions"

    asof: Mapped[datetime] = mapped_column(primary_key=True)
    outcome: Mapped[str]
    """How the hour ended, a word of `trading.codes.OUTCOMES`."""
    halt_epoch: Mapped[int]
    """The epoch under which it was made; an entry is sent under no other."""
    digest: Mapped[Digest]
    """SHA-256 of the document."""
    document: Mapped[str]
    """The canonical JSON of the whole decision (`trading.config.canonical_json`)."""
    decided: Mapped[datetime] = mapped_column(info=WITNESS)

    __table_args__ = (refers("portfolios"), one_of("outcome", OUTCOMES), sha256_in("digest"))

    def prove(self) -> "StoredDecision":
        """This decision, unless its digest is not its document's: an `InvariantError`."""
        if hashlib.sha256(self.document.encode()).hexdigest() != self.digest:
            raise InvariantError(f"the decision of {self.asof:%Y-%m-%dT%HZ} does not have its digest")
        return self


class Approval(Owned, Base):
    """Risk's verdict on one intent; prices in ticks, lots signed (> 0 buys)."""

    __tablename__ = "approvals"

    asof: Mapped[datetime] = mapped_column(primary_key=True)
    instrument: Mapped[str] = mapped_column(primary_key=True)
    verdict: Mapped[str]
    reason: Mapped[str]
    breach: Mapped[int]
    """Bit mask of the controls that bound, `trading.codes.BREACHES`."""
    wanted_lots: Mapped[int]
    """What planning asked for."""
    lots: Mapped[int]
    """What may be sent at most; 0 when denied."""
    limit: Mapped[int]
    stop: Mapped[int]
    """Protective stop that an entry carries; 0 for none. Likewise the two below."""
    take: Mapped[int]
    trail: Mapped[int]

    __table_args__ = (
        refers("decisions", "asof"),
        # An order refers to the approved lots too, so that its own CHECK can hold it to them.
        UniqueConstraint(*OWNER, "asof", "instrument", "lots"),
        one_of("verdict", VERDICTS[NO_VERDICT + 1 :]),
        CheckConstraint("(verdict = 'denied') = (lots = 0)", name="denied"),
        CheckConstraint("abs(lots) <= abs(wanted_lots)", name="shrinks"),
        CheckConstraint("lots = 0 OR (lots > 0) = (wanted_lots > 0)", name="side"),
    )


class Decisions(Repository):
    """The decisions of one portfolio."""

    def store(self, decision: StoredDecision, approvals: Sequence[Approval]) -> StoredDecision:
        """The decision that stands for this asof: this one with its approvals, or the first one stored.

        Whoever comes second goes on with what he gets back.
        """
        first = self.at(decision.asof)
        if first is not None:
            return first
        self._session.add(decision.prove())
        self._session.flush()
        self._session.add_all(approvals)
        self._session.flush()
        return decision

    def at(self, asof: datetime) -> StoredDecision | None:
        """The decision of an asof, its digest proved; None before there is one."""
        stored = self._session.get(StoredDecision, (*self._key, asof))
        return stored.prove() if stored else None

    def approvals(self, asof: datetime) -> Sequence[Approval]:
        """The verdicts of one decision, by instrument."""
        query = (
            select(Approval).where(*self._mine(Approval), Approval.asof == asof).order_by(Approval.instrument)
        )
        return self._session.scalars(query).all()


def approvals_of(
    key: PortfolioKey,
    asof: datetime,
    instruments: Sequence[str],
    decision: Decision,
    orders: Sequence[ApprovedOrder],
) -> list[Approval]:
    """The rows of everything that risk gave a verdict on; `instruments` name the records in their order."""
    return [
        Approval(
            **key._asdict(),
            asof=asof,
            instrument=name,
            verdict=VERDICTS[intent.verdict],
            reason=REASONS[intent.reason],
            breach=intent.breach,
            wanted_lots=intent.lots,
            lots=order.lots,
            limit=order.limit,
            stop=order.stop,
            take=order.take,
            trail=order.trail,
        )
        for name, intent, order in zip(instruments, decision.intents, orders, strict=True)
        if intent.verdict != NO_VERDICT
    ]
