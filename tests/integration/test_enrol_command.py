"""`ballast enrol`: what a cloud's workers need before their first hour, and once for ever."""

import json
from pathlib import Path

from typer.testing import CliRunner

from adapters.paper.account import PaperAccount
from adapters.storage.engine import connect, reading, sqlite_url
from adapters.storage.migrate import upgrade
from adapters.storage.portfolios import Portfolio
from cli.main import app
from temporal.schedules import TABLE
from tests.devserver import NAMESPACE, DevServer
from tests.realtime import kraken


def enrolled(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["enrol", *arguments])
    return done.exit_code, done.output


def test_a_paper_track_is_opened_once_with_its_account_and_schedules(tmp_path: Path) -> None:
    database, home, terms = sqlite_url(tmp_path / "ballast.db"), tmp_path / "home", tmp_path / "worker.json"
    upgrade(connect(database))
    server = DevServer(tmp_path)
    server.start()
    try:
        with kraken(tmp_path / "venue") as venue:
            document = {
                **{"mode": "paper", "track": "paper-1", "home": str(home), "cache": str(home / "cache")},
                **{"database": str(database), "temporal": server.address, "namespace": NAMESPACE},
                **{"venue": venue.address, "instruments": ["BTC/USD"]},
            }
            terms.write_text(json.dumps(document))
            told = (str(terms), "--predictor", "trend-vote", "--cash", "5000")
            assert enrolled(*told) == (0, f"paper-1 is open; {len(TABLE)} schedules stand\n")
            assert enrolled(*told) == (0, f"paper-1 is open already; {len(TABLE)} schedules stand\n")
        listed = json.loads(server.cli("schedule", "list", "--output", "json", "-n", NAMESPACE))
        assert len(listed) == len(TABLE)
    finally:
        server.stop()
    with reading(connect(database)) as session:
        assert session.get_one(Portfolio, ("paper-1", "main")).quote == "USD"
    assert PaperAccount(home / "paper.jsonl").balances == {"USD": 5_000 * 100_000_000}


def test_real_money_is_meant_or_nothing_happens(tmp_path: Path) -> None:
    document = {
        **{"mode": "live", "track": "live-1", "home": str(tmp_path), "cache": str(tmp_path)},
        **{"database": "sqlite://", "temporal": "127.0.0.1:1", "namespace": "n"},
        **{"venue": "http://127.0.0.1:1", "instruments": ["BTC/USD"]},
    }
    terms = tmp_path / "worker.json"
    terms.write_text(json.dumps(document))
    for told in ([], ["--yes-real-money", "other"], ["--yes-real-money", "main", "--predictor", "btc"]):
        status, said = enrolled(str(terms), *told)
        assert (status, "--yes-real-money main" in said) == (2, True)
    terms.write_text(json.dumps(document | {"mode": "replay"}))
    assert enrolled(str(terms))[0] == 2
