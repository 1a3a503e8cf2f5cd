"""A password is rotated while an engine is at work: connections that are made afterwards know the new one."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import OperationalError

from adapters.secrets import FRESH_S, Folder, SecretManager, Secrets
from adapters.storage.engine import connect, renewed_passwords
from tests.integration.storage.conftest import run_on

USER = "ballast_rotated"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def no_cloud() -> NoReturn:
    raise AssertionError("nobody asks Google here")


@pytest.fixture
def server(postgresql_server: str) -> Iterator[str]:
    """A server that wants a password of one user."""
    rules = Path(str(make_url(postgresql_server).query["host"])) / "pg_hba.conf"
    before = rules.read_text()
    rules.write_text(f"local all {USER} scram-sha-256\n{before}")
    run_on(postgresql_server, "SELECT pg_reload_conf()")
    time.sleep(0.2)
    run_on(postgresql_server, f"CREATE ROLE {USER} LOGIN PASSWORD 'first'")
    yield postgresql_server
    run_on(postgresql_server, f"DROP ROLE {USER}")
    rules.write_text(before)
    run_on(postgresql_server, "SELECT pg_reload_conf()")


def test_a_rotated_password_needs_no_restart(server: str, tmp_path: Path) -> None:
    def put(password: str) -> None:
        url = make_url(server).set(username=USER, password=password)
        (tmp_path / "database").write_text(url.render_as_string(hide_password=False))
        (tmp_path / "database").chmod(0o600)

    clock = Clock()
    put("first")
    held = Secrets(Folder(tmp_path), SecretManager(no_cloud), clock)
    engine = connect(held.read("database"))
    with renewed_passwords("secret:database", held.resolved):
        assert engine.connect().scalar(text("SELECT current_user")) == USER
        run_on(server, f"ALTER ROLE {USER} PASSWORD 'second'")
        put("second")
        engine.dispose()
        with pytest.raises(OperationalError, match="password authentication failed"):
            engine.connect()
        clock.now += FRESH_S
        assert engine.connect().scalar(text("SELECT current_user")) == USER
    engine.dispose()
