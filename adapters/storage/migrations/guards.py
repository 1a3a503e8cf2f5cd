"""Rules that a database enforces by trigger, the same on SQLite and PostgreSQL.

Revisions call these, so a function here is never changed once a revision has used it: a new rule gets a new
function.
"""

from alembic import op
from sqlalchemy import text


def refuse(table: str, rule: str, event: str, condition: str, message: str) -> None:
    """Refuse `event` (such as `INSERT` or `UPDATE OF a, b`) on a row of `table` where `condition`, an SQL
    expression over NEW and OLD, is true.
    """
    name = f"{table}_{rule}"
    if not _on_postgresql():
        op.execute(
            f"CREATE TRIGGER {name} BEFORE {event} ON {table} WHEN {condition} "
            f"BEGIN SELECT RAISE(ABORT, '{message}'); END"
        )
        return
    op.execute(
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF {condition} THEN "
        f"RAISE EXCEPTION '{message}' USING ERRCODE = 'integrity_constraint_violation'; END IF; "
        f"RETURN NEW; END $$"
    )
    op.execute(f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()")


def append_only(*tables: str) -> None:
    """Refuse every change and removal of a row."""
    for table in tables:
        refuse(table, "no_update", "UPDATE", "true", f"rows of {table} are never changed")
        no_removal(table)


def no_removal(table: str) -> None:
    """Refuse the removal of a row, or of all at once."""
    refuse(table, "no_delete", "DELETE", "true", f"rows of {table} are never removed")
    if _on_postgresql():
        op.execute(
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
            f"EXECUTE FUNCTION {table}_no_delete()"
        )


def drop(*tables: str) -> None:
    """Drop tables with their triggers, and the functions behind these."""
    for table in tables:
        functions = _functions(table)
        op.drop_table(table)
        for function in functions:
            op.execute(f"DROP FUNCTION {function}()")


def _functions(table: str) -> list[str]:
    """The functions behind a table's triggers; SQLite has none."""
    if not _on_postgresql():
        return []
    query = (
        "SELECT DISTINCT proname FROM pg_trigger JOIN pg_proc ON pg_proc.oid = tgfoid "
        "WHERE NOT tgisinternal AND tgrelid = CAST(:table AS regclass)"
    )
    return list(op.get_bind().execute(text(query), {"table": table}).scalars())


def _on_postgresql() -> bool:
    return op.get_bind().dialect.name == "postgresql"
