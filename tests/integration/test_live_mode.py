"""`ballast up --mode live` in real time, a simulator standing in for Kraken with all of an account."""

from datetime import UTC, datetime
from pathlib import Path
from subprocess import CompletedProcess

from adapters.storage.base import PortfolioKey
from adapters.storage.engine import connect, reading, sqlite_url
from adapters.storage.halts import Halts
from adapters.storage.journal import Journal
from adapters.storage.reconciliations import Reconciliations
from simulator.auth import TRADER
from tests.realtime import archive, ballast, hours, kraken, made_home, up
from tests.running import Simulator
from trading.ledger.entries import OPENING, holdings

CONSENT = ("--mode", "live", "--yes-real-money", "main")
KEY = PortfolioKey("live-1", "main")


def secrets(home: Path, venue: Simulator) -> None:
    (home / "secrets").mkdir(mode=0o700)
    for name, value in (("key", "key"), ("secret", "secret")):
        file = home / "secrets" / f"kraken-api-{name}"
        file.touch(mode=0o600)
        file.write_text(venue.ready[value])


def refused(home: Path, venue: Simulator, *told: str) -> str:
    """Why a start is refused; it must be, as a wrong use."""
    done: CompletedProcess[str] = ballast(home, "up", "--no-dashboard", "--kraken", venue.address, *told)
    assert done.returncode == 2, done.stderr
    return done.stderr


def test_real_money_asks_for_consent_and_begins_halted_with_what_was_there(tmp_path: Path) -> None:
    home, log = made_home(tmp_path / "home"), tmp_path / "up.log"
    archive(home, datetime.now(UTC))
    with kraken(tmp_path / "venue") as venue:
        venue.control("deposit", asset="XBT", amount="0.5")
        secrets(home, venue)
        assert "--yes-real-money main" in refused(home, venue, "--mode", "live")
        assert "not trend-vote" in refused(home, venue, *CONSENT, "--predictor", "trend-vote")
        venue.control("key", permissions=[*TRADER, "withdraw-funds"])
        assert "withdraw-funds" in refused(home, venue, *CONSENT)
        venue.control("key", permissions=list(TRADER))
        with up(home, venue.address, *CONSENT, "--hours", "1", log=log) as process:
            (hour,) = hours(process)
        assert process.returncode == 0, log.read_text()
        assert hour["outcome"] == "WARMUP", "no release may trade yet"
    written = (home / "live" / "tracks" / "live-1" / "worker.json").read_text()
    assert venue.ready["secret"] not in written
    assert venue.ready["key"] not in written
    with reading(connect(sqlite_url(home / "live" / "ballast.db"))) as session:
        journal = Journal(session, KEY)
        opening = journal.entry(OPENING)
        held, compared = holdings(journal.balances()), Reconciliations(session, KEY).latest()
        standing = Halts(session, KEY).standing()
    assert opening is not None
    assert held == {"USD": 100_000 * 10**8, "BTC": 50_000_000}
    assert compared is not None
    assert compared[1] == {}
    assert standing is not None
    assert standing.state == "HALTED"
