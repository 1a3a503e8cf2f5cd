"""The trading state."""

from alembic import op

from adapters.storage.migrations.columns import check, key, owner, refers, text, time, units
from adapters.storage.migrations.guards import append_only, drop, refuse

revision = "0004"
down_revision = "0003"

LAST = "(SELECT {} FROM state_changes WHERE track = NEW.track AND portfolio = NEW.portfolio)"
NOT_NEXT = f"NEW.number <> 1 + {LAST.format('coalesce(max(number), 0)')}"
BACK = f"NEW.epoch < {LAST.format('coalesce(max(epoch), 0)')}"


def upgrade() -> None:
    op.create_table(
        "state_changes",
        *owner(),
        *(units("number"), text("state"), units("epoch"), text("cause"), text("by"), time("at")),
        key("number"),
        refers("portfolios"),
        check("state", "state IN ('ACTIVE', 'REDUCING', 'HALTED')"),
        check("counted", "number > 0 AND epoch >= 0"),
    )
    append_only("state_changes")
    refuse("state_changes", "rises", "INSERT", f"{NOT_NEXT} OR {BACK}", "a halt epoch never goes back")


def downgrade() -> None:
    drop("state_changes")
