"""Decisions and the verdicts of risk."""

from alembic import op

from adapters.storage.migrations.columns import check, digest, key, owner, refers, text, time, unique, units
from adapters.storage.migrations.guards import append_only, drop

revision = "0002"
down_revision = "0001"

OUTCOMES = "'TRADED', 'NO_CHANGE', 'STALE', 'HALTED', 'KILL_SWITCH', 'UNRECONCILED', 'MISSED', 'WARMUP'"


def upgrade() -> None:
    op.create_table(
        "decisions",
        *owner(),
        *(time("asof"), text("outcome"), units("halt_epoch")),
        *(digest("digest"), text("document"), time("decided")),
        key("asof"),
        refers("portfolios"),
        check("outcome", f"outcome IN ({OUTCOMES})"),
        check("digest", "length(digest) = 64"),
    )
    op.create_table(
        "approvals",
        *owner(),
        *(time("asof"), text("instrument"), text("verdict"), text("reason"), units("breach")),
        *(units("wanted_lots"), units("lots"), units("limit"), units("stop"), units("take"), units("trail")),
        key("asof", "instrument"),
        unique("asof", "instrument", "lots"),
        refers("decisions", "asof"),
        check("verdict", "verdict IN ('kept', 'shrunk', 'denied', 'forced')"),
        check("denied", "(verdict = 'denied') = (lots = 0)"),
        check("shrinks", "abs(lots) <= abs(wanted_lots)"),
        check("side", "lots = 0 OR (lots > 0) = (wanted_lots > 0)"),
    )
    append_only("decisions", "approvals")


def downgrade() -> None:
    drop("approvals", "decisions")
