"""A running replay is killed and its home deleted; the backup brings it back, and it trades on."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from platformdirs import user_cache_path

from cli.supervisor.house import House

BALLAST = [sys.executable, "-c", "from cli.main import main; main()"]
UP = (
    "up",
    "--pace",
    "0",
    "--json",
    "--no-dashboard",
    "--predictor",
    "trend-vote",
    "--from",
    "2024-07-04T23:00",
)
PATIENCE_S = 900


def ballast(home: Path, *told: str, anchor: Path) -> str:
    environment = {**os.environ, "BALLAST_AUDIT_ANCHOR": str(anchor)}
    command = [*BALLAST, *told, "--home", str(home)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@contextmanager
def trading_on(home: Path, anchor: Path) -> Iterator[list[dict[str, Any]]]:
    """Hours as they are told; killed in their middle, with everything that they started."""
    environment = {**os.environ, "BALLAST_AUDIT_ANCHOR": str(anchor)}
    command = [*BALLAST, *UP, "--home", str(home)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        hours = [json.loads(process.stdout.readline()) for _ in range(2)]
        try:
            yield hours
        finally:
            for pid in (process.pid, *House(home).processes().values()):
                os.kill(pid, signal.SIGKILL)


def equities(hours: list[dict[str, Any]]) -> dict[str, Any]:
    return {hour["asof"]: hour["account"]["equity"] for hour in hours}


def compared(home: Path, anchor: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(ballast(home, "findings", "list", "--json", anchor=anchor))
    return told


@pytest.mark.slow
def test_a_lost_home_trades_on_and_only_what_came_after_the_backup_is_lost(tmp_path: Path) -> None:
    home, store, anchor = tmp_path / "home", tmp_path / "backups", tmp_path / "outside"
    compiled = user_cache_path("ballast-tests", appauthor=False)
    compiled.mkdir(parents=True, exist_ok=True)
    (home / "cache").mkdir(parents=True)
    (home / "cache" / "compiled").symlink_to(compiled)
    before = [json.loads(line) for line in ballast(home, *UP, "--hours", "4", anchor=anchor).splitlines()]
    ballast(home, "backup", str(store), anchor=anchor)
    with trading_on(home, anchor) as lost:
        time.sleep(1.0)
    shutil.rmtree(home)
    ballast(home, "restore", str(store), anchor=anchor)
    (proof,) = [
        json.loads(line) for line in ballast(home, "audit", "verify", "--json", anchor=anchor).splitlines()
    ]
    assert proof["fault"] is None
    (restored,) = proof["restores"]
    assert restored["lost"] >= restored["seq"] > len(before)
    after = [json.loads(line) for line in ballast(home, *UP, "--hours", "4", anchor=anchor).splitlines()]
    assert [hour["asof"] for hour in after[:2]] == [hour["asof"] for hour in lost]
    assert equities(after[:2]) == equities(lost), "an exchange that is as it was answers as it did"
    told = compared(home, anchor)
    assert (told["findings"], told["orders"], told["balances"]) == ([], [], [])
    (proof,) = [
        json.loads(line) for line in ballast(home, "audit", "verify", "--json", anchor=anchor).splitlines()
    ]
    assert proof["fault"] is None
