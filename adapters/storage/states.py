"""What a portfolio was at each asof: its mark, its state after the hour, the fills folded into it, the proof.

State(H) is a fold of state(H - 1), the decision of H and the fills of H; a fill is folded once, and
`folded_fills` says into which hour.
"""

from datetime import datetime

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from adapters.storage.base import WITNESS, Base, Digest, Owned, one_of, refers, sha256_in
from trading.risk.trading_state import STATES


class Mark(Owned, Base):
    """The account at one asof before its orders, and what guard made of it; amounts in 1e-8 quote."""

    __tablename__ = "marks"

    asof: Mapped[datetime] = mapped_column(primary_key=True)
    equity: Mapped[int]
    units: Mapped[int]
    cash: Mapped[int]
    exposure: Mapped[int]
    positions: Mapped[int]
    flow: Mapped[int]
    """Deposits less withdrawals since the last mark."""
    peak: Mapped[int]
    """Since the last approved re-base."""
    lifetime_peak: Mapped[int]
    tier: Mapped[int]
    triggers: Mapped[int]
    """Bit mask of the kill-switch triggers that fired, `trading.codes.TRIGGERS`."""
    state: Mapped[str]
    """The trading state as the workflow answered."""
    halt_epoch: Mapped[int]
    halt: Mapped[str]
    """Names the halt that stands; empty without one."""
    at: Mapped[datetime] = mapped_column(info=WITNESS)

    __table_args__ = (refers("portfolios"), one_of("state", STATES))


class StateRow(Owned, Base):
    """The portfolio after an hour: money, holdings and the strategy's memory."""

    __tablename__ = "portfolio_states"

    asof: Mapped[datetime] = mapped_column(primary_key=True)
    digest: Mapped[Digest]
    """SHA-256 of the document."""
    document: Mapped[str]
    """Canonical JSON of every number, by instrument."""

    __table_args__ = (refers("portfolios"), sha256_in("digest"))


class FoldedFill(Owned, Base):
    """A fill that is part of the state of `asof`."""

    __tablename__ = "folded_fills"

    trade_id: Mapped[str] = mapped_column(primary_key=True)
    asof: Mapped[datetime]

    __table_args__ = (refers("fills", "trade_id"), refers("portfolios"))


class FoldedFlow(Owned, Base):
    """A deposit, withdrawal or reward that is part of the state of `asof`."""

    __tablename__ = "folded_flows"

    entry: Mapped[str] = mapped_column(primary_key=True)
    asof: Mapped[datetime]

    __table_args__ = (refers("entries", "entry"), refers("portfolios"))


class Proof(Owned, Base):
    """Whether another process came to the same decision and state of an hour."""

    __tablename__ = "proofs"

    asof: Mapped[datetime] = mapped_column(primary_key=True)
    held: Mapped[bool]
    decision: Mapped[Digest]
    """Digest that the proof came to."""
    state: Mapped[Digest]
    note: Mapped[str]
    at: Mapped[datetime] = mapped_column(info=WITNESS)

    __table_args__ = (
        refers("portfolios"),
        sha256_in("decision"),
        sha256_in("state"),
        CheckConstraint("held OR note <> ''", name="note"),
    )
