"""The desk as its people meet it: a browser, the whole stack of `ballast up`, and one story from its start.

The tests tell the story in their order: the administrator comes by the link, people are added, an hour
happens under their eyes, trading is halted and resumed.
"""

import csv
import io
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median
from threading import Event, Thread
from typing import Any, NamedTuple

import httpx
import pytest
from platformdirs import user_cache_path
from sqlalchemy import Engine, func, select

from adapters.storage.engine import connect, reading, sqlite_url
from adapters.storage.hours import PortfolioHour
from adapters.storage.orders import FillRow
from adapters.storage.states import Proof, StateRow
from cli.supervisor.house import House
from tests.browsing import Browser
from tests.installation import PASSWORD

BALLAST = [sys.executable, "-c", "from cli.main import main; main()"]
UP = [
    "up",
    "--no-dashboard",
    "--json",
    "--pace",
    "2",
    "--predictor",
    "trend-vote",
    "--from",
    "2024-07-04T23:00",
]
"""The second hour of this track makes two entries."""
PEOPLE = {"vera": "viewer", "olga": "operator", "bob": "approver"}
ON_THE_PAGE_S = 1.0
STARTED_S = 300.0
HOURS_WATCHED = 5
PAGES = (
    *("/", "/hours/", "/hour/?asof=2024-07-05T00:00Z", "/trades/"),
    *("/models/", "/market/", "/risk/", "/performance/", "/operations/", "/governance/"),
)
"""Every page inside; the hour is the one that traded."""


def until(done: Callable[[], Any], timeout_s: float) -> Any:
    """What `done` returns once it is something."""
    end_s = time.monotonic() + timeout_s
    while not (found := done()):
        assert time.monotonic() < end_s, "it did not come about"
        time.sleep(0.05)
    return found


class Desk(NamedTuple):
    """A running system with its first three hours behind it."""

    home: Path
    base: str
    link: str
    engine: Engine

    def ballast(self, *arguments: str, said: str = "") -> subprocess.CompletedProcess[str]:
        command = [*BALLAST, *arguments, "--home", str(self.home)]
        return subprocess.run(command, input=said, capture_output=True, text=True, timeout=120, check=False)

    def newest(self) -> PortfolioHour | None:
        with reading(self.engine) as session:
            return session.scalar(select(PortfolioHour).order_by(PortfolioHour.asof.desc()).limit(1))


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    home = tmp_path_factory.mktemp("home")
    kept = user_cache_path("ballast-tests", appauthor=False)
    kept.mkdir(parents=True, exist_ok=True)
    (home / "cache").mkdir()
    (home / "cache" / "compiled").symlink_to(kept)
    told = home / "up.log"
    with told.open("w") as log:
        process = subprocess.Popen([*BALLAST, *UP, "--home", str(home)], stdout=log, stderr=log)
    house = House(home)
    try:
        link = until(lambda: _told(told, process, "first user"), STARTED_S)
        desk = Desk(
            home, _told(told, process, "dashboard"), link, connect(sqlite_url(house.database("replay")))
        )
        until(lambda: desk.newest() is not None and _traded(desk.engine), STARTED_S)
        yield desk
    finally:
        process.terminate()
        process.wait(60)


def _told(file: Path, process: "subprocess.Popen[bytes]", name: str) -> str:
    """The address that `ballast up` gave for something; empty before it did."""
    assert process.poll() is None, file.read_text()
    lines = (line.split() for line in file.read_text().splitlines() if line.startswith(f"{name} "))
    return next((line[-1] for line in lines), "")


def _traded(engine: Engine) -> int:
    with reading(engine) as session:
        return session.scalar(select(func.count()).select_from(FillRow)) or 0


@pytest.fixture(scope="module")
def people(desk: Desk, browser: Browser) -> Desk:
    """A desk with its administrator and one person of each other role."""
    seen = browser.play("setUp", desk.base, link=desk.link)
    assert seen.found == {"title": "REPLAY · Overview · Ballast", "banner": "REPLAY · recorded hours"}
    assert seen.errors == []
    for name, role in PEOPLE.items():
        done = desk.ballast("users", "add", name, "--role", role, said=f"{PASSWORD}\n")
        assert done.returncode == 0, done.stderr
    return desk


class Committed:
    """When each hour of a database was first seen there, by looking all the time."""

    def __init__(self, desk: Desk) -> None:
        self.at_s: dict[datetime, float] = {}
        self._desk, self._over = desk, Event()
        self._thread = Thread(target=self._look)

    def __enter__(self) -> "Committed":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(0.01):
            newest = self._desk.newest()
            if newest:
                self.at_s.setdefault(newest.asof, time.time())


@pytest.fixture(scope="module")
def late_s(people: Desk, browser: Browser) -> list[float]:
    """How long after its commit each hour was on a page that somebody left open."""
    with Committed(people) as committed:
        seen = browser.play("watch", people.base, hours=HOURS_WATCHED)
    assert seen.errors == []
    late_s = [at_ms / 1000 - committed.at_s[datetime.fromisoformat(asof)] for asof, at_ms in seen.found]
    print("on the page after", [round(one, 2) for one in late_s], "s")  # noqa: T201 - the figure is the point
    return late_s


def test_hours_come_onto_an_open_page_by_themselves(late_s: list[float]) -> None:
    assert len(late_s) >= HOURS_WATCHED


@pytest.mark.slow
def test_an_hour_is_on_the_page_within_a_second_of_its_commit_on_a_quiet_machine(late_s: list[float]) -> None:
    assert median(late_s) < ON_THE_PAGE_S


def test_why_nothing_was_traded_is_said_for_every_instrument(people: Desk, browser: Browser) -> None:
    seen = browser.play("whyNoTrade", people.base)
    assert seen.errors == []
    assert len(seen.found["rows"]) >= 10
    assert all(instrument.endswith("/USD") and gate for instrument, gate in seen.found["rows"])


def test_trades_are_exported_as_they_are_stored(people: Desk, browser: Browser) -> None:
    seen = browser.play("csv", people.base)
    rows = list(csv.DictReader(io.StringIO(seen.found["text"])))
    with reading(people.engine) as session:
        stored = set(session.scalars(select(FillRow.trade_id)))
    assert rows
    assert {row["trade_id"] for row in rows} <= stored
    assert seen.found["name"].endswith(".csv")


def test_no_page_has_a_fault_that_axe_finds(people: Desk, browser: Browser) -> None:
    seen = browser.play("axe", people.base, pages=PAGES, button="Halt")
    assert seen.found == {"pages": len(PAGES) + 2, "violations": []}
    assert seen.errors == []


def overview_scores(people: Desk, browser: Browser) -> dict[str, int]:
    credentials = {"name": "vera", "password": PASSWORD}
    with httpx.Client(base_url=people.base, trust_env=False) as client:
        client.post("/api/session", json=credentials).raise_for_status()
        cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    scores: dict[str, int] = browser.lighthouse(people.base, cookie, phone=False)["scores"]
    return scores


def test_lighthouse_finds_the_overview_accessible_and_well_made(people: Desk, browser: Browser) -> None:
    scores = overview_scores(people, browser)
    assert (scores["accessibility"], scores["best-practices"]) == (100, 100)


@pytest.mark.slow
def test_lighthouse_finds_the_overview_quick_on_a_quiet_machine(people: Desk, browser: Browser) -> None:
    assert max(overview_scores(people, browser)["performance"] for _ in range(3)) >= 95


class Halt(NamedTuple):
    """What everybody met while trading was halted, in this order."""

    halted: Any
    early: Any
    flattened: Any
    left: dict[str, int]
    """Lots of each holding two hours after everything was to be sold."""
    unproved: list[str]
    """What another process found in the hours around it."""
    faults: Any
    requested: Any
    by_command: "subprocess.CompletedProcess[str]"
    approved: Any
    resumed_after: datetime


@pytest.fixture(scope="module")
def halt(people: Desk, browser: Browser) -> Halt:
    halted = browser.play("halt", people.base).found
    early = browser.play("tooEarly", people.base, halt=halted["halt"]).found
    flattened = browser.play("flatten", people.base).found
    told_at = people.newest()
    assert told_at
    until(lambda: _settled_since(people, told_at.asof), STARTED_S)
    left, unproved = _held(people.engine), _unproved(people.engine)
    faults = browser.play("axe", people.base, pages=["/", "/risk/"], button="Request a resume").found
    requested = browser.play("request", people.base, halt=flattened["halt"]).found
    said = ("--operator", "olga", "--reason", "I am sure")
    by_command = people.ballast("halt", "approve", flattened["halt"], *said)
    approved = browser.play("approve", people.base).found
    newest = people.newest()
    assert newest
    return Halt(
        halted, early, flattened, left, unproved, faults, requested, by_command, approved, newest.asof
    )


def _settled_since(people: Desk, asof: datetime) -> bool:
    """Two more hours are settled: the one under way when it was said, and one that was decided after it."""
    newest = people.newest()
    return newest is not None and newest.asof >= asof + timedelta(hours=2)


def _held(engine: Engine) -> dict[str, int]:
    """What the newest state holds, by instrument."""
    with reading(engine) as session:
        row = session.scalars(select(StateRow).order_by(StateRow.asof.desc()).limit(1)).one()
    told = json.loads(row.document)
    lots = told["fields"].index("lots")
    return {name: values[lots] for name, values in told["positions"].items() if values[lots]}


def _unproved(engine: Engine) -> list[str]:
    with reading(engine) as session:
        return list(session.scalars(select(Proof.note).where(~Proof.held)))


def test_after_flattening_nothing_is_held_and_the_halt_goes_on(halt: Halt) -> None:
    assert halt.flattened["halt"].startswith("flatten-")
    assert (halt.left, halt.unproved) == ({}, [])
    assert halt.requested["refused"]["status"] == 403


def test_an_operator_halts_and_cannot_approve_the_resume(halt: Halt) -> None:
    assert halt.halted["title"].startswith("REPLAY HALTED")
    assert "Request a resume" in halt.halted["offered"]
    assert "Approve the resume" not in halt.halted["offered"] + halt.requested["offered"]
    for refused in (halt.halted["refused"], halt.requested["refused"]):
        assert (refused["status"], refused["title"]) == (403, "not allowed")


def test_the_guard_itself_refuses_what_the_roles_let_through(halt: Halt) -> None:
    assert (halt.early["status"], halt.early["title"]) == (409, "it does not count")
    assert halt.by_command.returncode != 0
    assert "requested" in halt.by_command.stderr + halt.by_command.stdout


def test_a_halted_desk_has_no_fault_either(halt: Halt) -> None:
    assert halt.faults["violations"] == []


def test_somebody_else_approves_and_trading_goes_on(halt: Halt, people: Desk) -> None:
    assert "Approve the resume" in halt.approved["offered"]
    assert "Request a resume" not in halt.approved["offered"]
    # Newest first: the resume, two refusals, the request, the trips.
    assert any("refused" in row or "count" in row for row in halt.approved["events"])

    def resumed() -> PortfolioHour | None:
        newest = people.newest()
        return newest if newest and newest.asof > halt.resumed_after else None

    hour = until(resumed, STARTED_S)
    assert hour.outcome in {"TRADED", "NO_CHANGE"}
