"""The process dies by SIGKILL at a call to venue, store or guard; after a restart all is as it should be.

This parent does not import the client. It reads what the restarted process believes, and the simulator's log.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.birth import LIVES, born
from tests.running import Simulator, simulator, truth_of

LIFE = 150
"""More calls than one life makes."""
USUAL = (4, 5, 30)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    with simulator(tmp_path_factory.mktemp("venue"), "--days", "60") as started:
        yield started


def live(die_at: int | None, *life: Any) -> Any:
    """Let a process live until it is done, or kill it at a call; returns the orders and the unexplained
    balances that it believes in, None if killed.
    """
    here, there = LIVES.Pipe()
    process = LIVES.Process(target=born, args=(there, *life))
    process.start()
    there.close()
    calls = 0
    try:
        while isinstance(said := here.recv(), str):
            if calls == die_at:
                process.kill()
                return None
            calls += 1
            here.send("go")
        return said
    finally:
        process.join()


def hour(running: Simulator, home: Path, die_at: int) -> tuple[bool, list[str]]:
    """One life with a death in it; returns whether it died and what is wrong after the restart."""
    running.control("clock")
    first = len(running.control("truth")["rows"])
    asof = running.next_hour()
    ticker = running.public("Ticker", pair="XBTUSD")
    price = int(float(ticker["b"][0]) * 10 * 1.02)
    life = (running.ready, home, asof, price)
    believed = live(die_at, *life)
    died = believed is None
    if died:
        running.control("advance", by_s=30)
        believed = live(None, *life)
    orders, unexplained = believed
    truth = truth_of(running.control("truth", after=first)["rows"])
    found = [
        f"wrong belief: {amount} of {asset} more than is booked" for asset, amount in unexplained.items()
    ]
    return died, found + wrongs(orders, truth)


def wrongs(believed: Any, truth: Any) -> list[str]:
    """Duplicates, orphans, stuck orders, wrong beliefs."""
    found = [f"duplicate: {id}" for id, times in truth.taken.items() if times > 1]
    ids, txids = {row[0] for row in believed}, {row[1] for row in believed}
    found += [f"orphan: {id}" for id in truth.taken if id not in ids]
    found += [f"orphan: {txid}" for txid in truth.status if txid not in txids]
    for id, txid, state, is_over, trades in believed:
        if not is_over:
            found.append(f"stuck: {id} is {state}")
        elif txid and (truth.status.get(txid) != state or truth.fills[txid] != trades):
            found.append(f"wrong belief: {id} is {state} with {trades}")
        elif not txid and id in truth.taken:
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
