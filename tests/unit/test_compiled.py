"""One source, compiled and plain: same results, originals untouched, no stale code from the disk cache."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from trading import compiled as module
from trading import money
from trading.compiled import compiled, sources_digest
from trading.market import Floats


def test_a_function_has_one_compiled_twin() -> None:
    assert compiled(money.fee) is compiled(money.fee)


def test_the_original_stays_plain_python() -> None:
    before = dict(vars(money))
    assert compiled(money.muldiv_floor)(3, 1 << 61, 2) == 3 << 60
    assert vars(money) == before
    # A compiled function would wrap here.
    assert money.trade_value(1 << 40, 1 << 40, 1, 1) == 1 << 80


def test_what_a_compiled_function_calls_is_compiled_too() -> None:
    # The product is formed in a callee, out of its range: only 64-bit arithmetic there can wrap.
    top = (1 << 62) - 1
    assert compiled(money.muldiv_floor)(top, top, 1) != money.muldiv_floor(top, top, 1)


def test_a_compiled_function_releases_the_interpreter_lock_and_keeps_strict_floats() -> None:
    options = compiled(money.share).targetoptions
    assert options["nogil"]
    assert not options.get("fastmath")
    assert not options.get("parallel")


def dot(a: Floats, b: Floats) -> float:
    total = 0.0
    for i in range(a.shape[0]):
        total += a[i] * b[i]
    return total


def test_a_product_and_a_sum_are_rounded_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Contracted into one instruction they would be rounded once, and differ from plain Python."""
    # Code from the disk cache comes without its assembly.
    monkeypatch.setattr(module, "_folder", None)
    a, b = np.array([1.0 + 2.0**-30, 1.0]), np.array([1.0 + 2.0**-30, -1.0])
    assert compiled(dot)(a, b) == dot(a, b)
    assembly = "".join(compiled(dot).inspect_asm().values())
    assert "mul" in assembly
    assert "fmadd" not in assembly


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small source tree in the place of `trading/`."""
    (tmp_path / "inner").mkdir()
    (tmp_path / "limits.py").write_text("SIZE = 1\n")
    (tmp_path / "inner" / "kernel.py").write_text("from trading.limits import SIZE\n")
    monkeypatch.setattr(module, "SOURCE", tmp_path)
    return tmp_path


def test_a_changed_constant_in_another_file_changes_the_digest(sources: Path) -> None:
    before = sources_digest()
    assert sources_digest() == before
    (sources / "limits.py").write_text("SIZE = 2\n")
    assert sources_digest() != before


def test_a_new_and_a_renamed_file_change_the_digest(sources: Path) -> None:
    before = sources_digest()
    (sources / "limits.py").rename(sources / "bounds.py")
    renamed = sources_digest()
    (sources / "empty.py").touch()
    assert len({before, renamed, sources_digest()}) == 3


def test_moving_text_from_one_file_to_the_next_changes_the_digest(sources: Path) -> None:
    (sources / "a.py").write_text("xb.py")
    (sources / "b.py").write_text("")
    before = sources_digest()
    (sources / "a.py").write_text("x")
    (sources / "b.py").write_text("b.py")
    assert sources_digest() != before


def test_only_the_latest_caches_are_kept(
    sources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_folder", None)
    used = []
    for size in range(6):
        (sources / "limits.py").write_text(f"SIZE = {size}\n")
        module.use_cache(tmp_path / "cache")
        used.append(sources_digest()[:16])
        os.utime(tmp_path / "cache" / used[-1], (size, size))
    assert {folder.name for folder in (tmp_path / "cache").iterdir()} == set(used[-module.CACHES_KEPT :])


def test_the_disk_cache_is_used_by_the_next_process_and_not_after_a_change(tmp_path: Path) -> None:
    """A constant that another module defines is baked into compiled code; numba alone serves the old one."""
    program = f"""
        import sys
        from pathlib import Path
        import trading, trading.compiled
        folder = Path({str(tmp_path)!r})
        trading.__path__.append(str(folder / "source"))
        trading.compiled.SOURCE = folder / "source"
        trading.compiled.use_cache(folder / "cache")
        from trading.kernel_under_test import double
        twin = trading.compiled.compiled(double)
        print(twin(21), sum(twin.stats.cache_hits.values()))
    """
    source = tmp_path / "source"
    source.mkdir()
    (source / "kernel_under_test.py").write_text(
        "from trading.factor_under_test import FACTOR\n\n\ndef double(x):\n    return x * FACTOR\n"
    )

    def run(factor: int) -> str:
        (source / "factor_under_test.py").write_text(f"FACTOR = {factor}\n")
        command = [sys.executable, "-B", "-c", textwrap.dedent(program)]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    assert run(2) == "42 0"
    assert run(2) == "42 1"
    assert run(3) == "63 0"
