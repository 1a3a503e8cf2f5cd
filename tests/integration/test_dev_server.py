"""The embedded Temporal server as we start it: it answers, knows our words, and survives a kill -9."""

import os
import signal
import sqlite3
import subprocess
import time
from pathlib import Path

from cli.supervisor import parts, ports
from cli.supervisor.house import House
from cli.supervisor.watch import Supervisor
from workflows.names import SEARCH_ATTRIBUTES

SPACE = "ballast-replay"


def asked(house: House, *arguments: str) -> str:
    address = f"{ports.LOOPBACK}:{ports.remembered(house.ports)[parts.TEMPORAL]}"
    told = [parts.temporal_binary(), *arguments, "--address", address, "-n", SPACE]
    return subprocess.run(told, capture_output=True, text=True, check=True).stdout


def test_it_keeps_histories_for_years_knows_our_search_attributes_and_outlives_a_kill(tmp_path: Path) -> None:
    house, said = House(tmp_path), list[str]()
    house.engine("replay").parent.mkdir()
    chosen = ports.choose(house.ports, parts.PORTS, said.append)
    server = parts.temporal(house, "replay", SPACE, chosen)
    with Supervisor([server], tmp_path, said.append, lambda: None):
        parts.keep_histories(SPACE, chosen)
        os.kill(house.processes()[parts.TEMPORAL], signal.SIGKILL)
        while len(said) < 2:
            time.sleep(0.02)
        server.await_ready(20)
        assert "26280h" in asked(house, "operator", "namespace", "describe")
        known = asked(house, "operator", "search-attribute", "list")
        assert all(key.name in known for key in SEARCH_ATTRIBUTES)
        assert parts.answers(f"http://{ports.LOOPBACK}:{chosen[parts.UI]}/")
    assert said[1:] == ["temporal died (signal SIGKILL); it is started again"]
    with sqlite3.connect(house.engine("replay")) as kept:
        assert kept.execute("PRAGMA journal_mode").fetchone() == ("wal",)
