"""Lived hours, computed again: from raw replies when everything else is gone, in one file on another machine,
and by the process that proves each hour and halts where it comes to something else.
"""

import asyncio
import json
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import ZipFile

import polars as pl
import pytest
from sqlalchemy import select
from temporalio.client import WorkflowFailureError
from temporalio.service import RPCError
from typer.testing import CliRunner

from adapters.bars import BarStore
from adapters.clock import SystemClock
from adapters.objects import ObjectStore
from adapters.reconstruction.bundle import read_bundle, write_bundle
from adapters.reconstruction.recorded import recorded
from adapters.reconstruction.source import Home, of_home
from adapters.reconstruction.stages import OUTPUTS, STAGES, Content, compare
from adapters.replies import ReplyLog
from adapters.storage.base import PortfolioKey
from adapters.storage.engine import connect, reading, sqlite_url
from adapters.storage.halts import Halts
from adapters.storage.states import Proof
from cli.main import app
from tests.lively import LIVELY
from tests.replaying import CACHE, Replay, made_up, replaying
from trading.clock import TradingHour
from trading.compiled import use_cache
from trading.execution.protocol import Kind
from trading.live.machines import PLAIN
from workflows.names import proof_id

BUSY_H, HOURS = 52, 4
"""The first hours have entries, exits and stops."""
OF_A_RULE = [stage for stage in STAGES if stage != OUTPUTS]
KEPT = ("alembic_version", "tracks", "track_terms", "portfolios", "mandates", "observations")
"""Beside raw replies, the opening state and what befell the trading state."""


class Lived(NamedTuple):
    """Four hours as they were recorded, and what their proofs came to."""

    home: Home
    key: PortfolioKey
    first: TradingHour
    recorded: Mapping[TradingHour, Mapping[str, Content]]
    proofs: Mapping[TradingHour, tuple[bool, str]]
    halted: str
    """Why, after the raw replies of one more hour were taken away from the prover."""

    @property
    def last(self) -> TradingHour:
        return TradingHour(self.first.number + HOURS - 1)


async def proved(replay: Replay, hour: TradingHour) -> None:
    """Wait for an hour's proof, which begins when the hour is over."""
    handle = replay.client.get_workflow_handle(proof_id(replay.terms.track, hour.asof))
    for _ in range(100):
        try:
            await handle.result()
            return
        except (RPCError, WorkflowFailureError):
            await asyncio.sleep(0.1)


async def live(folder: Path) -> Lived:
    """Trade some hours with their proofs, then one whose replies are hidden from the prover."""
    market = made_up(folder / "bars", BUSY_H)
    async with replaying(folder, market, "exercise", config=LIVELY) as replay:
        key, engine = PortfolioKey(replay.terms.track, "main"), connect(replay.database)
        home = Home(engine, replay.terms.home, folder / "models")
        hours = [TradingHour(market.first.number + n) for n in range(HOURS)]
        for hour in hours:
            await asyncio.wait_for(replay.driver.run_hour(hour), 300)
            await proved(replay, hour)
        objects = ObjectStore(home.folder / "objects")
        kept = {hour: recorded(engine, key, hour, objects) for hour in hours}
        for log in (home.folder / "replies" / "kraken").glob("*.jsonl"):
            log.rename(log.with_suffix(".hidden"))
        await asyncio.wait_for(replay.driver.run_hour(hours[-1].next), 300)
        await proved(replay, hours[-1].next)
        with reading(engine) as session:
            rows = session.scalars(select(Proof))
            proofs = {TradingHour.at(row.asof): (row.held, row.note) for row in rows}
            last = Halts(session, key).last()
        assert last is not None
        for log in (home.folder / "replies" / "kraken").glob("*.hidden"):
            log.rename(log.with_suffix(".jsonl"))
        return Lived(home, key, market.first, kept, proofs, f"{last.state}: {last.cause}")


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Lived:
    use_cache(CACHE)
    return asyncio.run(live(tmp_path_factory.mktemp("lived")))


def again(lived: Lived, home: Home, before: TradingHour | None = None) -> dict[TradingHour, list[str]]:
    """Every hour against its record; what differs."""
    source = of_home(home, lived.key, before)
    return {
        one.hour: [
            f"{r.stage}: {r.where}" for r in compare(lived.recorded[one.hour], one.stages) if not r.same
        ]
        for one in source.rebuilder(PLAIN).through(lived.last)
    }


def copied(lived: Lived, folder: Path) -> Home:
    """A copy of a track's home and database."""
    shutil.copytree(lived.home.folder, folder / "home")
    database = Path(str(lived.home.engine.url.database))
    with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(folder / "x.db")) as copy:
        source.backup(copy)
    return Home(connect(sqlite_url(folder / "x.db")), folder / "home", folder / "models")


def bare(home: Home, first: TradingHour) -> None:
    """Delete every derived row and file."""
    with closing(sqlite3.connect(str(home.engine.url.database))) as db:
        triggers = db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for (name,) in triggers:
            db.execute(f"DROP TRIGGER {name}")
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for name in {*tables} - {*KEPT, "portfolio_states", "audit_entries"}:
            db.execute(f"DELETE FROM {name}")
        db.execute("DELETE FROM audit_entries WHERE kind <> 'halt'")
        db.execute("DELETE FROM portfolio_states WHERE asof >= ?", (f"{first.asof:%Y-%m-%d %H:%M:%S}",))
        assert db.execute("SELECT count(*) FROM portfolio_states").fetchone() == (1,)
        db.commit()
    objects = ObjectStore(home.folder / "objects")
    log = ReplyLog(home.folder / "replies", "kraken", objects, SystemClock())
    raw = {line["body"] for line in log.lines()}
    for file in (home.folder / "objects").glob("*/*"):
        if file.name not in raw:
            file.unlink()
    store = BarStore(home.folder / "bars")
    for file in store.root.glob("*/*/*.parquet"):
        pl.read_parquet(file).filter(pl.col("asof") < first.asof).write_parquet(file)


def test_every_hour_comes_out_the_same_when_only_raw_replies_and_the_opening_are_left(
    lived: Lived, tmp_path: Path
) -> None:
    home = copied(lived, tmp_path)
    bare(home, lived.first)
    found = again(lived, home)
    assert len(found) == HOURS
    assert not any(found.values()), found
    fills = [json.loads(stages["fills"].content or b"{}") for stages in lived.recorded.values()]
    kinds = {fill["kind"] for hour in fills for fill in hour.values()}
    assert kinds >= {Kind.LIMIT, Kind.STOP}, "too quiet to show anything"
    assert all(set(stages) == set(OF_A_RULE) for stages in lived.recorded.values())


def test_an_hour_is_reconstructed_from_the_state_before_it(lived: Lived) -> None:
    found = again(lived, lived.home, lived.last.previous)
    assert list(found.values()) == [[], []]


def test_another_reply_is_found_where_it_shows_first(lived: Lived, tmp_path: Path) -> None:
    home = copied(lived, tmp_path)
    log = next((home.folder / "replies" / "kraken").glob("*.jsonl"))
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    at = lived.last.asof.strftime("%Y-%m-%dT%H:00:00Z")
    objects = ObjectStore(home.folder / "objects")
    for line in lines:
        told = json.loads(objects.read(line["body"])) if line["event"] == at else {}
        found: Any = told.get("result", {})
        rows: Any = next((found[name] for name in found if name != "last"), ())
        if line["endpoint"].endswith("OHLC") and len(rows) > 1:
            rows[-2][6] = "123456.00000000"
            line["body"] = objects.put_bytes(json.dumps(told).encode())
            break
    log.write_text("".join(json.dumps(line) + "\n" for line in lines))
    differing = again(lived, home)
    assert not any(rows for hour, rows in differing.items() if hour < lived.last)
    first = differing[lived.last][0]
    assert first.startswith("window: volume of ")
    assert "123456.0" in first


def test_one_file_is_enough_on_another_machine(lived: Lived, tmp_path: Path) -> None:
    file, hour = tmp_path / "hour.zip", lived.last
    write_bundle(of_home(lived.home, lived.key, hour.previous), lived.home, hour, file)
    source, named = read_bundle(file)
    assert named == hour
    *_, rebuilt = source.rebuilder(PLAIN).through(hour)
    rows = compare(source.recorded(hour), rebuilt.stages)
    assert [row.stage for row in rows] == list(OF_A_RULE)
    assert all(row.same for row in rows)


@pytest.fixture
def bundle(lived: Lived, tmp_path: Path) -> Iterator[Path]:
    file = tmp_path / "hour.zip"
    write_bundle(of_home(lived.home, lived.key, lived.last.previous), lived.home, lived.last, file)
    yield file


def test_the_command_tells_each_stage_and_what_differs_in_the_environment(bundle: Path, home: Path) -> None:
    told = ["hour", "reconstruct", "--bundle", str(bundle), "--home", str(home)]
    made_elsewhere(bundle)
    done = CliRunner().invoke(app, [*told, "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert (found["hours"], found["differences"]) == (1, 0)
    assert "numpy: made with 0.1, here " in "".join(found["environment"])
    assert [row["stage"] for row in found["compared"][0]["stages"]] == list(OF_A_RULE)
    bundle.write_bytes(bundle.read_bytes()[:-100])
    done = CliRunner().invoke(app, told)
    assert done.exit_code == 1
    assert "is no bundle of an hour" in done.stderr


def made_elsewhere(bundle: Path) -> None:
    """As if the hour had been lived with another NumPy."""
    with ZipFile(bundle) as file:
        parts = {name: file.read(name) for name in file.namelist()}
    parts["environment.json"] = json.dumps(json.loads(parts["environment.json"]) | {"numpy": "0.1"}).encode()
    with ZipFile(bundle, "w") as file:
        for name, content in parts.items():
            file.writestr(name, content)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home that shares the tests' compiled code."""
    (tmp_path / "elsewhere" / "cache").mkdir(parents=True)
    (tmp_path / "elsewhere" / "cache" / "compiled").symlink_to(CACHE)
    return tmp_path / "elsewhere"


def test_another_process_proves_every_hour(lived: Lived) -> None:
    proofs = {hour: lived.proofs[hour] for hour in lived.recorded}
    assert proofs == dict.fromkeys(lived.recorded, (True, ""))


def test_an_hour_that_cannot_be_proved_halts(lived: Lived) -> None:
    held, note = lived.proofs[lived.last.next]
    assert not held
    assert "no reply tells the candles" in note
    assert lived.halted.startswith("HALTED: proof failure: ")
