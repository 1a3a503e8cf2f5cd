"""`ballast worker` reads its terms: references become credentials, and a pool serves its own queues."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app
from worker import main
from worker.terms import Terms

TERMS = {
    **{"mode": "replay", "track": "replay-a-1", "database": "secret:database", "temporal": "127.0.0.1:1"},
    **{"namespace": "n", "venue": "http://127.0.0.1:1", "key": "k", "secret": "secret:venue-secret"},
    **{"instruments": ["BTC/USD"], "sealing_keys": [["1", "secret:sealing"]]},
}
SECRETS = {"database": "sqlite:///x", "venue-secret": "c2VjcmV0", "sealing": "k" * 32}


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """The command sets up the log of its process, which here is everybody's."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers, root.level = handlers, level


@pytest.fixture
def terms(tmp_path: Path) -> Path:
    for name, value in SECRETS.items():
        (tmp_path / name).write_text(value)
        (tmp_path / name).chmod(0o600)
    file = tmp_path / "worker.json"
    file.write_text(json.dumps(TERMS | {"home": str(tmp_path), "cache": str(tmp_path / "cache")}))
    return file


@pytest.mark.parametrize(
    ("pool", "queues"),
    [("market", ("market",)), ("trading", ("trading", "trading-wait", "guard")), ("training", ("training",))],
)
def test_a_pool_works_with_credentials_that_its_terms_only_name(
    terms: Path, monkeypatch: pytest.MonkeyPatch, pool: str, queues: tuple[str, ...]
) -> None:
    seen: list[Terms] = []

    async def serve(told: Terms, *_rest: object) -> None:
        seen.append(told)

    monkeypatch.setattr(main, "serve", serve)
    done = CliRunner().invoke(app, ["worker", str(terms), "--serve", pool, "--secrets", str(terms.parent)])
    assert done.exit_code == 0, done.output
    assert (seen[0].queues, seen[0].database) == (queues, "sqlite:///x")
    # Who does not trade has no key, and does not ask for one that it may not read.
    assert (seen[0].key, seen[0].secret) == (("k", "c2VjcmV0") if pool == "trading" else ("", ""))
    assert seen[0].sealing_keys == (("1", b"k" * 32),)


def test_files_of_the_terms_are_put_into_the_home_of_the_trading_pool_alone(
    terms: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def serve(*_told: object) -> None:
        return

    monkeypatch.setattr(main, "serve", serve)
    document = json.loads(terms.read_text()) | {"files": {"audit/signing.key": "secret:sealing"}}
    terms.write_text(json.dumps(document))
    for pool, there in (("market", False), ("trading", True), ("trading", True)):
        told = ["worker", str(terms), "--serve", pool, "--secrets", str(terms.parent)]
        assert CliRunner().invoke(app, told).exit_code == 0
        assert (terms.parent / "audit" / "signing.key").exists() == there
    key = terms.parent / "audit" / "signing.key"
    assert (key.read_text(), key.stat().st_mode & 0o777) == (SECRETS["sealing"], 0o600)
    terms.write_text(json.dumps(document | {"files": {"../outside": "x"}}))
    done = CliRunner().invoke(app, ["worker", str(terms), "--secrets", str(terms.parent)])
    assert (done.exit_code, "outside of the home" in done.output) == (2, True)


def test_a_credential_that_others_can_read_stops_the_start(terms: Path) -> None:
    (terms.parent / "sealing").chmod(0o644)
    done = CliRunner().invoke(app, ["worker", str(terms), "--secrets", str(terms.parent)])
    assert (done.exit_code, "chmod 600" in done.output) == (2, True)
    assert not any(value in done.output for value in SECRETS.values())
