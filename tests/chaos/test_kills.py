"""The process dies by SIGKILL at a call to venue, store or guard; after a restart all is as it should be.

This parent does not import the client. It reads what the restarted process believes, and the simulator's log.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tests.running import Simulator, simulator, truth_of

ROOT = Path(__file__).parents[2]
LIFE = 150
"""More calls than one life makes."""
USUAL = (4, 5, 30)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    with simulator(tmp_path_factory.mktemp("venue"), "--days", "60") as started:
        yield started


def live(arguments: str, die_at: int | None) -> list[Any]:
    """Run the process until it is done, or kill it at a call; returns the orders and the unexplained balances
    that it believes in, nothing if killed.
    """
    command = [sys.executable, "-m", "tests.chaos.victim", arguments]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        calls = 0
        for line in process.stdout:
            if not line.startswith("at "):
                believed: list[Any] = json.loads(line)
                return believed
            calls += 1
            if calls - 1 == die_at:
                process.kill()
                return []
            process.stdin.write("go\n")
            process.stdin.flush()
    pytest.fail(f"the process ended by itself after {calls} calls")


def hour(running: Simulator, home: Path, die_at: int) -> tuple[bool, list[str]]:
    """One life with a death in it; returns whether it died and what is wrong after the restart."""
    running.control("clock")
    first = len(running.control("truth")["rows"])
    asof = running.next_hour()
    ticker = running.public("Ticker", pair="XBTUSD")
    price = int(float(ticker["b"][0]) * 10 * 1.02)
    arguments = json.dumps([running.ready, str(home), asof.isoformat(), price])
    believed = live(arguments, die_at)
    died = not believed
    if died:
        running.control("advance", by_s=30)
        believed = live(arguments, None)
    orders, unexplained = believed
    truth = truth_of(running.control("truth", after=first)["rows"])
    found = [
        f"wrong belief: {amount} of {asset} more than is booked" for asset, amount in unexplained.items()
    ]
    return died, found + wrongs(orders, truth)


def wrongs(believed: list[list[Any]], truth: Any) -> list[str]:
    """Duplicates, orphans, stuck orders, wrong beliefs."""
    found = [f"duplicate: {id}" for id, times in truth.taken.items() if times > 1]
    ids, txids = {UUID(row[0]) for row in believed}, {row[1] for row in believed}
    found += [f"orphan: {id}" for id in truth.taken if id not in ids]
    found += [f"orphan: {txid}" for txid in truth.status if txid not in txids]
    for id, txid, state, is_over, trades in believed:
        told = {trade[0]: tuple(trade[1:]) for trade in trades}
        if not is_over:
            found.append(f"stuck: {id} is {state}")
        elif txid and (truth.status.get(txid) != state or truth.fills[txid] != told):
            found.append(f"wrong belief: {id} is {state} with {told}")
        elif not txid and UUID(id) in truth.taken:
            found.append(f"wrong belief: {id} is {state}, yet it was taken")
    return found


@pytest.mark.parametrize("die_at", USUAL)
def test_a_killed_process_goes_on_where_it_was(running: Simulator, tmp_path: Path, die_at: int) -> None:
    assert hour(running, tmp_path, die_at) == (True, [])


@pytest.mark.slow
@pytest.mark.timeout(7_200)
def test_a_process_killed_at_any_call_goes_on_where_it_was(running: Simulator, tmp_path: Path) -> None:
    """Every boundary in turn, until a life has fewer calls than its death would need."""
    for die_at in range(LIFE):
        home = tmp_path / str(die_at)
        home.mkdir()
        died, found = hour(running, home, die_at)
        assert (die_at, found) == (die_at, [])
        if not died:
            sys.stdout.write(f"killed at each of {die_at} calls: nothing wrong\n")
            return
    pytest.fail(f"a life has more than {LIFE} calls")
