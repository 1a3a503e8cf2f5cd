"""The rows of the audit log: one chain a track, whatever the portfolio."""

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from adapters.storage.base import Base, Digest, sha256_in


class AuditRow(Base):
    """One entry. The triggers let in only the next number of its track, and never a change."""

    __tablename__ = "audit_entries"

    track: Mapped[str] = mapped_column(ForeignKey("tracks.track"), primary_key=True)
    portfolio: Mapped[str] = mapped_column(primary_key=True)
    """Empty for what concerns the whole track."""
    seq: Mapped[int] = mapped_column(primary_key=True)
    """Place in the chain of the track, from 1, without gaps."""
    kind: Mapped[str]
    """A word of `adapters.audit.chain.Kind`."""
    body: Mapped[bytes] = mapped_column(LargeBinary)
    digest: Mapped[Digest]
    """What this entry adds to the chain, over its content and the digest before it."""

    __table_args__ = (
        UniqueConstraint("track", "seq"),
        CheckConstraint("seq > 0", name="counted"),
        sha256_in("digest"),
        Index("ix_audit_entries_kind", "track", "portfolio", "kind", "seq"),
    )
