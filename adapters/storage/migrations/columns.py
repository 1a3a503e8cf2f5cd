"""The kinds of column that revisions are made of, as they are in the database.

Never changed once a revision has used them, like `guards`. Constraints get their names from the metadata's
naming convention.
"""

from typing import Any

import sqlalchemy as sa

OWNER = ("track", "portfolio")


def text(name: str, *, null: bool = False) -> sa.Column[str]:
    kind = sa.String().with_variant(sa.String(collation="C"), "postgresql")
    return sa.Column(name, kind, nullable=null)


def digest(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String(64), nullable=False)


def units(name: str, *, null: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=null)


def time(name: str, *, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=null)


def flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean(), nullable=False)


def owner() -> tuple[sa.Column[str], sa.Column[str]]:
    return text("track"), text("portfolio")


def key(*columns: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint(*OWNER, *columns)


def unique(*columns: str) -> sa.UniqueConstraint:
    return sa.UniqueConstraint(*OWNER, *columns)


def refers(table: str, *columns: str, **options: Any) -> sa.ForeignKeyConstraint:
    there = [f"{table}.{column}" for column in (*OWNER, *columns)]
    return sa.ForeignKeyConstraint([*OWNER, *columns], there, **options)


def check(name: str, condition: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(condition, name=name)


def identity(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Uuid(), nullable=False)
