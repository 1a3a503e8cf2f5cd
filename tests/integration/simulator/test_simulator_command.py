"""`ballast simulator` as a process of its own: one line when it is ready, a nonce that a restart does not
lower.
"""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest
from platformdirs import user_cache_path

from cli.data import make_market
from simulator.auth import signature

START = [sys.executable, "-c", "from cli.main import main; main()", "simulator", "--speed", "0"]


@contextmanager
def running(home: Path, *options: str) -> Iterator[dict[str, str]]:
    """The process and what it said when it was ready."""
    process = subprocess.Popen([*START, "--home", str(home), *options], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield json.loads(process.stdout.readline())
    finally:
        process.send_signal(signal.SIGINT)
        rest = process.communicate(timeout=30)[0]
    assert rest == ""


def private(said: dict[str, str], endpoint: str, nonce: int) -> dict[str, object]:
    path, body = f"/0/private/{endpoint}", urlencode({"nonce": nonce}).encode()
    headers = {"API-Key": said["key"], "API-Sign": signature(path, str(nonce), body, said["secret"])}
    url = f"{said['address']}{path}"
    answer: dict[str, object] = httpx.post(url, content=body, headers=headers, trust_env=False).json()
    return answer


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a year of a made-up market in its store, and the tests' own cache of compiled code."""
    folder = tmp_path_factory.mktemp("home")
    compiled = user_cache_path("ballast-tests", appauthor=False)
    compiled.mkdir(parents=True, exist_ok=True)
    (folder / "cache").mkdir()
    (folder / "cache" / "compiled").symlink_to(compiled)
    make_market(folder, seed=3, years=1, instruments=3)
    return folder


def test_it_plays_a_made_up_market_and_remembers_its_nonce(home: Path) -> None:
    options = ("--seed", "3", "--instruments", "3", "--days", "2", "--cash", "5000", "--tier", "pro")
    with running(home, *options) as said:
        assert said["now_s"] == 1_704_067_200
        candles = httpx.get(
            f"{said['address']}/0/public/OHLC?pair=XBTUSD&interval=60", trust_env=False
        ).json()["result"]["XXBTZUSD"]
        assert (len(candles), candles[-1][0]) == (721, 1_704_067_200)
        assert private(said, "Balance", 1_000)["result"] == {"ZUSD": "5000.00000000"}
    with running(home, *options) as again:
        assert again["key"] == said["key"]
        assert private(again, "Balance", 1_000) == {"error": ["EAPI:Invalid nonce"]}
        assert private(again, "Balance", 1_001)["error"] == []
    rows = [json.loads(line) for line in (home / "simulator" / "truth.jsonl").read_text().splitlines()]
    assert [row["endpoint"] for row in rows if row["event"] == "request"] == ["Balance"] * 3


def test_it_plays_the_bars_of_the_store_as_they_are(home: Path) -> None:
    from adapters.bars import BarStore

    with running(home, "--venue", "generated", "--at", "2024-11-01T06:00", "--days", "1") as said:
        url = f"{said['address']}/0/public/OHLC?pair=XBTUSD&interval=60"
        shown = httpx.get(url, trust_env=False).json()["result"]["XXBTZUSD"]
    hours = [row[0] // 3_600 + 1 for row in shown[:-1]]
    bars = BarStore(home / "bars").read("generated", "BTC/USD", hours[0], hours[-1])
    stored = {int(row[0].timestamp()) // 3_600: row[1:5] for row in bars.rows()}
    assert len(stored) > 700
    for hour, row in zip(hours, shown[:-1], strict=True):
        if hour in stored:
            assert [float(price) for price in row[1:5]] == pytest.approx(stored[hour], abs=1e-9)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (("--venue", "mars"), "unknown venue"),
        (("--venue", "kraken"), "kraken"),
        (("--fees", "none"), "preset"),
    ],
)
def test_what_cannot_be_played_is_said_in_one_line(home: Path, options: tuple[str, ...], word: str) -> None:
    done = subprocess.run([*START, "--home", str(home), *options], capture_output=True, text=True, timeout=60)
    assert done.returncode != 0
    assert word in done.stderr
    assert "Traceback" not in done.stderr
