"""Whether the release before goes on over a newer schema: what a revision does to tables that it knows.

A release is taken back without taking its schema back, and both run while one replaces the other. So a
revision may add tables, and columns that nobody must fill; it takes nothing away, renames nothing, refuses
nothing that was taken before.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import event

from adapters.storage.engine import connect
from adapters.storage.migrate import MIGRATIONS, head, upgrade

MADE = re.compile(r"CREATE TABLE (\w+)", re.IGNORECASE)
HARMLESS = re.compile(r"(SELECT|PRAGMA|BEGIN|COMMIT|INSERT INTO alembic_version|UPDATE alembic_version)\b")
INDEX = re.compile(r"CREATE INDEX\b", re.IGNORECASE)
ON = re.compile(r"CREATE (?:UNIQUE INDEX|TRIGGER) .*? ON (\w+)", re.IGNORECASE | re.DOTALL)
COLUMN = re.compile(r"ALTER TABLE \w+ ADD COLUMN (?!.*NOT NULL(?!.*DEFAULT))", re.IGNORECASE | re.DOTALL)
TOLD_MAX = 100


class Step(NamedTuple):
    """One revision that is to run."""

    revision: str
    title: str
    against: tuple[str, ...]
    """What the release before could not live with; empty: it fits."""


def pending(since: str | None) -> list[Step]:
    """The revisions after `since` (None: all), oldest first; tried on a database in memory."""
    scripts = ScriptDirectory.from_config(_config())
    steps = [
        script
        for script in scripts.walk_revisions("base", head())
        if since is None or script.revision > since
    ]
    engine, statements = connect("sqlite://"), list[str]()
    event.listen(engine, "before_cursor_execute", lambda *told: statements.append(told[2]))
    if since is not None:
        upgrade(engine, since)
    found = []
    for script in reversed(steps):
        statements.clear()
        upgrade(engine, script.revision)
        found.append(Step(script.revision, script.doc or "", objections(statements)))
    engine.dispose()
    return found


def objections(statements: Sequence[str]) -> tuple[str, ...]:
    """Those statements that the release before could not live with."""
    made = {name for statement in statements for name in MADE.findall(statement)}
    return tuple(
        " ".join(statement.split())[:TOLD_MAX]
        for statement in statements
        if not _fits(statement.strip(), made)
    )


def _fits(statement: str, made: set[str]) -> bool:
    if on := ON.match(statement):
        return on[1] in made
    return any(kind.match(statement) for kind in (HARMLESS, MADE, INDEX, COLUMN))


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config
