"""What was observed of a venue beside its bars, and which flows are part of which state."""

import sqlalchemy as sa
from alembic import op

from adapters.storage.migrations.columns import check, digest, key, owner, refers, text, time
from adapters.storage.migrations.guards import append_only, drop

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.create_table(
        "observations",
        *(text("track"), time("asof"), text("what"), digest("reference"), text("summary"), time("at")),
        sa.PrimaryKeyConstraint("track", "asof", "what"),
        sa.ForeignKeyConstraint(["track"], ["tracks.track"]),
        check("what", "what IN ('listing', 'fees', 'conditions')"),
        check("reference", "length(reference) = 64"),
    )
    op.create_table(
        "folded_flows",
        *(*owner(), text("entry"), time("asof"), key("entry")),
        refers("entries", "entry"),
        refers("portfolios"),
    )
    append_only("observations", "folded_flows")


def downgrade() -> None:
    drop("folded_flows", "observations")
