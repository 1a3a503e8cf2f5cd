"""A simulator whose clock runs with the wall, as the stand-in of Kraken for paper and live."""

import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from platformdirs import user_cache_path

from adapters.bars import BarStore
from adapters.published import published
from config.instruments import grid_for
from simulator.generator import generate
from tests.replaying import BALLAST
from tests.running import Simulator, simulator
from trading.clock import DAY_H, TradingHour

SEED, INSTRUMENTS, DAYS = 7, 3, 2
LEAD = timedelta(minutes=2)
"""The simulator opens so long ago and is then moved to now."""


@contextmanager
def kraken(folder: Path, now: datetime | None = None) -> Iterator[Simulator]:
    """A simulated Kraken at a time, that of the wall by default, going on as the wall's clock does."""
    at = (now or datetime.now(UTC)) - LEAD
    folder.mkdir()
    told = ("--speed", "1", "--at", f"{at:%Y-%m-%dT%H:%M}", "--days", str(DAYS), "--seed", str(SEED))
    with simulator(folder, *told, "--instruments", str(INSTRUMENTS)) as venue:
        venue.control("advance", to_s=now.timestamp() if now else time.time())
        yield venue


def archive(home: Path, at: datetime) -> tuple[str, ...]:
    """Put the bars before `at` of the simulator's market into a home as Kraken's; returns the instruments."""
    first = int((at - LEAD).timestamp()) // 3600
    begin, last = first - 122 * DAY_H, first + DAYS * DAY_H
    frames = generate(SEED, last - begin + 1, INSTRUMENTS, begin)
    store = BarStore(home / "bars")
    for name, bars in frames.items():
        told = published(bars, grid_for(name), 1.0)
        store.write("kraken", name, told.filter(told["asof"] < TradingHour(first).asof))
    return tuple(sorted(frames))


def made_home(folder: Path) -> Path:
    """A home that shares the compiled code of all tests."""
    (folder / "cache").mkdir(parents=True)
    (folder / "cache" / "compiled").symlink_to(user_cache_path("ballast-tests", appauthor=False))
    return folder


@contextmanager
def up(home: Path, address: str, *told: str, log: Path) -> Iterator["subprocess.Popen[str]"]:
    """`ballast up` on the home, told to end when the block does; its hours come as JSON on stdout."""
    command = [*BALLAST, "up", "--kraken", address, "--home", str(home), "--no-dashboard", "--json", *told]
    with (
        log.open("wb") as errors,
        subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env=os.environ | {"BALLAST_AUDIT_ANCHOR": ""},
        ) as process,
    ):
        try:
            yield process
        finally:
            process.terminate()
            process.wait(60)


def next_hour(process: "subprocess.Popen[str]") -> dict[str, object]:
    """The next hour that it tells."""
    assert process.stdout is not None
    hour: dict[str, object] = json.loads(process.stdout.readline())
    return hour


def hours(process: "subprocess.Popen[str]") -> list[dict[str, object]]:
    """Everything that it told until it ended."""
    assert process.stdout is not None
    return [json.loads(line) for line in process.stdout]


def ballast(home: Path, *told: str) -> "subprocess.CompletedProcess[str]":
    """One command on a home."""
    return subprocess.run([*BALLAST, *told, "--home", str(home)], capture_output=True, text=True, check=False)
