"""Orders under their approvals, what befell them, and their fills."""

import sqlalchemy as sa
from alembic import op

from adapters.storage.migrations.columns import (
    OWNER,
    check,
    flag,
    identity,
    key,
    owner,
    refers,
    text,
    time,
    unique,
    units,
)
from adapters.storage.migrations.guards import append_only, drop, no_removal, refuse

revision = "0005"
down_revision = "0004"

OVER = "'filled', 'cancelled', 'expired', 'rejected', 'absent', 'denied', 'lapsed'"
STATES = f"'planned', 'sent', 'unknown', 'working', 'cancelling', {OVER}"
EVENTS = (
    "'sent', 'denied', 'lapsed', 'adopted', 'accepted', 'refused', 'lost', 'absent', 'traded', 'cancelling', "
    "'filled', 'cancelled', 'expired'"
)
APPROVED = (
    "CASE WHEN kind = 'stop' THEN lots < 0 AND approved_lots > 0 "
    "WHEN approved_lots > 0 THEN lots > 0 AND lots <= approved_lots "
    "ELSE lots < 0 AND lots >= approved_lots END"
)
FIXED = "track, portfolio, id, number, asof, instrument, approved_lots, kind, lots, price, stop, expires"
ID_CHANGES = "OLD.venue_id IS NOT NULL AND NEW.venue_id IS DISTINCT FROM OLD.venue_id"


def upgrade() -> None:
    orders()
    op.create_table(
        "fills",
        *owner(),
        *(text("trade_id"), identity("id"), text("venue_id"), text("instrument"), units("lots")),
        *(units("ticks"), units("value"), units("fee"), flag("maker"), time("at")),
        key("trade_id"),
        refers("orders", "id", "instrument"),
        check("moves", "lots <> 0 AND ticks > 0 AND value >= 0"),
    )
    op.create_index("ix_fills_order", "fills", ["id"])
    op.create_table(
        "order_events",
        *owner(),
        *(identity("id"), units("number"), text("what"), time("at"), text("note"), text("venue_id")),
        *(time("deadline", null=True), text("trade_id", null=True)),
        key("id", "number"),
        refers("orders", "id"),
        refers("fills", "trade_id"),
        check("what", f"what IN ({EVENTS})"),
        check("sent", "(what = 'sent') = (deadline IS NOT NULL)"),
        check("traded", "(what = 'traded') = (trade_id IS NOT NULL)"),
    )
    op.create_index("ix_order_events_at", "order_events", ["at"])
    index("ix_order_events_sent_once", "order_events", ["id"], "what = 'sent'", unique=True)
    append_only("fills", "order_events")


def orders() -> None:
    """The one table whose rows may change, and how."""
    approved = [*OWNER, "asof", "instrument", "approved_lots"]
    approval = [f"approvals.{column}" for column in (*OWNER, "asof", "instrument", "lots")]
    op.create_table(
        "orders",
        *owner(),
        *(identity("id"), units("number"), time("asof"), text("instrument"), units("approved_lots")),
        *(text("kind"), units("lots"), units("price"), units("stop"), time("expires", null=True)),
        *(text("state"), flag("ended"), text("venue_id", null=True)),
        key("id"),
        sa.UniqueConstraint("id"),
        unique("number"),
        unique("venue_id"),
        unique("id", "instrument"),
        sa.ForeignKeyConstraint(approved, approval),
        check("kind", "kind IN ('limit', 'market', 'stop')"),
        check("state", f"state IN ({STATES})"),
        check("ended", f"ended = (state IN ({OVER}))"),
        check("approved", APPROVED),
        check("price", "(kind = 'market') = (price = 0)"),
        check("stop", "stop = 0 OR (stop > 0 AND lots > 0)"),
    )
    index(
        "ix_orders_one_working_buy",
        "orders",
        [*OWNER, "asof", "instrument"],
        "lots > 0 AND NOT ended",
        unique=True,
    )
    index("ix_orders_open", "orders", [*OWNER], "NOT ended", unique=False)
    refuse("orders", "fixed", f"UPDATE OF {FIXED}", "true", "what an order asks for is never changed")
    refuse("orders", "over", "UPDATE", "OLD.ended", "an order that has ended does not change")
    refuse("orders", "one_id", "UPDATE", ID_CHANGES, "an order keeps the id that its venue gave it")
    no_removal("orders")


def index(name: str, table: str, columns: list[str], condition: str, *, unique: bool) -> None:
    """An index over the rows that meet a condition."""
    where = sa.text(condition)
    op.create_index(name, table, columns, unique=unique, sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    drop("order_events", "fills", "orders")
