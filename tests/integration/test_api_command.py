"""`ballast api` and `ballast users` as programs, over the database of a home."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from adapters.audit.log import records
from adapters.storage.engine import connect, reading, sqlite_url
from adapters.storage.migrate import upgrade
from tests.history import with_a_past

BALLAST = [sys.executable, "-c", "from cli.main import main; main()"]
PASSWORD = "correct horse battery staple"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a replay of two days in it."""
    home = tmp_path_factory.mktemp("home")
    (home / "replay").mkdir()
    engine = connect(sqlite_url(home / "replay" / "ballast.db"))
    upgrade(engine)
    with_a_past(engine)
    engine.dispose()
    return home


@pytest.fixture(scope="module")
def told(home: Path) -> Iterator[dict[str, str]]:
    """What the running API said when it was ready."""
    command = [*BALLAST, "api", "--home", str(home)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        yield json.loads(process.stdout.readline())
        process.terminate()
        assert process.wait(10) in (0, -signal.SIGTERM)


def users(home: Path, *words: str, say: str = "") -> subprocess.CompletedProcess[str]:
    command = [*BALLAST, "users", *words, "--home", str(home)]
    return subprocess.run(command, input=say, capture_output=True, text=True, timeout=60)


def test_a_newcomer_follows_the_link_and_is_the_administrator(home: Path, told: dict[str, str]) -> None:
    token = told["set_up"].split("token=")[1]
    with httpx.Client(base_url=told["address"]) as browser:
        body = {"name": "ada", "password": PASSWORD, "token": token}
        assert browser.post("/api/session/set-up", json=body).status_code == 201
        assert browser.get("/api/portfolios/main").json()["mode"] == "replay"
        assert httpx.get(f"{told['address']}/api/portfolios/main").status_code == 401


def test_a_program_gets_a_token_that_can_be_ended(home: Path, told: dict[str, str]) -> None:
    made = users(home, "add", "grace", "--role", "operator", say=PASSWORD + "\n")
    assert made.returncode == 0, made.stderr
    token = json.loads(users(home, "token", "grace", "--json").stdout)
    headers = {"Authorization": f"Bearer {token['token']}"}
    url = f"{told['address']}/api/portfolios/main"
    assert httpx.get(url, headers=headers).status_code == 200
    assert users(home, "revoke", "grace", token["id"]).returncode == 0
    assert httpx.get(url, headers=headers).status_code == 401
    listed = json.loads(users(home, "list", "--json").stdout)
    assert {"grace": "operator"}.items() <= {person["name"]: person["role"] for person in listed}.items()


@pytest.mark.parametrize(
    ("words", "say", "hint"),
    [
        (("add", "eve", "--role", "king"), "", "viewer, operator, approver or admin"),
        (("add", "eve"), "short\n", "12 to 256 characters"),
        (("token", "nobody"), "", "no user nobody"),
        (("revoke", "nobody", "7"), "", "no token id"),
    ],
)
def test_bad_input_says_what_to_do(home: Path, words: tuple[str, ...], say: str, hint: str) -> None:
    answer = users(home, *words, say=say)
    assert answer.returncode == 2
    assert hint in answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_home_where_nothing_ran_says_so(tmp_path: Path) -> None:
    answer = users(tmp_path, "list")
    assert answer.returncode == 2
    assert "ballast up" in answer.stderr


def test_accounts_are_part_of_the_audit_trail(home: Path, told: dict[str, str]) -> None:
    engine = connect(sqlite_url(home / "replay" / "ballast.db"))
    with reading(engine) as session:
        entries = list(records(session, "replay-a-1"))
    engine.dispose()
    bodies = [json.loads(entry.body) for entry in entries if entry.kind == "account"]
    assert any(body["event"] == "user-added" and body["user"] == "grace" for body in bodies)
    assert PASSWORD not in repr(bodies)
