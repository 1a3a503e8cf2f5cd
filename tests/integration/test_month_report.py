"""The monthly report: every number labelled, made once, tied to the audit log."""

import json
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from platformdirs import user_cache_path
from typer.testing import CliRunner, Result

from adapters.audit import Kind
from adapters.audit.anchors import FolderAnchor
from adapters.audit.checkpoints import seal
from adapters.audit.documents import enter, entered
from adapters.audit.keys import signing_key
from adapters.audit.log import records
from adapters.audit.verify import verify
from adapters.bars import BarStore
from adapters.objects import ObjectStore
from adapters.published import published
from adapters.storage.base import PortfolioKey
from adapters.storage.engine import connect, reading, sqlite_url, unit_of_work
from adapters.storage.migrate import upgrade
from adapters.track_record import WINDOW_H
from cli.main import app
from cli.supervisor.house import House, Running
from config.instruments import grid_for
from simulator.generator import generate
from tests.history import BEGAN, with_a_past
from trading.clock import DAY_H, TradingHour
from trading.evaluation.sheets import BACKTEST, REPLAY

DAYS = 35
TRACK = "replay-a-1"
FEBRUARY = datetime(2026, 2, 1, tzinfo=BEGAN.tzinfo)


def house_of(folder: Path) -> House:
    """A home in which a track lived all January, sealed in its middle, at its end and after it."""
    house = House(folder)
    place = house.track(TRACK)
    first = TradingHour.at(BEGAN).number
    store = BarStore(place / "bars")
    for name, bars in generate(5, WINDOW_H + DAYS * DAY_H + 2, 4, first - WINDOW_H).items():
        store.write("kraken", name, published(bars, grid_for(name), 1.0))
    house.database("replay").parent.mkdir(parents=True, exist_ok=True)
    engine = connect(sqlite_url(house.database("replay")))
    upgrade(engine)
    key = with_a_past(engine, hours=DAYS * DAY_H, track=TRACK)
    keys, objects = signing_key(folder / "audit"), ObjectStore(place / "objects")
    anchor = FolderAnchor(folder / "audit" / "anchor")
    with unit_of_work(engine) as session:
        enter(
            session, objects, TRACK, Kind.INCIDENT, b"a cable", {"at": "2026-01-09T10:00Z", "name": "one.md"}
        )
    for at in (datetime(2026, 1, 20, tzinfo=BEGAN.tzinfo), FEBRUARY):
        seal(engine, TRACK, keys, anchor, at)
        with unit_of_work(engine) as session:
            enter(
                session, objects, TRACK, Kind.INCIDENT, b"another", {"at": f"{at:%F}", "name": f"{at:%m}.md"}
            )
    engine.dispose()
    house.run.mkdir(exist_ok=True)
    house.note(Running("replay", *key, "ballast-replay", "2026-02-01T00:00:00Z", {}))
    (folder / "cache").mkdir()
    (folder / "cache" / "compiled").symlink_to(user_cache_path("ballast-tests", appauthor=False))
    return house


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    return house_of(tmp_path_factory.mktemp("home"))


def ballast(house: House, *told: str) -> Result:
    return CliRunner().invoke(app, [*told, "--home", str(house.home)])


@pytest.fixture(scope="module")
def made(house: House) -> tuple[str, dict[str, Any]]:
    done = ballast(house, "report", "month", "2026-01")
    assert done.exit_code == 0, done.output
    html, figures = map(Path, done.stdout.splitlines()[:2])
    return html.read_text(), json.loads(figures.read_text())


def said(done: Result) -> str:
    return " ".join(done.output.split())


def objects_in(told: object) -> Iterator[dict[str, Any]]:
    if isinstance(told, dict):
        yield told
        for value in told.values():
            yield from objects_in(value)
    if isinstance(told, list):
        for value in told:
            yield from objects_in(value)


def test_every_number_for_programs_stands_beside_its_label(made: tuple[str, dict[str, Any]]) -> None:
    _, figures = made
    with_numbers = [one for one in objects_in(figures) if any(type(v) in (int, float) for v in one.values())]
    assert len(with_numbers) > 60
    assert {one.get("label") for one in with_numbers} == {REPLAY, BACKTEST}


def test_every_row_and_tile_of_the_page_begins_or_ends_with_its_label(
    made: tuple[str, dict[str, Any]],
) -> None:
    html, _ = made
    rows = [row for body in re.findall(r"<tbody>(.*?)</table>", html, re.S) for row in body.split("<tr>")[1:]]
    assert len(rows) > 60
    for row in rows:
        assert re.match(r"<td class=t>(replay|backtest)<td", row), row
    tiles = re.search(r'<div class="tiles">(.*?)</div></header>', html, re.S)
    assert tiles is not None
    assert all("<small>replay</small>" in tile for tile in tiles[1].split("<div>")[1:])
    ends = re.findall(r'<span class="end[^>]*>(.*?)</span>', html)
    assert ends
    assert all("replay:" in end or "backtest:" in end for end in ends)


def test_the_page_loads_nothing(made: tuple[str, dict[str, Any]]) -> None:
    assert not re.search(r"(src|href)=.?(https?:)?//|@import|url\(", made[0])


def test_it_says_what_is_known_of_the_month(made: tuple[str, dict[str, Any]]) -> None:
    html, figures = made
    sheets = {name: sheet["rows"] for name, sheet in figures["sheets"].items()}
    month = {row["figure"]: row["value"] for row in sheets["month"]}
    assert month["fills"] == 6
    assert month["fees in quote currency"] == pytest.approx(6 * 0.00239996)
    exposure = {row["figure"]: row["value"] for row in sheets["exposure"]}
    assert exposure["hours"] == 31 * 24 + 1
    gap = {row["figure"]: row["value"] for row in sheets["gap"]}
    assert gap["fills that only the track made"] == 6
    assert {"btc", "btc, raw", "cash", "trend-vote"} <= {row["record"] for row in sheets["benchmarks"]}
    assert "hypothetical" in html.lower()


def test_what_happened_is_that_of_the_month(made: tuple[str, dict[str, Any]]) -> None:
    told = [row["what"] for row in made[1]["sheets"]["happenings"]["rows"]]
    assert told == ["name one.md", "name 01.md"]


def test_it_is_tied_to_the_audit_log(house: House, made: tuple[str, dict[str, Any]]) -> None:
    html, figures = made
    engine = connect(sqlite_url(house.database("replay")))
    with reading(engine) as session:
        log = list(records(session, TRACK))
        (told,) = [body for _, body in entered(session, TRACK, Kind.REPORT)]
    proof = verify(TRACK, log, (house.home / "audit" / "public.keys").read_text().split())
    assert proof.fault is None
    attested = figures["audit"]
    assert log[attested["seq"] - 1].digest == attested["digest"] == told["checkpoint"]
    assert attested["digest"] in html
    assert told["month"] == "2026-01"


def test_made_again_it_is_the_same_and_no_second_entry(
    house: House, made: tuple[str, dict[str, Any]]
) -> None:
    again = ballast(house, "report", "month", "2026-01", "--json")
    assert json.loads(again.stdout) == made[1]
    engine = connect(sqlite_url(house.database("replay")))
    with reading(engine) as session:
        assert len(list(entered(session, TRACK, Kind.REPORT))) == 1


def test_it_is_never_written_otherwise(house: House, made: tuple[str, dict[str, Any]]) -> None:
    del made
    (house.home / "trials.jsonl").write_text("{}\n{}\n")
    try:
        refused = ballast(house, "report", "month", "2026-01")
    finally:
        (house.home / "trials.jsonl").unlink()
    assert refused.exit_code == 1
    assert "a report is never written again" in said(refused)


def test_a_file_that_somebody_changed_is_noticed(house: House, made: tuple[str, dict[str, Any]]) -> None:
    del made
    (page,) = (house.home / "reports").glob("*.html")
    was = page.read_bytes()
    page.chmod(0o644)
    page.write_bytes(was.replace(b"replay", b"real"))
    refused = ballast(house, "report", "month", "2026-01")
    page.write_bytes(was)
    assert refused.exit_code == 1
    assert "is not the report that was made" in said(refused)


@pytest.mark.parametrize(
    ("month", "why"),
    [
        ("2026-02", "the month is not over there yet"),
        ("2025-12", "fewer than two hours"),
        ("May", "is no month"),
    ],
)
def test_a_month_that_cannot_be_reported_is_refused_with_a_reason(house: House, month: str, why: str) -> None:
    refused = ballast(house, "report", "month", month)
    assert refused.exit_code != 0
    assert why in said(refused)


def test_another_portfolio_has_a_report_of_its_own(house: House) -> None:
    key = PortfolioKey(TRACK, "other")
    refused = ballast(house, "report", "month", "2026-01", "--portfolio", key.portfolio)
    assert "fewer than two hours" in said(refused)
