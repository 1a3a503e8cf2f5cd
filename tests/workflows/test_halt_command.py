"""`ballast halt` over a real engine, and without one."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from typer.testing import CliRunner

from adapters.clock import SystemClock
from adapters.storage.base import PortfolioKey
from adapters.storage.trading_state import TradingStates
from cli.halt import app
from cli.supervisor.house import House, Running
from tests.devserver import NAMESPACE, DevServer
from tests.halting import database, guarded
from trading.errors import UsageError
from trading.risk.trading_state import ACTIVE, HALTED, Standing

KEY = PortfolioKey("replay-a", "main")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevServer]:
    server = DevServer(tmp_path_factory.mktemp("temporal"))
    server.start()
    yield server
    server.stop()


class Home:
    """A home in which one portfolio ran."""

    def __init__(self, folder: Path, address: str, key: PortfolioKey) -> None:
        self.house = House(folder)
        file = self.house.database("replay")
        file.parent.mkdir(parents=True)
        self.engine: Engine = database(file.parent, key)
        self.states = TradingStates(self.engine, SystemClock())
        self.key = key
        note = Running(
            mode="replay",
            track=key.track,
            portfolio=key.portfolio,
            namespace=NAMESPACE,
            started="2026-03-01T12:00:00Z",
            addresses={"temporal": address},
        )
        self.house.note(note)

    def ballast(self, *arguments: str) -> tuple[int, Any]:
        """Exit status and output of `ballast halt …`, as JSON where there is any."""
        as_json = [] if arguments[0] in ("sign", "key") else ["--json"]
        told = [*arguments, *as_json, *([] if arguments[0] == "key" else ["--home", str(self.house.home)])]
        done = CliRunner().invoke(app, told)
        if isinstance(done.exception, Exception):
            raise done.exception
        return done.exit_code, json.loads(done.stdout) if as_json else done.stdout.strip()


BY_ADA = ("--operator", "ada", "--reason", "looks wrong")
BY_BOB = ("--operator", "bob", "--reason", "seen it too")


def test_a_halt_is_tripped_reviewed_and_lifted_by_command(server: DevServer, tmp_path: Path) -> None:
    home = Home(tmp_path, server.address, KEY)
    with guarded(server, home.engine, home.key):
        assert home.ballast("status")[1]["state"] == ACTIVE
        code, tripped = home.ballast("trip", *BY_ADA)
        assert (code, tripped["halt_id"]) == (0, "halt-1")
        assert "the guard halted too" in tripped["guard"]
        _, shown = home.ballast("status")
        assert (shown["state"], shown["guard"]["causes"]) == (HALTED, ["manual"])
        assert shown["tellings"] == {
            name: {"state": HALTED, "epoch": 1} for name in ("workflow", "row", "audit")
        }
        assert home.ballast("request-resume", "halt-1", *BY_ADA)[0] == 0
        code, refused = home.ballast("approve", "halt-1", *BY_ADA)
        assert (code, refused["accepted"]) == (1, False)
        code, approved = home.ballast("approve", "halt-1", *BY_BOB)
        assert (code, approved["state"], approved["epoch"]) == (0, ACTIVE, 2)
        assert home.ballast("status")[1]["state"] == ACTIVE
    told = [event.what for event in home.states.history(*KEY)]
    assert told == ["opened", "tripped", "request", "refused", "approve", "resumed"]


def test_a_trip_holds_without_an_engine_and_is_taken_over(server: DevServer, tmp_path: Path) -> None:
    home = Home(tmp_path, server.address, PortfolioKey("replay-a", "alone"))
    home.states.open(*home.key, ACTIVE, "opened")
    _, tripped = home.ballast("trip", *BY_ADA)
    assert tripped["state"] == HALTED
    assert "takes the halt over when it is back" in tripped["guard"]
    assert home.states.tellings(*home.key) == (Standing(HALTED, 1), Standing(HALTED, 1))
    _, shown = home.ballast("status")
    assert (shown["state"], shown["tellings"]["workflow"], shown["guard"]) == (HALTED, None, None)
    with guarded(server, home.engine, home.key):
        _, shown = home.ballast("status")
        assert (shown["state"], shown["guard"]["halt_id"]) == (HALTED, "halt-1")
        assert shown["guard"]["causes"] == ["manual: looks wrong"]


def test_flattening_survives_a_trip_without_an_engine(server: DevServer, tmp_path: Path) -> None:
    home = Home(tmp_path, server.address, PortfolioKey("replay-a", "flat"))
    home.states.open(*home.key, ACTIVE, "opened")
    assert home.ballast("trip", "--flatten", *BY_ADA)[1]["halt_id"] == "flatten-1"
    with guarded(server, home.engine, home.key):
        _, shown = home.ballast("status")
        assert (shown["state"], shown["guard"]["halt_id"]) == (HALTED, "flatten-1")
        assert shown["guard"]["causes"] == ["flatten", "flatten: looks wrong"]


def test_a_review_without_an_engine_says_what_to_start(tmp_path: Path) -> None:
    from trading.errors import VenueUnavailable

    home = Home(tmp_path, "127.0.0.1:1", KEY)
    with pytest.raises(VenueUnavailable, match="start it first"):
        home.ballast("request-resume", "halt-1", *BY_ADA)


def test_a_signature_is_made_by_command_and_counts(tmp_path: Path) -> None:
    from adapters.operators import OperatorKeys
    from trading.risk.trading_state import Act, signed_bytes

    home = Home(tmp_path / "home", "127.0.0.1:1", KEY)
    file = tmp_path / "ada.key"
    (tmp_path / "ada.pub").write_text(home.ballast("key", str(file))[1])
    assert file.stat().st_mode & 0o777 == 0o600
    words = ("--role", "approve", "--reason", "seconded", "--key", str(file))
    signature = home.ballast("sign", "halt-1", *words)[1]
    content = signed_bytes(*KEY, Act("halt-1", "ada", "approve", "seconded"))
    assert OperatorKeys(tmp_path).refusal("ada", content, signature) == ""
    with pytest.raises(UsageError, match="never written over"):
        home.ballast("key", str(file))
    with pytest.raises(UsageError, match="a role is"):
        home.ballast("sign", "halt-1", "--role", "x", *words[2:])


def test_people_read_who_says_what_and_what_to_do_next(server: DevServer, tmp_path: Path) -> None:
    home = Home(tmp_path, server.address, PortfolioKey("replay-a", "read"))
    with guarded(server, home.engine, home.key):
        CliRunner().invoke(app, ["trip", *BY_ADA, "--home", str(tmp_path)])
        page = CliRunner().invoke(app, ["status", "--home", str(tmp_path)]).stdout
    assert "HALTED · read on replay-a" in page
    assert "audit    HALTED at epoch 1" in page
    assert "next: ballast halt request-resume halt-1" in page


def test_a_trip_without_a_name_or_reason_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    home = Home(tmp_path, "127.0.0.1:1", KEY)
    for operator, reason in (("Ada", "why"), ("ada", " ")):
        with pytest.raises(UsageError, match="name yourself"):
            home.ballast("trip", "--operator", operator, "--reason", reason)
    assert home.states.history(*KEY) == []
