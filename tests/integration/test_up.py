"""`ballast up` as a newcomer, a script and a bad day meet it: real processes, real sockets, real kills."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from platformdirs import user_cache_path

from adapters.model_registry import ModelRegistry
from adapters.storage.base import PortfolioKey
from adapters.storage.engine import connect, sqlite_url
from cli.supervisor.house import House
from cli.supervisor.parts import TEMPORAL_HTTP, answers
from cli.supervisor.ports import LOOPBACK, remembered
from tests.written import Written, check_same, written

UP = [
    sys.executable,
    "-c",
    "from cli.main import main; main()",
    "up",
    "--pace",
    "0",
    "--json",
    "--no-dashboard",
    "--predictor",
    "trend-vote",
]
STATUS = [*UP[:3], "status", "--json"]
BUSY = ("--from", "2024-07-04T23:00")
"""The second hour of this track makes two entries."""


def new_home(folder: Path) -> Path:
    """A home that shares the tests' compiled code, so that nothing is compiled again."""
    kept = user_cache_path("ballast-tests", appauthor=False)
    kept.mkdir(parents=True, exist_ok=True)
    (folder / "cache").mkdir(parents=True)
    (folder / "cache" / "compiled").symlink_to(kept)
    return folder


def run(home: Path, *options: str, timeout_s: float = 240) -> list[dict[str, Any]]:
    """The hours that a run told; it must end well."""
    done = subprocess.run(
        [*UP, *options, "--home", str(home)], capture_output=True, text=True, timeout=timeout_s
    )
    assert done.returncode == 0, done.stderr + logs(home)
    return [json.loads(line) for line in done.stdout.splitlines()]


@contextmanager
def started(home: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """A run in the background; what it leaves behind is ended."""
    process = subprocess.Popen(
        [*UP, *options, "--home", str(home)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for pid in House(home).processes().values():
            os.kill(pid, signal.SIGKILL)


def logs(home: Path) -> str:
    return "".join(f"\n{file}: {file.read_text()[-1500:]}" for file in sorted((home / "logs").glob("*.log")))


def until(done: Callable[[], bool], process: "subprocess.Popen[str]", timeout_s: float = 120.0) -> None:
    """Wait for something that must come about while a process runs."""
    end_s = time.monotonic() + timeout_s
    while not done():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end_s, "it did not come about"
        time.sleep(0.05)


def status(home: Path) -> dict[str, Any]:
    done = subprocess.run(
        [*STATUS, "--home", str(home)], capture_output=True, text=True, check=True, timeout=60
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def written_in(home: Path) -> Written:
    """What a home's track came to."""
    house = House(home)
    last = house.last()
    assert last is not None
    key = PortfolioKey(last.track, last.portfolio)
    return written(connect(sqlite_url(house.database("replay"))), key)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return new_home(tmp_path_factory.mktemp("home"))


class First(NamedTuple):
    """The first hours of a new home, as told and as stored."""

    hours: list[dict[str, Any]]
    written: Written
    status: dict[str, Any]


@pytest.fixture(scope="module")
def first(home: Path) -> First:
    return First(run(home, "--hours", "3", *BUSY), written_in(home), status(home))


def test_a_new_home_trades_within_its_first_hours_and_says_why_it_does_not(first: First) -> None:
    hours = first.hours
    assert [hour["asof"][:13] for hour in hours] == ["2024-07-04T23", "2024-07-05T00", "2024-07-05T01"]
    quiet, busy, _ = hours
    assert (quiet["outcome"], set(quiet["why_not"].values())) == ("NO_CHANGE", {"no signal"})
    assert (busy["outcome"], len(busy["fills"]), len(busy["verdicts"])) == ("TRADED", 2, 2)
    assert {order["kind"] for order in busy["orders"]} == {"limit", "stop"}
    told = first.status
    assert (told["running"], told["processes"], told["asof"]) == (False, {}, "2024-07-05T01:00Z")
    assert told["trading_state"] == "ACTIVE"


@pytest.mark.usefixtures("first")
def test_after_a_kill_of_everything_the_next_start_goes_on(home: Path) -> None:
    with started(home, *BUSY) as process:
        assert process.stdout is not None
        one = json.loads(process.stdout.readline())
        told = status(home)
        assert told["running"]
        assert set(told["processes"]) == {"temporal", "simulator", "worker", "api"}
        for name in ("ui", "api", "dashboard"):
            url = told["addresses"][name] + ("/openapi.json" if name == "api" else "")
            assert httpx.get(url, trust_env=False).status_code < 500
        second = subprocess.run([*UP, "--home", str(home)], capture_output=True, text=True, timeout=60)
        assert second.returncode == 2
        assert f"another `ballast up` runs on {home} (process {process.pid})" in second.stderr
        process.kill()
        process.wait()
        assert not status(home)["running"]
        assert set(status(home)["processes"]) == {"temporal", "simulator", "worker", "api"}
        last = status(home)["asof"]
        after = run(home, "--hours", "1", *BUSY)
    assert one["asof"][:13] == "2024-07-05T02"
    assert after[0]["asof"] > last
    assert status(home)["processes"] == {}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--mode", "live", "--predictor", "champion"), "say --yes-real-money main"),
        (("--mode", "live", "--yes-real-money", "main", "--predictor", "btc"), "not btc"),
        (("--mode", "paper", "--predictor", "oracle"), "no predictor 'oracle'"),
        (("--predictor", "oracle"), "no predictor 'oracle'"),
        (("--from", "2021-01-02T00:00"), "122 days must lie before the first hour"),
        (("--data", "/nowhere"), "say whose bars /nowhere holds"),
    ],
)
def test_what_cannot_be_traded_is_said_in_one_line(
    tmp_path: Path, options: tuple[str, ...], said: str
) -> None:
    done = subprocess.run(
        [*UP, *options, "--home", str(tmp_path)], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert House(tmp_path).processes() == {}


def killing(home: Path, seed: int, over: threading.Event) -> threading.Thread:
    """Kills worker and engine in turn, at random moments after they came back, until the run is over."""
    draw, house, engine = random.Random(seed), House(home), remembered(House(home).ports)[TEMPORAL_HTTP]
    address, log = f"http://{LOOPBACK}:{engine}/api/v1/namespaces", home / "logs" / "worker.log"

    def is_back(deaths: int) -> bool:
        return log.read_text().count("working for") > deaths and answers(address)

    def go_on() -> None:
        for number in count():
            while not over.is_set() and not is_back((number + 1) // 2):
                over.wait(0.1)
            if over.wait(draw.uniform(0.5, 8.0)):
                return
            pid = house.processes().get(("worker", "temporal")[number % 2])
            if pid:
                os.kill(pid, signal.SIGKILL)

    return threading.Thread(target=go_on)


def harmed(home: Path, hours: int, seed: int, *options: str) -> str:
    """Replay under kills; returns what was said beside the hours."""
    over = threading.Event()
    with started(home, "--hours", str(hours), *(options or BUSY)) as process:
        until(lambda: House(home).last() is not None, process)
        thread = killing(home, seed, over)
        thread.start()
        try:
            _, said = process.communicate(timeout=60 * hours + 240)
        finally:
            over.set()
            thread.join()
        assert process.returncode == 0, said + logs(home)
    return said


def test_kills_of_worker_and_engine_change_nothing(first: First, tmp_path: Path) -> None:
    harsh = new_home(tmp_path / "harsh")
    said = harmed(harsh, 3, seed=1)
    assert "died (signal SIGKILL)" in said
    check_same(first.written, written_in(harsh))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_many_kills_over_many_hours_change_nothing(tmp_path: Path, seed: int) -> None:
    calm, harsh = new_home(tmp_path / "calm"), new_home(tmp_path / "harsh")
    hours = int(os.environ.get("BALLAST_CHAOS_HOURS", "60"))
    lively = (*BUSY, "--predictor", "exercise")
    run(calm, "--hours", str(hours), *lively, timeout_s=60 * hours)
    said = harmed(harsh, hours, seed, *lively)
    assert said.count("died (signal SIGKILL)") >= hours // 10
    undisturbed = written_in(calm)
    assert len(undisturbed.orders) > hours // 2, "too quiet to show anything"
    check_same(undisturbed, written_in(harsh))


def test_a_home_without_a_champion_trains_one_on_bars_before_the_first_hour(tmp_path: Path) -> None:
    home = new_home(tmp_path / "home")
    command = [*UP[: UP.index("--predictor")], "--hours", "1", "--home", str(home)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stderr + logs(home)
    (one,) = map(json.loads, done.stdout.splitlines())
    assert set(one["why_not"].values()) != {"no signal"}
    (champion,) = ModelRegistry(home / "models").versions()
    assert "champion" in champion.aliases
    assert champion.facts.preset == "quick"
    again = run(home, "--hours", "1", "--predictor", "champion")
    assert len(again) == 1
    assert len(ModelRegistry(home / "models").versions()) == 1
