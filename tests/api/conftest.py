"""The API over a fresh migrated database."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from adapters.objects import ObjectStore
from adapters.storage.engine import connect, sqlite_url
from adapters.storage.migrate import upgrade
from api.access import passwords
from api.app import Parts, application
from tests.installation import Clock, World


@pytest.fixture(scope="session", autouse=True)
def quick_passwords() -> Iterator[None]:
    """Argon2 with its smallest numbers: the tests sign in hundreds of times."""
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "hasher", lambda: cheap)
        yield


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("api") / "template.db"
    engine = connect(sqlite_url(file))
    upgrade(engine)
    engine.dispose()
    return file


@pytest.fixture
def world(template: Path, tmp_path: Path) -> Iterator[World]:
    file = tmp_path / "ballast.db"
    file.write_bytes(template.read_bytes())
    engine, clock, written = connect(sqlite_url(file)), Clock(), []

    def record(_session: Session, kind: str, facts: dict[str, str]) -> None:
        written.append((kind, facts))

    app = application(
        Parts(engine, tmp_path, clock, record, True, lambda track: ObjectStore(tmp_path / track))
    )
    yield World(engine, tmp_path, clock, written, lambda: TestClient(app, base_url="https://ballast.test"))
    engine.dispose()
