"""The features have the same bits on a plain x86-64, an AVX2 and an AVX-512 machine."""

import os
import platform
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from platformdirs import user_cache_path

TARGETS = {
    "generic": ("x86-64", "", None),
    "avx2": ("haswell", "", "avx2"),
    "avx512": ("skylake-avx512", "-prefer-256-bit", "avx512f"),
}
"""numba's CPU name and features, and the flag of the machine that runs it. The last has 512-bit registers."""

PROGRAM = """
import hashlib, sys
from pathlib import Path
import numpy as np
from trading.compiled import use_cache
from trading.features.compute import LOOKBACK, compute
from trading.market import Grid

use_cache(Path(sys.argv[1]))
random = np.random.Generator(np.random.PCG64(5))
hours, assets = LOOKBACK + 200, 7
# Additions and products only: the market itself must not depend on the machine.
steps = random.integers(-50, 51, (hours, assets)) / 128.0
close = 100.0 + np.cumsum(steps, axis=0) + np.arange(assets) * 37.0
high = close * (1.0 + random.integers(0, 64, close.shape) / 8192.0)
low = close * (1.0 - random.integers(0, 64, close.shape) / 8192.0)
volume = random.integers(0, 4096, close.shape) / 16.0
gone, stale = random.random(close.shape) < 0.01, random.random(close.shape) < 0.01
for column in (close, high, low):
    column[gone] = np.nan
names = ("BTC/USD", *(f"C{a}/USD" for a in range(1, assets)))
grid = Grid("generated", names, 437_003, close, high, low, close, volume, stale & ~gone)
panel = compute(grid, random.random(close.shape) < 0.8, LOOKBACK - 100)
print(hashlib.sha256(panel.values.tobytes() + panel.market.tobytes()).hexdigest())
"""


@cache
def digest(target: str) -> str:
    """Digest of every column, computed for a target in a process of its own."""
    name, features, _ = TARGETS[target]
    environment = os.environ | {"NUMBA_CPU_NAME": name, "NUMBA_CPU_FEATURES": features}
    folder = user_cache_path("ballast-tests", appauthor=False) / target
    command = [sys.executable, "-c", PROGRAM, str(folder)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.skipif(platform.machine() != "x86_64", reason="this machine is not an x86-64")
@pytest.mark.parametrize("target", ["avx2", "avx512"])
def test_every_target_gives_the_bits_of_the_plainest(target: str) -> None:
    flag = TARGETS[target][2]
    if f" {flag} " not in Path("/proc/cpuinfo").read_text():
        pytest.skip(f"this machine has no {flag}")
    assert digest(target) == digest("generic")
