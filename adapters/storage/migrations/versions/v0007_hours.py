"""Hours, marks, states after the hour, proofs and alerts."""

import sqlalchemy as sa
from alembic import op

from adapters.storage.migrations.columns import check, digest, flag, key, owner, refers, text, time, units
from adapters.storage.migrations.guards import append_only, drop

revision = "0007"
down_revision = "0006"

OUTCOMES = "'TRADED', 'NO_CHANGE', 'STALE', 'HALTED', 'KILL_SWITCH', 'UNRECONCILED', 'MISSED', 'WARMUP'"
OF_TRACK = ("track_terms", "stages", "hours", "alerts", "alert_deliveries")
OF_PORTFOLIO = ("mandates", "portfolio_hours", "marks", "portfolio_states", "folded_fills", "proofs")


def upgrade() -> None:
    hours_of_the_track()
    hours_of_portfolios()
    states()
    alerts()
    append_only(*OF_TRACK, *OF_PORTFOLIO)


def of_track(*columns: str) -> tuple[sa.Constraint, ...]:
    return (
        sa.PrimaryKeyConstraint("track", *columns),
        sa.ForeignKeyConstraint(["track"], ["tracks.track"]),
    )


def hours_of_the_track() -> None:
    op.create_table(
        "track_terms",
        *(text("track"), digest("digest"), text("document")),
        *of_track(),
        check("digest", "length(digest) = 64"),
    )
    op.create_table(
        "stages",
        *(text("track"), time("asof"), text("stage"), digest("reference"), text("summary"), time("at")),
        *of_track("asof", "stage"),
        check("stage", "stage IN ('fetch', 'features', 'predict', 'roll')"),
        check("reference", "length(reference) = 64"),
    )
    op.create_table(
        "hours",
        *(text("track"), time("asof"), text("outcome"), text("reason")),
        *(units("portfolios"), units("settled"), time("ended")),
        *of_track("asof"),
        check("outcome", "outcome IN ('DONE', 'FAILED')"),
        check("settled", "settled <= portfolios"),
    )


def hours_of_portfolios() -> None:
    op.create_table(
        "mandates",
        *owner(),
        *(time("asof"), text("predictor"), digest("digest"), text("document")),
        key("asof"),
        refers("portfolios"),
        check("digest", "length(digest) = 64"),
    )
    op.create_table(
        "portfolio_hours",
        *owner(),
        *(time("asof"), text("outcome"), text("reason"), units("fills"), flag("settled"), time("ended")),
        key("asof"),
        refers("portfolios"),
        check("outcome", f"outcome IN ({OUTCOMES})"),
    )


def states() -> None:
    op.create_table(
        "marks",
        *owner(),
        *(time("asof"), units("equity"), units("units"), units("cash"), units("exposure")),
        *(units("positions"), units("flow"), units("peak"), units("lifetime_peak"), units("tier")),
        *(units("triggers"), text("state"), units("halt_epoch"), text("halt"), time("at")),
        key("asof"),
        refers("portfolios"),
        check("state", "state IN ('ACTIVE', 'REDUCING', 'HALTED')"),
    )
    op.create_table(
        "portfolio_states",
        *owner(),
        *(time("asof"), digest("digest"), text("document")),
        key("asof"),
        refers("portfolios"),
        check("digest", "length(digest) = 64"),
    )
    op.create_table(
        "folded_fills",
        *owner(),
        *(text("trade_id"), time("asof")),
        key("trade_id"),
        refers("fills", "trade_id"),
        refers("portfolios"),
    )
    op.create_table(
        "proofs",
        *owner(),
        *(time("asof"), flag("held"), digest("decision"), digest("state"), text("note"), time("at")),
        key("asof"),
        refers("portfolios"),
        check("decision", "length(decision) = 64"),
        check("state", "length(state) = 64"),
        check("note", "held OR note <> ''"),
    )


def alerts() -> None:
    op.create_table(
        "alerts",
        *(text("track"), text("alert"), text("kind"), text("portfolio"), text("message"), time("at")),
        *of_track("alert"),
    )
    op.create_table(
        "alert_deliveries",
        *(text("track"), text("alert"), text("channel"), time("at")),
        *of_track("alert", "channel"),
        sa.ForeignKeyConstraint(["track", "alert"], ["alerts.track", "alerts.alert"]),
    )


def downgrade() -> None:
    drop(*reversed(OF_TRACK), *reversed(OF_PORTFOLIO))
