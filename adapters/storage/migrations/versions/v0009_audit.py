"""The audit log."""

import sqlalchemy as sa
from alembic import op

from adapters.storage.migrations.columns import check, digest, key, owner, text, units
from adapters.storage.migrations.guards import append_only, drop, refuse

revision = "0009"
down_revision = "0008"

NEXT = "1 + (SELECT coalesce(max(seq), 0) FROM audit_entries WHERE track = NEW.track)"


def upgrade() -> None:
    op.create_table(
        "audit_entries",
        *owner(),
        *(units("seq"), text("kind"), sa.Column("body", sa.LargeBinary(), nullable=False), digest("digest")),
        key("seq"),
        sa.UniqueConstraint("track", "seq"),
        sa.ForeignKeyConstraint(["track"], ["tracks.track"]),
        check("counted", "seq > 0"),
        check("digest", "length(digest) = 64"),
    )
    op.create_index("ix_audit_entries_kind", "audit_entries", ["track", "portfolio", "kind", "seq"])
    append_only("audit_entries")
    refuse("audit_entries", "next", "INSERT", f"NEW.seq <> {NEXT}", "an audit log has no gaps")


def downgrade() -> None:
    drop("audit_entries")
