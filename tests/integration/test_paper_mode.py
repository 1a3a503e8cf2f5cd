"""`ballast up --mode paper` in real time, a simulator standing in for Kraken's public side."""

import json
from datetime import UTC, datetime
from pathlib import Path

from adapters.storage.base import PortfolioKey
from adapters.storage.engine import connect, reading, sqlite_url
from adapters.storage.journal import Journal
from adapters.storage.portfolios import Portfolio
from tests.realtime import archive, ballast, kraken, made_home, next_hour, up
from trading.ledger.entries import holdings

CASH = 100_000 * 100_000_000
SCHEDULES = ["hourly", "universe", "fees", "training", "audit-export", "monitors"]


def test_a_paper_track_opens_trades_its_hour_and_goes_on(tmp_path: Path) -> None:
    home, log = made_home(tmp_path / "home"), tmp_path / "up.log"
    names = archive(home, datetime.now(UTC))
    with kraken(tmp_path / "venue") as venue:
        with up(home, venue.address, "--mode", "paper", "--predictor", "trend-vote", log=log) as process:
            hour = next_hour(process)
            listed = ballast(home, "schedules", "list", "--json")
            again = ballast(home, "schedules", "run", "hourly", "--at", str(hour["asof"])[:16])
        assert process.returncode == 0, log.read_text()
    rows = json.loads(listed.stdout)["schedules"]
    assert {row["state"] for row in rows} == {"stands"}
    assert {row["name"] for row in rows} >= set(SCHEDULES)
    assert again.returncode == 0, again.stderr
    assert hour["outcome"] in ("NO_CHANGE", "STALE", "TRADED"), hour
    engine = connect(sqlite_url(home / "paper" / "ballast.db"))
    key = PortfolioKey("paper-1", "main")
    with reading(engine) as session:
        assert holdings(Journal(session, key).balances())["USD"] <= CASH
        assert session.get_one(Portfolio, tuple(key)).quote == "USD"
    terms = json.loads((home / "paper" / "tracks" / "paper-1" / "worker.json").read_text())
    assert sorted(terms["instruments"]) == sorted(names)
    assert (terms["key"], terms["secret"]) == ("", "")
    other = ballast(home, "up", "--mode", "paper", "--predictor", "cash", "--kraken", venue.address)
    assert other.returncode == 2
