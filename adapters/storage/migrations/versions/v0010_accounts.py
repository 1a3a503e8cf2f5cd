"""People, their sessions and tokens, and every attempt to sign in."""

import sqlalchemy as sa
from alembic import op

from adapters.storage.migrations.columns import check, digest, flag, identity, text, time
from adapters.storage.migrations.guards import append_only, drop

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.create_table(
        "users",
        *(
            identity("id"),
            text("name"),
            text("role"),
            text("password", null=True),
            text("subject", null=True),
        ),
        *(flag("disabled"), time("created")),
        *(sa.PrimaryKeyConstraint("id"), sa.UniqueConstraint("name"), sa.UniqueConstraint("subject")),
        check("role", "role IN ('viewer', 'operator', 'approver', 'admin')"),
    )
    op.create_table(
        "grants",
        *(
            identity("user_id"),
            text("portfolio"),
            sa.PrimaryKeyConstraint("user_id", "portfolio"),
            _of_user(),
        ),
    )
    op.create_table(
        "web_sessions",
        *(digest("digest"), identity("user_id"), text("csrf")),
        *(time("opened"), time("seen"), time("ended", null=True)),
        *(sa.PrimaryKeyConstraint("digest"), _of_user()),
    )
    op.create_table(
        "api_tokens",
        *(identity("id"), identity("user_id"), text("name"), digest("digest"), text("scope")),
        *(time("created"), time("expires"), time("revoked", null=True)),
        *(sa.PrimaryKeyConstraint("id"), sa.UniqueConstraint("digest"), _of_user()),
        check("scope", "scope IN ('read', 'command')"),
    )
    op.create_table(
        "sign_ins",
        *(identity("id"), text("name"), text("address"), time("at"), flag("succeeded")),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(None, "sign_ins", ["name"])
    op.create_index(None, "sign_ins", ["address"])
    append_only("sign_ins")


def downgrade() -> None:
    drop("sign_ins", "api_tokens", "web_sessions", "grants", "users")


def _of_user() -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["user_id"], ["users.id"])
