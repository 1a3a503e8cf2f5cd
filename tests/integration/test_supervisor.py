"""Real processes under the supervisor: what dies comes back, what is an orphan is found, what is not ours is
left alone.
"""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import namedtuple
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cli.supervisor import ports, watch
from cli.supervisor.children import Child, PartFailed, holder, running, stop_orphan, take
from cli.supervisor.watch import DiskFull, Supervisor
from trading.errors import UsageError

SLEEP = ["sleep", "60"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal,time; signal.signal(15, 1); print(1, flush=True); time.sleep(60)",
]
SHOWN = namedtuple("SHOWN", "total used free")


def child(
    home: Path, command: list[str], name: str = "part", ready: Callable[[], bool] = lambda: True
) -> Child:
    return Child(name, command, home / "run", home / "logs", ready)


def until(done: Callable[[], bool], timeout_s: float = 10.0) -> None:
    """Wait for something that must come about."""
    end_s = time.monotonic() + timeout_s
    while not done():
        assert time.monotonic() < end_s, "it did not come about"
        time.sleep(0.02)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@contextmanager
def supervised(home: Path, *children: Child) -> Iterator[tuple[Supervisor, list[str], threading.Event]]:
    said: list[str] = []
    failed = threading.Event()
    with Supervisor(children, home, said.append, failed.set) as supervisor:
        yield supervisor, said, failed


def test_a_started_process_is_known_by_its_lock_and_gone_when_stopped(tmp_path: Path) -> None:
    part = child(tmp_path, SLEEP)
    part.start()
    assert part.process is not None
    until(lambda: running(tmp_path / "run") == {"part": part.process.pid})
    part.stop()
    assert running(tmp_path / "run") == {}
    assert not alive(part.process.pid)


def test_a_process_that_was_killed_is_started_again_and_said_so(tmp_path: Path) -> None:
    part = child(tmp_path, SLEEP)
    with supervised(tmp_path, part) as (_, said, failed):
        until(lambda: bool(holder(tmp_path / "run" / "part.lock")))
        first = running(tmp_path / "run")["part"]
        os.kill(first, signal.SIGKILL)
        until(lambda: running(tmp_path / "run").get("part", first) not in (0, first) and len(said) == 2)
        assert said[1:] == ["part died (signal SIGKILL); it is started again"]
        assert not failed.is_set()
    assert running(tmp_path / "run") == {}


def test_a_process_that_dies_again_and_again_is_given_up_with_the_end_of_its_log(tmp_path: Path) -> None:
    part = child(tmp_path, ["sh", "-c", "sleep 0.05; echo no luck today; exit 3"])
    with supervised(tmp_path, part) as (supervisor, _, failed):
        assert failed.wait(20)
        message = str(supervisor.failure)
    assert "part died 6 times in a minute (exit status 3)" in message
    assert "no luck today" in message


def test_a_process_that_ends_before_it_answers_is_an_error_and_takes_the_others_along(tmp_path: Path) -> None:
    good = child(tmp_path, SLEEP, "good")
    bad = child(tmp_path, ["sh", "-c", "echo port taken; exit 2"], "bad", ready=lambda: False)
    with (
        pytest.raises(PartFailed, match=r"bad ended at once \(exit status 2\)[\s\S]*port taken"),
        supervised(tmp_path, good, bad),
    ):
        pytest.fail("it must not start")
    assert good.ended is not None


def test_a_port_that_was_taken_in_the_meantime_is_named(tmp_path: Path) -> None:
    with socket.create_server((ports.LOOPBACK, 0)) as thief:
        part = child(tmp_path, ["false"], ready=lambda: False)
        part.port = thief.getsockname()[1]
        part.start()
        with pytest.raises(PartFailed, match=f"port {part.port} of part was taken by another program"):
            part.await_ready(10)


def test_homes_that_start_at_one_moment_choose_other_ports(tmp_path: Path) -> None:
    chosen = [ports.choose(tmp_path / f"{n}.json", ["a", "b"], lambda _: None) for n in range(5)]
    assert len({port for of in chosen for port in of.values()}) == 10


def test_a_missing_program_is_named(tmp_path: Path) -> None:
    part = child(tmp_path, ["no-such-program"], ready=lambda: False)
    part.start()
    with pytest.raises(PartFailed, match="no-such-program"):
        part.await_ready(10)


def test_a_process_that_ignores_the_request_is_made_to_end(tmp_path: Path) -> None:
    part = child(tmp_path, STUBBORN)
    part.start()
    until(lambda: part.log.read_text() == "1\n")
    part.stop(grace_s=0.2)
    assert part.ended == -signal.SIGKILL


def test_orphans_of_a_killed_parent_are_found_and_ended(tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from cli.supervisor.children import Child;"
        "home = Path(sys.argv[1]);"
        "Child('part', ['sleep', '60'], home / 'run', home / 'logs', lambda: True).start(); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)])
    until(lambda: bool(running(tmp_path / "run").get("part")))
    orphan = running(tmp_path / "run")["part"]
    parent.kill()
    parent.wait()
    assert alive(orphan)
    with pytest.raises(UsageError, match="another part of this home is running"):
        child(tmp_path, SLEEP).start()
    stop_orphan(tmp_path / "run" / "part.lock")
    assert running(tmp_path / "run") == {}


def test_a_stale_process_id_is_nobody(tmp_path: Path) -> None:
    """The id in the file is that of a living process, this one, which does not hold the lock."""
    lock = tmp_path / "part.lock"
    lock.write_text(str(os.getpid()))
    assert holder(lock) is None
    stop_orphan(lock)


def test_a_lock_is_held_by_one_at_a_time(tmp_path: Path) -> None:
    first = take(tmp_path / "up.lock")
    assert first is not None
    assert take(tmp_path / "up.lock") is None
    first.close()
    assert take(tmp_path / "up.lock") is not None


def test_a_full_disk_is_said_before_anything_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch.shutil, "disk_usage", lambda _: SHOWN(1, 1, 3 << 20))
    part = child(tmp_path, SLEEP)
    with pytest.raises(DiskFull, match="3 MB free, 500 MB needed"), supervised(tmp_path, part):
        pytest.fail("it must not start")
    assert part.process is None


def test_a_disk_that_fills_up_stops_everything_with_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = child(tmp_path, SLEEP)
    with supervised(tmp_path, part) as (supervisor, _, failed):
        monkeypatch.setattr(watch.shutil, "disk_usage", lambda _: SHOWN(1, 1, 3 << 20))
        assert failed.wait(10)
        assert isinstance(supervisor.failure, DiskFull)
    assert part.ended is not None


def test_ports_are_chosen_once_and_remembered(tmp_path: Path) -> None:
    said: list[str] = []
    first = ports.choose(tmp_path / "ports.json", ["a", "b"], said.append)
    assert len(set(first.values())) == 2
    assert ports.choose(tmp_path / "ports.json", ["a", "b"], said.append) == first
    assert ports.choose(tmp_path / "ports.json", ["a", "b", "c"], said.append)["a"] == first["a"]
    assert said == []


def test_a_port_that_somebody_took_is_replaced_and_said_so(tmp_path: Path) -> None:
    said: list[str] = []
    first = ports.choose(tmp_path / "ports.json", ["a"], said.append)
    with socket.socket() as thief:
        thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        thief.bind((ports.LOOPBACK, first["a"]))
        thief.listen()
        second = ports.choose(tmp_path / "ports.json", ["a"], said.append)
    assert second != first
    assert said == [f"port {first['a']} of a is in use by another program; a moves to {second['a']}"]
    assert ports.remembered(tmp_path / "ports.json") == second


def test_a_range_without_a_free_port_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "is_free", lambda _: False)
    with pytest.raises(UsageError, match="no free port"):
        ports.choose(tmp_path / "ports.json", ["a"], lambda _: None)
