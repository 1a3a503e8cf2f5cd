"""The migrations make what the rows declare, and the database itself refuses what may not be."""

from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, inspect, text

from adapters.storage.migrate import METADATA, downgrade, upgrade

TABLES = sorted(METADATA.tables)
PEOPLE = {"users", "grants", "web_sessions", "api_tokens", "sign_ins"}
"""A person may see several portfolios, and none."""
OF_TRACK = ("stages", "observations", "hours", "alerts", "alert_deliveries")
"""Tables whose rows are of a track as a whole, whatever its portfolios."""


def plain(index: Any) -> str:
    """An index with its conditions in words."""
    conditions = {name: str(value) for name, value in index.get("dialect_options", {}).items()}
    return str({**index, "dialect_options": conditions})


def catalogue(engine: Engine) -> dict[str, Any]:
    """All that a database says of our tables, in an order of its own making."""
    found = inspect(engine)
    return {
        table: {
            "columns": [
                (column["name"], str(column["type"]), column["nullable"])
                for column in found.get_columns(table)
            ],
            "key": found.get_pk_constraint(table),
            "references": sorted(map(str, found.get_foreign_keys(table))),
            "unique": sorted(map(str, found.get_unique_constraints(table))),
            "checks": sorted(map(str, found.get_check_constraints(table))),
            "indexes": sorted(map(plain, found.get_indexes(table))),
        }
        for table in found.get_table_names()
        if table != "alembic_version"
    }


def test_the_migrations_make_what_the_rows_declare(empty: Engine, engine: Engine) -> None:
    METADATA.create_all(empty)
    declared, migrated = catalogue(empty), catalogue(engine)
    assert sorted(migrated) == TABLES
    for table in TABLES:
        assert migrated[table] == declared[table], table


def test_alembic_sees_no_difference(engine: Engine) -> None:
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []


def test_every_revision_can_be_taken_back_and_made_again(empty: Engine) -> None:
    upgrade(empty)
    made = catalogue(empty)
    downgrade(empty, "base")
    assert catalogue(empty) == {}
    assert leftovers(empty) == 0
    upgrade(empty)
    upgrade(empty)
    assert catalogue(empty) == made


def leftovers(engine: Engine) -> int:
    """Triggers and functions that a removal left behind."""
    query = (
        "SELECT count(*) FROM sqlite_master WHERE type = 'trigger'"
        if engine.dialect.name == "sqlite"
        else "SELECT count(*) FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
    )
    with engine.connect() as connection:
        return int(connection.scalar(text(query)) or 0)


def test_every_key_begins_with_its_track_and_every_row_has_a_portfolio(engine: Engine) -> None:
    for table, said in catalogue(engine).items():
        columns = said["key"]["constrained_columns"]
        if table in PEOPLE:
            continue
        owner = ["track"] if table in OF_TRACK else ["track", "portfolio"]
        assert columns[: len(owner)] == owner[: len(columns)], table


def test_money_and_counts_are_whole_and_times_have_zones(engine: Engine) -> None:
    kinds = {kind for said in catalogue(engine).values() for _, kind, _ in said["columns"]}
    whole = {"BIGINT", "BOOLEAN", "VARCHAR", "VARCHAR(64)"}
    other = {"UUID", "CHAR(32)", "BLOB", "BYTEA"}
    assert kinds <= whole | other | {'VARCHAR COLLATE "C"', "TIMESTAMP", "DATETIME"}
