"""An installation of the API to test: people, browsers, programs, and a clock that a test can move."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from fastapi.testclient import TestClient
from sqlalchemy import Engine

from api.access.roles import Role, Scope

PASSWORD = "correct horse battery staple"


class Clock:
    """The time of day, moved by hand."""

    def __init__(self) -> None:
        self.time = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def pass_(self, **by: float) -> None:
        self.time += timedelta(**by)


class World(NamedTuple):
    """An installation and what it wrote down."""

    engine: Engine
    home: Path
    clock: Clock
    written: list[tuple[str, dict[str, str]]]
    client: Callable[[], TestClient]
    """A browser that has seen nothing yet."""

    def person(self, name: str, role: Role, *portfolios: str, subject: str | None = None) -> None:
        access = self.client().app.state.access
        access.add_user(name, role, portfolios or ("main",), None if subject else PASSWORD, "test", subject)

    def signed_in(self, name: str) -> TestClient:
        """A browser signed in as `name`, which sends its CSRF value with everything."""
        client = self.client()
        answer = client.post("/api/session", json={"name": name, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        client.headers["X-CSRF-Token"] = answer.json()["csrf"]
        return client

    def with_token(self, name: str, scope: Scope, days: int = 1) -> TestClient:
        """A program with a token of `name`."""
        client = self.client()
        _, secret = client.app.state.access.add_token(name, "program", scope, days, by="test")
        client.headers["Authorization"] = f"Bearer {secret}"
        return client
