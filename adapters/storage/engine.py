"""One way to SQLite and PostgreSQL: how to connect, and the unit of work.

A unit of work is one transaction that holds the lock of the portfolios it writes to. SQLite has one writer at
a time anyway (BEGIN IMMEDIATE); on PostgreSQL the portfolio's row is locked. So a look followed by a write
cannot be interleaved, and repositories are written once, without a thought of races. Nobody commits inside.
What was stored of the trading itself is told to the audit log before the commit (`adapters.audit.witness`).

SQLite runs with synchronous=FULL: an order's intent must survive a power cut before the order leaves, and
NORMAL may lose the last commits of the write-ahead log.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from sqlite3 import Connection as SqliteConnection

from sqlalchemy import URL, Connection, Dialect, Engine, bindparam, create_engine, event, make_url, select
from sqlalchemy.exc import ArgumentError, IntegrityError, StatementError
from sqlalchemy.orm import Session

from adapters.audit.witness import witnessed
from adapters.storage.base import PortfolioKey
from adapters.storage.portfolios import Portfolio
from trading.errors import InvariantError, UsageError

SQLITE, POSTGRESQL = "sqlite", "postgresql"
BUSY_S = 10
"""Longest wait for another writer; four writers on two cores waited 1.2 s at worst."""
STUCK_S = 60
"""A transaction that does nothing for so long is ended by PostgreSQL: its locks hold up a portfolio."""

READ_ONLY = "ballast_read_only"
LOCKED = (
    select(Portfolio.portfolio)
    .where(Portfolio.track == bindparam("track"), Portfolio.portfolio == bindparam("portfolio"))
    .with_for_update(key_share=True)
)

PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    f"PRAGMA busy_timeout={BUSY_S * 1000}",
    "PRAGMA foreign_keys=ON",
    # Without it INSERT OR REPLACE would delete an append-only row and fire no trigger.
    "PRAGMA recursive_triggers=ON",
)


def sqlite_url(file: Path) -> URL:
    return URL.create(SQLITE, database=str(file))


def connect(url: str | URL) -> Engine:
    """An engine for a `sqlite:///file` or a `postgresql://user@host/name`, a unix socket as `?host=/folder`.

    Raises `UsageError` for any other kind of database.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise UsageError("the database is named by a URL such as sqlite:///ballast.db") from error
    kind = parsed.get_backend_name()
    if kind == SQLITE:
        engine = create_engine(parsed)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    if kind == POSTGRESQL:
        options = (
            f"-c timezone=UTC -c lock_timeout={BUSY_S}s -c idle_in_transaction_session_timeout={STUCK_S}s"
        )
        chosen = parsed.set(drivername="postgresql+psycopg")
        return create_engine(chosen, connect_args={"options": options}, pool_pre_ping=True)
    raise UsageError(f"{kind} is no database of ours; use sqlite or postgresql")


@contextmanager
def renewed_passwords(named: str, read: Callable[[str], str]) -> Iterator[None]:
    """Inside, each new connection to a PostgreSQL asks `read` for its URL, so that a rotation of the password
    needs no restart; `named` is the URL, or a reference to it.
    """

    def renew(dialect: Dialect, _record: object, _args: object, parameters: dict[str, object]) -> None:
        if dialect.name == POSTGRESQL and (password := make_url(read(named)).password):
            parameters["password"] = password

    event.listen(Engine, "do_connect", renew)
    try:
        yield
    finally:
        event.remove(Engine, "do_connect", renew)


@contextmanager
def unit_of_work(engine: Engine, *portfolios: PortfolioKey) -> Iterator[Session]:
    """One transaction that holds the lock of `portfolios`; commits at its end, rolls back on any error.

    Raises `UsageError` for a portfolio that was never opened, `InvariantError` where a constraint or trigger
    of the database refuses.
    """
    try:
        with Session(engine, expire_on_commit=False) as session, session.begin():
            # Sorted, so that two batches cannot wait for each other.
            for key in sorted(portfolios):
                lock(session, key)
            with witnessed(session):
                yield session
    except StatementError as error:
        if isinstance(error.orig, InvariantError):
            raise error.orig from error
        if isinstance(error, IntegrityError):
            raise InvariantError(f"the database refuses: {str(error.orig).splitlines()[0]}") from error
        raise


@contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """One consistent view of everything committed so far; waits for no writer and holds up none."""
    if engine.dialect.name == SQLITE:
        view = engine.execution_options(**{READ_ONLY: True})
    else:
        view = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    with Session(view) as session:
        yield session


def lock(session: Session, key: PortfolioKey) -> None:
    """Hold a portfolio until the transaction ends."""
    if session.scalar(LOCKED, key._asdict()) is None:
        raise UsageError(f"no portfolio {key.portfolio} on track {key.track}; open it first")


def _prepare_sqlite(connection: SqliteConnection, _record: object) -> None:
    # The driver would begin and commit on its own; `_begin_sqlite` says when and how.
    connection.isolation_level = None
    for pragma in PRAGMAS:
        connection.execute(pragma)


def _begin_sqlite(connection: Connection) -> None:
    reads = connection.get_execution_options().get(READ_ONLY, False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")
