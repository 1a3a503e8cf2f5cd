"""The double-entry journal: postings, and the entry that seals them."""

from alembic import op

from adapters.storage.migrations.columns import check, key, owner, refers, text, time, units
from adapters.storage.migrations.guards import append_only, drop, refuse

revision = "0003"
down_revision = "0002"

ACCOUNTS = (
    "'cash', 'position', 'dust', 'exchange', 'fees', 'deposits', 'withdrawals', 'rewards', 'adjustments', "
    "'rounding'"
)
SAME = "track = NEW.track AND portfolio = NEW.portfolio AND entry = NEW.entry"
UNBALANCED = f"EXISTS (SELECT 1 FROM postings WHERE {SAME} GROUP BY asset HAVING sum(amount) <> 0)"  # noqa: S608
EMPTY = f"NOT EXISTS (SELECT 1 FROM postings WHERE {SAME})"  # noqa: S608
SEALED = f"EXISTS (SELECT 1 FROM entries WHERE {SAME})"  # noqa: S608


def upgrade() -> None:
    op.create_table("entries", *owner(), text("entry"), time("at"), key("entry"), refers("portfolios"))
    op.create_table(
        "postings",
        *owner(),
        *(text("entry"), text("account"), text("asset"), units("amount")),
        key("entry", "account", "asset"),
        refers("entries", "entry", deferrable=True, initially="DEFERRED"),
        check("account", f"account IN ({ACCOUNTS})"),
        check("amount", "amount <> 0"),
    )
    append_only("entries", "postings")
    refuse("entries", "balances", "INSERT", f"{UNBALANCED} OR {EMPTY}", "an entry balances in each asset")
    refuse("postings", "sealed", "INSERT", SEALED, "nothing is added to an entry that stands")


def downgrade() -> None:
    drop("postings", "entries")
