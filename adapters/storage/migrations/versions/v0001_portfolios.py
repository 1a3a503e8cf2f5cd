"""Tracks and portfolios."""

import sqlalchemy as sa
from alembic import op

from adapters.storage.migrations.columns import check, key, text, time
from adapters.storage.migrations.guards import append_only, drop, refuse

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "tracks",
        *(text("track"), text("mode"), time("opened")),
        sa.PrimaryKeyConstraint("track"),
        check("mode", "mode IN ('backtest', 'replay', 'paper', 'live')"),
        check("name", "substr(track, 1, length(mode) + 1) = mode || '-'"),
    )
    op.create_table(
        "portfolios",
        *(text("track"), text("portfolio"), text("quote"), time("opened")),
        key(),
        sa.ForeignKeyConstraint(["track"], ["tracks.track"]),
    )
    append_only("tracks", "portfolios")
    refuse(
        "tracks",
        "one_mode",
        "INSERT",
        "EXISTS (SELECT 1 FROM tracks WHERE mode <> NEW.mode)",
        "a database holds the tracks of one mode only",
    )


def downgrade() -> None:
    drop("portfolios", "tracks")
