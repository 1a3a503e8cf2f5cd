"""Nonces rise over threads, restarts, kills, lost files and clocks that step back."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.kraken.nonce import BLOCK, NonceSource
from trading.errors import DataError, UsageError

CHILD = """
import sys, os, signal
from pathlib import Path
from adapters.clock import SystemClock
from adapters.kraken.nonce import NonceSource
source = NonceSource(Path(sys.argv[1]), "key", SystemClock())
for _ in range(int(sys.argv[2])):
    print(source.next(), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_process_is_followed_by_larger_numbers(tmp_path: Path) -> None:
    seen: list[int] = []
    for count in (1, BLOCK + 5, 3):
        child = subprocess.run(
            [sys.executable, "-c", CHILD, str(tmp_path), str(count)], capture_output=True, text=True
        )
        assert child.returncode == -9
        seen += map(int, child.stdout.split())
    assert len(seen) == BLOCK + 9
    assert seen == sorted(set(seen))


def test_threads_never_share_a_number(tmp_path: Path, clock: Any) -> None:
    source = NonceSource(tmp_path, "key", clock)
    with ThreadPoolExecutor(8) as pool:
        batches = list(pool.map(lambda _: [source.next() for _ in range(400)], range(8)))
    assert all(batch == sorted(batch) for batch in batches)
    assert len({nonce for batch in batches for nonce in batch}) == 8 * 400


@given(st.lists(st.tuples(st.integers(-10_000_000, 10_000_000), st.integers(1, 30)), max_size=8))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
def test_restarts_under_any_clock_only_go_up(
    tmp_path_factory: pytest.TempPathFactory, clock: Any, restarts: list[tuple[int, int]]
) -> None:
    folder, seen = tmp_path_factory.mktemp("nonces"), []
    for step_s, count in restarts:
        source = NonceSource(folder, "key", clock)
        seen += [source.next() for _ in range(count)]
        source.close()
        clock.time += timedelta(seconds=step_s)
    assert seen == sorted(set(seen))


def test_a_lost_home_goes_on_from_the_clock(tmp_path: Path, clock: Any) -> None:
    old = NonceSource(tmp_path / "old", "key", clock).next()
    clock.time += timedelta(seconds=BLOCK)
    assert NonceSource(tmp_path / "new", "key", clock).next() > old


def test_a_second_holder_of_a_key_is_refused_until_the_first_lets_go(tmp_path: Path, clock: Any) -> None:
    first = NonceSource(tmp_path, "key", clock)
    NonceSource(tmp_path, "another key", clock)
    with pytest.raises(UsageError, match="another process uses this API key"):
        NonceSource(tmp_path, "key", clock)
    first.close()
    assert NonceSource(tmp_path, "key", clock).next() > 0


@pytest.mark.parametrize("content", ["", "x", "-1", "²", "9" * 30])
def test_a_damaged_file_is_no_reason_to_guess(tmp_path: Path, clock: Any, content: str) -> None:
    source = NonceSource(tmp_path, "key", clock)
    source.next()
    source.close()
    (file,) = (path for path in tmp_path.iterdir() if path.suffix != ".lock")
    assert "key" not in file.name
    file.write_text(content)
    with pytest.raises(DataError, match="make a new API key"):
        NonceSource(tmp_path, "key", clock)


def test_the_end_of_all_numbers_is_told_before_it_comes(tmp_path: Path, clock: Any) -> None:
    source = NonceSource(tmp_path, "key", clock)
    source.next()
    source.close()
    (file,) = (path for path in tmp_path.iterdir() if path.suffix != ".lock")
    file.write_text(str((1 << 63) - 10))
    with pytest.raises(DataError, match="beyond all bounds"):
        NonceSource(tmp_path, "key", clock).next()
