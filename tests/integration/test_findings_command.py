"""`ballast findings`: what keeps entries out is shown, and a person's word opens the instrument again."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from adapters.audit.chain import Record
from adapters.audit.log import records
from adapters.storage.base import PortfolioKey
from adapters.storage.engine import connect, reading, sqlite_url, unit_of_work
from adapters.storage.migrate import upgrade
from adapters.storage.portfolios import open_portfolio
from adapters.storage.reconciliations import Reconciliations
from cli.main import app
from cli.supervisor.house import House, Running
from tests.stored import NOW
from trading.execution.findings import Finding, Strange
from trading.execution.identity import finding_id

KEY = PortfolioKey("paper-a", "main")
FOUND = Finding(
    finding_id("paper-a", Strange.MANUAL_TRADE, "TX1"), Strange.MANUAL_TRADE, "BTC/USD", "TX1", "sold"
)


@pytest.fixture
def house(tmp_path: Path) -> House:
    """A home with one finding and a balance that nobody can explain."""
    house = House(tmp_path)
    house.database("paper").parent.mkdir()
    engine = connect(sqlite_url(house.database("paper")))
    upgrade(engine)
    with unit_of_work(engine) as session:
        open_portfolio(session, KEY, "USD", NOW)
    with unit_of_work(engine, KEY) as session:
        Reconciliations(session, KEY).store(NOW, {"BTC": 90}, {"BTC": 100})
        Reconciliations(session, KEY).report(FOUND, NOW)
    engine.dispose()
    house.note(Running("paper", KEY.track, KEY.portfolio, "paper", "2026-03-01T12:00:00Z", {}))
    return house


def ballast(house: House, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["findings", *arguments, "--home", str(house.home)])


def review(house: House, id: str = str(FOUND.id)) -> Result:
    return ballast(house, "review", id, "--operator", "ada", "--reason", "sold by hand")


def entries(house: House) -> list[Record]:
    with reading(connect(sqlite_url(house.database("paper")))) as session:
        return list(records(session, KEY.track))


def test_an_id_is_shown_whole_however_narrow_the_screen(house: House) -> None:
    told = ["findings", "list", "--home", str(house.home)]
    assert str(FOUND.id) in CliRunner().invoke(app, told, env={"COLUMNS": "80"}).stdout


def test_what_keeps_entries_out_is_listed(house: House) -> None:
    told = json.loads(ballast(house, "list", "--json").stdout)
    assert told["findings"] == [[str(FOUND.id), "manual trade", "BTC/USD", "TX1", "sold"]]
    assert told["balances"] == [["BTC", "-10"]]
    assert told["orders"] == []
    assert "manual trade" in ballast(house, "list").stdout


def test_a_review_is_kept_once_with_its_name_and_in_the_audit_log(house: House) -> None:
    for _ in range(2):
        assert review(house).exit_code == 0
    assert json.loads(ballast(house, "list", "--json").stdout)["findings"] == []
    told = [json.loads(entry.body) for entry in entries(house) if entry.kind == "reconciliation"]
    assert [one["by"] for one in told if one["table"] == "finding_reviews"] == ["ada"]


def test_another_word_on_the_same_finding_is_refused(house: House) -> None:
    review(house)
    done = ballast(house, "review", str(FOUND.id), "--operator", "bob", "--reason", "no idea")
    assert done.exit_code == 1
    assert "differs" in done.stderr


def test_a_finding_that_is_not_there_cannot_be_reviewed(house: House) -> None:
    done = review(house, "00000000-0000-0000-0000-000000000000")
    assert done.exit_code == 2
    assert not any(b"finding_reviews" in entry.body for entry in entries(house))
