"""`ballast status`, `hour` and `doctor` over a home as a run leaves it, and over an empty one."""

import json
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy.orm import Session
from typer.testing import CliRunner, Result

from adapters.storage.base import PortfolioKey
from adapters.storage.engine import connect, sqlite_url, unit_of_work
from adapters.storage.halts import StateChange
from adapters.storage.hours import Hour, PortfolioHour, Stage
from adapters.storage.migrate import downgrade, upgrade
from adapters.storage.orders import EventRow, FillRow, OrderRow
from adapters.storage.portfolios import open_portfolio
from adapters.storage.states import FoldedFill, Mark, Proof
from cli.main import app
from cli.supervisor.house import House, Running
from tests.stored import approval_of, decision_of
from trading.risk.trading_state import ACTIVE

KEY = PortfolioKey("replay-abc-1", "main")
QUIET = datetime(2024, 7, 4, 23, tzinfo=UTC)
BUSY = QUIET + timedelta(hours=1)
LIMIT, STOP = UUID(int=1), UUID(int=2)
SEARCHED = "0" * 64
RAN = Running("replay", *KEY, "ballast-replay", "2026-11-22T18:00:00Z", {"temporal": "127.0.0.1:17200"})


def ballast(home: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments, "--home", str(home)])


def quiet_hour(session: Session) -> None:
    """Nothing traded: one instrument is held, one has no signal."""
    why = {"BTC/USD": "holding", "ETH/USD": "no signal"}
    session.add(decision_of(KEY, json.dumps({"why_not": why}), asof=QUIET, outcome="NO_CHANGE"))
    session.add(mark(QUIET, equity=10_000_000_000_000, peak=10_000_000_000_000))
    session.flush()
    session.add(ended(QUIET, "NO_CHANGE"))


def busy_hour(session: Session) -> None:
    """A limit to buy that filled in part, and a denied entry."""
    session.add(decision_of(KEY, '{"why_not": {"SOL/USD": "not eligible"}}', asof=BUSY))
    session.add(mark(BUSY, equity=9_900_000_000_000, peak=10_000_000_000_000))
    session.flush()
    session.add(approval_of(KEY, lots=200_000_000, asof=BUSY, limit=600_000, stop=570_000))
    session.add(approval_of(KEY, lots=0, asof=BUSY, instrument="ETH/USD", breach=1 << 6))
    session.flush()
    opened = {"asof": BUSY, "instrument": "BTC/USD", "approved_lots": 200_000_000, "expires": None}
    for number, id, kind, lots, price in (
        (1, LIMIT, "limit", 200_000_000, 600_000),
        (2, STOP, "stop", -150_000_000, 570_000),
    ):
        told = {"id": id, "number": number, "kind": kind, "lots": lots, "price": price, "stop": 0}
        ends = {"state": "cancelled" if number == 1 else "denied", "ended": True, "venue_id": None}
        session.add(OrderRow(**KEY._asdict(), **opened, **told, **ends))
    session.flush()
    said = {"at": BUSY, "venue_id": "", "deadline": None, "trade_id": None}
    session.add(EventRow(**KEY._asdict(), id=STOP, number=0, what="denied", note="too little left", **said))
    fill = {"instrument": "BTC/USD", "lots": 150_000_000, "ticks": 600_000, "maker": True}
    money = {"value": 9_000_000_000_000, "fee": 36_000_000_000, "at": BUSY, "venue_id": "OX"}
    session.add(FillRow(**KEY._asdict(), trade_id="T1", id=LIMIT, **fill, **money))
    session.flush()
    session.add(FoldedFill(**KEY._asdict(), trade_id="T1", asof=BUSY))
    session.add(stage("predict", {"release": "trend-vote", "window": SEARCHED}))
    session.add(
        Proof(**KEY._asdict(), asof=BUSY, held=True, decision=SEARCHED, state=SEARCHED, note="", at=BUSY)
    )
    session.add(ended(BUSY, "TRADED"))


def mark(asof: datetime, equity: int, peak: int) -> Mark:
    plain = dict.fromkeys(("units", "cash", "flow", "tier", "triggers", "halt_epoch"), 0)
    money = {"equity": equity, "exposure": equity // 10, "peak": peak, "lifetime_peak": peak, "positions": 1}
    return Mark(**KEY._asdict(), **plain | money, asof=asof, state="ACTIVE", halt="", at=asof)


def ended(asof: datetime, outcome: str) -> PortfolioHour:
    told = {"outcome": outcome, "reason": "", "fills": 0, "settled": True, "ended": asof}
    return PortfolioHour(**KEY._asdict(), asof=asof, **told)


def stage(name: str, summary: dict[str, object]) -> Stage:
    told = {"reference": SEARCHED, "summary": json.dumps(summary), "at": BUSY}
    return Stage(track=KEY.track, asof=BUSY, stage=name, **told)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two hours as stored, and the note that a run left behind."""
    house = House(tmp_path_factory.mktemp("home"))
    house.database("replay").parent.mkdir()
    engine = connect(sqlite_url(house.database("replay")))
    upgrade(engine)
    with unit_of_work(engine) as session:
        open_portfolio(session, KEY, "USD", QUIET)
        told = {"state": ACTIVE, "epoch": 0, "cause": "opened", "by": "test", "at": QUIET}
        session.add(StateChange(**KEY._asdict(), number=1, **told))
        session.flush()
        quiet_hour(session)
        busy_hour(session)
        for asof in (QUIET, BUSY):
            counts = {"portfolios": 1, "settled": 1, "outcome": "DONE", "reason": ""}
            session.add(Hour(track=KEY.track, asof=asof, **counts, ended=asof))
    engine.dispose()
    house.note(RAN)
    return house.home


def test_a_busy_hour_is_told_from_data_to_fills(home: Path) -> None:
    result = ballast(home, "hour", "show", "2024-07-05T00:00Z")
    assert result.exit_code == 0, result.output
    text = result.stdout
    for said in (
        "2024-07-05 00:00Z  TRADED",
        "equity      99,000.00",
        "drawdown  1.00%",
        "predict    reference 0000000000, release trend-vote, window 0000000000",
        "decision   buy BTC/USD (expected return), buy ETH/USD (expected return)",
        "BTC/USD kept; ETH/USD denied by EXPOSURE",
        "limit buy 2 BTC/USD at 60,000: cancelled",
        "stop sell 1.5 BTC/USD at 57,000: denied (too little left)",
        "bought 1.5 BTC/USD at 60,000 = 90,000.00, fee 360.00 (limit, maker)",
        "no trade   SOL/USD: not eligible",
        "proof      HELD",
    ):
        assert said in text, f"{said!r} not in\n{text}"


def test_a_quiet_hour_says_why_nothing_was_traded(home: Path) -> None:
    result = ballast(home, "hour", "show", "2024-07-04T23:00")
    assert "BTC/USD: holding" in result.stdout
    assert "ETH/USD: no signal" in result.stdout
    assert "decision" not in result.stdout


def test_a_script_gets_every_number_of_an_hour(home: Path) -> None:
    told = json.loads(ballast(home, "hour", "show", "2024-07-05T00", "--json").stdout)
    assert (told["asof"], told["outcome"], told["proof"]) == ("2024-07-05T00:00:00Z", "TRADED", "HELD")
    assert told["fills"][0]["value"] == "90000"
    assert told["verdicts"][1]["breaches"] == ["EXPOSURE"]
    assert told["account"]["equity"] == "99000"
    assert told["stages"]["predict"]["window"] == SEARCHED


def test_hours_are_listed_oldest_first_with_their_reasons(home: Path) -> None:
    result = ballast(home, "hour", "list")
    assert result.exit_code == 0, result.output
    rows = [line for line in result.stdout.splitlines() if "2024-07-" in line]
    assert "NO_CHANGE" in rows[0]
    assert "holding 1, no signal 1" in rows[0]
    assert "TRADED" in rows[1]
    told = json.loads(ballast(home, "hour", "list", "--json", "--last", "1").stdout)
    assert [hour["asof"] for hour in told["hours"]] == ["2024-07-05T00:00:00Z"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("hour", "show", "yesterday"), "is no hour"),
        (("hour", "show", "2024-07-05T00:30"), "is no hour"),
        (("hour", "show", "2024-07-06T00:00"), "nothing is stored of the hour 2024-07-06T00:00Z"),
        (("hour", "list", "--track", "live-x"), "no database of mode 'live'"),
        (("hour", "list", "--track", "replay-x"), "no finished hour yet"),
    ],
)
def test_what_is_not_there_is_said_in_one_line(home: Path, arguments: tuple[str, ...], said: str) -> None:
    result = ballast(home, *arguments)
    assert result.exit_code == 2
    (line,) = result.stderr.strip().splitlines()
    assert said in line


def test_a_new_home_says_how_to_begin(tmp_path: Path) -> None:
    assert "`ballast up` starts it" in ballast(tmp_path, "hour", "list").stderr
    result = ballast(tmp_path, "status")
    assert result.exit_code == 0
    assert "not running; `ballast up` starts it" in result.stdout


def test_the_status_of_a_resting_home_knows_how_far_it_came(home: Path) -> None:
    told = json.loads(ballast(home, "status", "--json").stdout)
    assert (told["running"], told["pid"], told["addresses"]) == (False, None, {})
    assert (told["track"], told["asof"], told["trading_state"]) == (KEY.track, "2024-07-05T00:00Z", "ACTIVE")


def test_the_doctor_finds_a_sound_home_sound(home: Path) -> None:
    told = findings(ballast(home, "doctor", "--json"))
    assert told["database"][0]["state"] == "good"
    assert {finding["state"] for part in told.values() for finding in part} <= {"good", "note"}
    assert "ballast data import FOLDER --venue kraken" in told["data"][0]["do"]


def findings(result: Result) -> dict[str, list[dict[str, str]]]:
    assert result.exit_code in (0, 1), result.output
    found: dict[str, list[dict[str, str]]] = {}
    for finding in json.loads(result.stdout)["findings"]:
        found.setdefault(finding["part"], []).append(finding)
    return found


@pytest.fixture
def troubled(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    house.database("replay").parent.mkdir()
    engine = connect(sqlite_url(house.database("replay")))
    upgrade(engine)
    downgrade(engine, "-1")
    engine.dispose()
    house.run.mkdir()
    with socket.socket() as thief:
        thief.bind(("127.0.0.1", 0))
        thief.listen()
        house.ports.write_text(json.dumps({"temporal": thief.getsockname()[1]}))
        yield house


def test_the_doctor_names_a_taken_port_and_an_old_database(troubled: House) -> None:
    told = findings(ballast(troubled.home, "doctor", "--json"))
    assert "in use by something else: temporal" in told["ports"][0]["found"]
    assert "this version of Ballast wants" in told["database"][0]["found"]
    assert told["database"][0]["state"] == "note"


def test_the_doctor_ends_with_an_error_when_something_is_broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cli.supervisor import watch

    monkeypatch.setattr(watch, "SPACE_START_MB", 1 << 40)
    result = ballast(tmp_path, "doctor")
    assert result.exit_code == 1
    assert "the disk is too full" in result.stdout
