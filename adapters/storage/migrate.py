"""Bring a database to the schema that this code was written for, by the revisions in `migrations/`.

Each revision is written by hand and never edited once it has run anywhere; `METADATA`, the tables as the rows
declare them, is what their sum is compared with.
"""

from collections.abc import Callable
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text

from adapters.storage import (
    accounts,
    audit,
    decisions,
    halts,
    hours,
    journal,
    orders,
    outbox,
    reconciliations,
    states,
    trading_state,
)
from adapters.storage.base import Base
from adapters.storage.engine import POSTGRESQL

MIGRATIONS = Path(__file__).parent / "migrations"
AGGREGATES = (
    *(accounts, audit, decisions, halts, hours, journal, orders, outbox, reconciliations, states),
    trading_state,
)
METADATA = Base.metadata
"""Every table; complete because every aggregate is imported here."""

LOCK = 0x42414C4C
"""Names the lock that lets one process migrate a PostgreSQL database at a time; any number will do."""


def upgrade(engine: Engine, to: str = "head") -> None:
    """Create or upgrade the schema, in one transaction; nothing happens if it is there."""
    _run(engine, command.upgrade, to)


def downgrade(engine: Engine, to: str) -> None:
    """Take revisions back with all that their tables hold; `base` takes back everything."""
    _run(engine, command.downgrade, to)


def revision(engine: Engine) -> str | None:
    """The revision at which a database stands; None for an empty one."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def head() -> str:
    """The revision that this code was written for."""
    found = ScriptDirectory(str(MIGRATIONS)).get_current_head()
    assert found is not None
    return found


def _run(engine: Engine, step: Callable[[Config, str], None], to: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    with engine.begin() as connection:
        if engine.dialect.name == POSTGRESQL:
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        config.attributes["connection"] = connection
        step(config, to)
