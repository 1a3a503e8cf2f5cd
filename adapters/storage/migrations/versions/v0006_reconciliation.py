"""Comparisons with the venue, findings, and who looked at them."""

from alembic import op

from adapters.storage.migrations.columns import check, identity, key, owner, refers, text, time, units
from adapters.storage.migrations.guards import append_only, drop

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table("reconciliations", *owner(), time("at"), key("at"), refers("portfolios"))
    op.create_table(
        "reconciled_balances",
        *owner(),
        *(time("at"), text("asset"), units("held"), units("booked")),
        key("at", "asset"),
        refers("reconciliations", "at"),
    )
    op.create_table(
        "findings",
        *owner(),
        *(identity("id"), text("what"), text("instrument"), text("reference"), text("note"), time("seen")),
        key("id"),
        refers("portfolios"),
        check("what", "what IN ('foreign order', 'manual trade', 'contradiction')"),
    )
    op.create_table(
        "finding_reviews",
        *owner(),
        *(identity("id"), text("by"), text("note"), time("at")),
        key("id"),
        refers("findings", "id"),
    )
    append_only("reconciliations", "reconciled_balances", "findings", "finding_reviews")


def downgrade() -> None:
    drop("finding_reviews", "findings", "reconciled_balances", "reconciliations")
