"""What every row shares: exact integers, aware UTC times, its portfolio, and one way to be stored.

1. Every table but `orders` is append-only; triggers refuse anything else, on both databases.
2. Money, prices and quantities are BIGINT in the integer units of `trading.money` on both databases.
3. Storing is idempotent: `store_once` keeps the first row of a key, accepts an equal one and refuses another.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Any, NamedTuple, TypeVar

from sqlalchemy import (
    BigInteger,
    Cast,
    CheckConstraint,
    ColumnElement,
    DateTime,
    Dialect,
    ForeignKeyConstraint,
    MetaData,
    String,
    TypeDecorator,
    bindparam,
    cast,
    func,
    inspect,
)
from sqlalchemy.orm import (
    DeclarativeBase,
    InstrumentedAttribute,
    Mapped,
    MappedAsDataclass,
    Session,
    mapped_column,
)

from trading.errors import InvariantError


class PortfolioKey(NamedTuple):
    """What the key of every row begins with."""

    track: str
    portfolio: str


class Units(TypeDecorator[int]):
    """An integer of 64 bits; anything else is refused before the write and after the read.

    SQLite would keep a fraction in an integer column without a word.
    """

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: int | None, _dialect: Dialect) -> int | None:
        return _whole(value)

    def process_result_value(self, value: int | None, _dialect: Dialect) -> int | None:
        return _whole(value)


class UtcTime(TypeDecorator[datetime]):
    """An aware time, UTC on the way in and on the way out; to the microsecond."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise InvariantError(f"{value!r} has no time zone; store aware times only")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        """SQLite forgets the zone, PostgreSQL answers in the session's."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


Words = String().with_variant(String(collation="C"), "postgresql")
"""Text that sorts by its bytes, so that both databases agree on every order."""

Digest = Annotated[str, mapped_column(String(64))]
"""A SHA-256 in hexadecimal."""

WITNESS = {"witness": True}
"""Marks a column that says how or when we learned of a row; two tellings of one fact may differ in it."""


class Base(MappedAsDataclass, DeclarativeBase, kw_only=True, eq=False):
    """Rows are plain keyword-built values; no relationships, so no query that nobody asked for."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {int: Units, str: Words, datetime: UtcTime}  # noqa: RUF012 - SQLAlchemy reads it by this name

    def facts(self) -> dict[str, Any]:
        """What the row says, without the witness of how we learned it."""
        columns = inspect(type(self)).columns
        return {column.key: getattr(self, column.key) for column in columns if not column.info.get("witness")}


class Owned(MappedAsDataclass, kw_only=True):
    """A row of one portfolio on one track."""

    track: Mapped[str] = mapped_column(primary_key=True, sort_order=-2)
    portfolio: Mapped[str] = mapped_column(primary_key=True, sort_order=-1)


OWNER = ("track", "portfolio")

R = TypeVar("R", bound=Base)


def refers(table: str, *columns: str, to: Iterable[str] = (), deferred: bool = False) -> ForeignKeyConstraint:
    """A reference inside one portfolio: `columns` name columns of `table` (or those of `to`), the owner
    comes by itself.
    """
    there = [f"{table}.{column}" for column in (*OWNER, *(to or columns))]
    late: dict[str, Any] = {"deferrable": True, "initially": "DEFERRED"} if deferred else {}
    return ForeignKeyConstraint([*OWNER, *columns], there, **late)


def one_of(column: str, words: Iterable[str]) -> CheckConstraint:
    return CheckConstraint(f"{column} IN ({', '.join(repr(str(word)) for word in words)})", name=column)


def sha256_in(column: str) -> CheckConstraint:
    return CheckConstraint(f"length({column}) = 64", name=column)


def total(column: InstrumentedAttribute[int]) -> Cast[int]:
    """The sum of a column as a whole number; PostgreSQL would answer with a decimal."""
    return cast(func.sum(column), Units)


def store_once(session: Session, row: R) -> tuple[R, bool]:
    """The stored row of this key and whether it is this one; the first stored wins for ever.

    A row of the same key that says something else is an `InvariantError`. The caller holds the portfolio's
    lock (`engine.unit_of_work`), so nobody can come between the look and the write.
    """
    stored = session.get(type(row), inspect(type(row)).primary_key_from_instance(row))
    if stored is None:
        session.add(row)
        session.flush()
        return row, True
    if stored.facts() != row.facts():
        here, there = row.facts(), stored.facts()
        differing = ", ".join(
            f"{name} {there[name]} / {here[name]}" for name in here if here[name] != there[name]
        )
        raise InvariantError(
            f"{type(row).__name__} is stored already and differs (stored / new): {differing}"
        )
    return stored, False


def owned(row: type[Owned]) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """What keeps a query of `row` that is built once to the portfolio whose key it is run with.

    Most of what a small query costs is putting it together.
    """
    return row.track == bindparam("track"), row.portfolio == bindparam("portfolio")


def alike(row: type[Owned], other: type[Owned]) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Rows of the same portfolio in two tables."""
    return row.track == other.track, row.portfolio == other.portfolio


class Repository:
    """The rows of one portfolio; whoever writes, the session holds the portfolio's lock."""

    def __init__(self, session: Session, key: PortfolioKey) -> None:
        self._session = session
        self._key = key

    def _mine(self, row: type[Owned]) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
        """What keeps a query of `row` to this portfolio."""
        return row.track == self._key.track, row.portfolio == self._key.portfolio


def _whole(value: object) -> int | None:
    if value is None or (type(value) is int and -(1 << 63) <= value < 1 << 63):
        return value
    raise InvariantError(f"{value!r} is no integer of 64 bits; convert it to units first")
