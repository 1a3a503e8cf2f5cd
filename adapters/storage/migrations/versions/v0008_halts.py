"""What befell the trading state."""

import sqlalchemy as sa
from alembic import op

from adapters.storage.migrations.columns import check, key, owner, refers, text, time, unique, units
from adapters.storage.migrations.guards import append_only, drop, refuse

revision = "0008"
down_revision = "0007"

WHAT = (
    "'opened', 'tripped', 'taken over', 'cautious', 'cleared', 'request', 'approve', 'refused', 'resumed', "
    "'lifted'"
)
COUNTED = "what IN ('request', 'approve')"
OF_THE_HALT = (
    "SELECT 1 FROM halt_events AS e WHERE e.track = NEW.track AND e.portfolio = NEW.portfolio "
    "AND e.halt = NEW.halt AND e.what ="
)


def upgrade() -> None:
    op.create_table(
        "halt_events",
        *owner(),
        *(units("number"), text("id"), text("what"), text("halt"), text("operator"), text("reason")),
        *(text("refusal"), text("state"), units("epoch"), time("at")),
        key("number"),
        unique("id"),
        refers("portfolios"),
        check("what", f"what IN ({WHAT})"),
        check("state", "state IN ('ACTIVE', 'REDUCING', 'HALTED')"),
        check("counted", "number > 0 AND epoch >= 0"),
        check("refused", "(what = 'refused') = (refusal <> '')"),
    )
    op.create_index(
        "uq_halt_events_person",
        "halt_events",
        ["track", "portfolio", "halt", "operator"],
        unique=True,
        sqlite_where=sa.text(COUNTED),
        postgresql_where=sa.text(COUNTED),
    )
    append_only("halt_events")
    unapproved = f"NEW.what = 'resumed' AND NOT EXISTS ({OF_THE_HALT} 'approve')"
    refuse("halt_events", "approved", "INSERT", unapproved, "a resume needs an approval of its halt")
    by_rule = "NEW.what = 'lifted' AND substr(NEW.track, 1, 5) = 'live-'"
    refuse("halt_events", "by_people", "INSERT", by_rule, "only people lift a halt in live")


def downgrade() -> None:
    drop("halt_events")
