"""The feature panel of 20 instruments x 26,280 hours: ours, and with --peers beside polars and TA-Lib.

    python benchmarks/features.py [--peers] [--rounds 3] [--json]

Each arm runs in a process of its own, one after the other, and the arms take turns round by round, so that a
busy machine slows them alike. A process builds the same seeded panel, runs the arm once to warm it (compiled
code, thread pools), then three times; the figures are medians. CPU seconds count all threads.

Arms: `full` is every column, `twelve` the twelve that the peers have too, `live` one hour for 20 instruments
with the derived series kept. Peers: `polars-full` and `polars-twelve` write the same formulas the obvious way
(rolling expressions over each instrument), `talib-twelve` calls TA-Lib on one pandas frame an instrument.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from trading.market import Grid

ASSETS, HOURS = 20, 26_280
TWELVE = (
    "ret_1h",
    "ret_4h",
    "ret_24h",
    "slope_24h",
    "atr_14h",
    "std_24h",
    "volume_surge_24h",
    "breakout_high_24h",
    "reversion_24h",
    "beta_720h",
    "btc_corr_720h",
    "breadth_ret",
)
OURS = ("full", "twelve", "live", "live-twelve")
PEERS = ("polars-full", "polars-twelve", "talib-twelve")
PAIRED = {"polars-full": "full", "polars-twelve": "twelve", "talib-twelve": "twelve"}
REPEATS = 3


def panel(hours: int = HOURS, assets: int = ASSETS, seed: int = 7) -> Grid:
    """A seeded market without gaps: one factor, betas, and each instrument's own noise."""
    random = np.random.default_rng(seed)
    factor = random.normal(0, 0.006, (hours, 1))
    moves = factor * random.uniform(0.7, 1.5, assets) + random.normal(0, 0.006, (hours, assets))
    close = np.exp(np.cumsum(moves, axis=0) + random.uniform(-5, 10, assets))
    opening = np.vstack([close[:1], close[:-1]])
    high = np.maximum(opening, close) * (1 + random.exponential(0.002, close.shape))
    low = np.minimum(opening, close) / (1 + random.exponential(0.002, close.shape))
    volume = random.lognormal(3, 1, close.shape)
    names = ("BTC/USD", *(f"C{a:02}/USD" for a in range(1, assets)))
    return Grid("generated", names, 437_000, opening, high, low, close, volume, np.zeros(close.shape, bool))


def ours(columns: tuple[str, ...] | None) -> Callable[[], object]:
    from trading.features.compute import compute

    grid = panel()
    eligible = np.ones(grid.close.shape, bool)
    return lambda: compute(grid, eligible, 0, columns)


def live(columns: tuple[str, ...] | None) -> dict[str, float]:
    """Milliseconds of one hour, bars in to columns out, over 2,000 hours."""
    from trading.features.compute import Live
    from trading.features.library import LOOKBACK

    grid = panel(LOOKBACK + 2_050)
    eligible = np.ones((1, ASSETS), bool)
    state = Live(grid.instruments, columns)
    state.enter(grid.rows(grid.first, grid.first + LOOKBACK))
    times_ms = []
    for hour in range(grid.first + LOOKBACK, grid.last + 1):
        bar = grid.rows(hour, hour + 1)
        start = time.perf_counter()
        state.hour(bar, eligible)
        times_ms.append((time.perf_counter() - start) * 1e3)
    steady = times_ms[50:]
    return {
        "p50_ms": statistics.median(steady),
        "p99_ms": float(np.quantile(steady, 0.99)),
        "rss_mib": rss_mib(),
    }


def rss_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(arm: str) -> dict[str, float]:
    """The figures of one arm in this process."""
    from trading.compiled import use_cache

    use_cache(Path(tempfile.gettempdir()) / "ballast-benchmark-cache")
    columns = TWELVE if arm.endswith("twelve") else None
    if arm.startswith("live"):
        return live(columns)
    if arm in PEERS:
        from feature_peers import peer

        run = peer(arm, panel())
    else:
        run = ours(columns)
    run()
    walls, cpus = [], []
    for _ in range(REPEATS):
        wall, cpu = time.perf_counter(), time.process_time()
        run()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    return {"cpu_s": statistics.median(cpus), "wall_s": statistics.median(walls), "rss_mib": rss_mib()}


def interleaved(arms: list[str], rounds: int) -> dict[str, dict[str, float]]:
    """Medians over rounds in which every arm takes its turn, each in a fresh process."""
    samples: dict[str, list[dict[str, float]]] = {arm: [] for arm in arms}
    # Compiling takes memory of its own; it belongs to no arm.
    subprocess.run([sys.executable, __file__, "--arm", "live"], check=True, capture_output=True)
    for n in range(rounds):
        for arm in arms:
            print(f"round {n + 1} of {rounds}: {arm}", file=sys.stderr)
            command = [sys.executable, __file__, "--arm", arm]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            samples[arm].append(json.loads(done.stdout))
    return {
        arm: {key: statistics.median(s[key] for s in found) for key in found[0]}
        for arm, found in samples.items()
    }


def table(results: dict[str, dict[str, float]]) -> str:
    """The results as text; ratios say how many times more the peer takes than we do."""
    lines = [f"{'arm':15}{'CPU s':>8}{'wall s':>8}{'RSS MiB':>9}{'x CPU':>7}{'x wall':>8}{'x RSS':>7}"]
    for arm, r in results.items():
        if "p50_ms" in r:
            lines.append(f"{arm:15}{r['rss_mib']:25.0f}   p50 {r['p50_ms']:.3f} ms, p99 {r['p99_ms']:.3f} ms")
            continue
        line = f"{arm:15}{r['cpu_s']:8.3f}{r['wall_s']:8.3f}{r['rss_mib']:9.0f}"
        if arm in PAIRED:
            base = results[PAIRED[arm]]
            line += f"{r['cpu_s'] / base['cpu_s']:7.1f}{r['wall_s'] / base['wall_s']:8.1f}"
            line += f"{r['rss_mib'] / base['rss_mib']:7.1f}"
        lines.append(line)
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peers", action="store_true", help="also run polars and TA-Lib (dev dependencies)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="print one object instead of a table")
    parser.add_argument("--arm", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.arm:
        print(json.dumps(measure(options.arm)))
        return
    results = interleaved([*OURS, *(PEERS if options.peers else ())], options.rounds)
    print(json.dumps(results) if options.json else table(results))
    if not options.json:
        print(
            f"{ASSETS} instruments x {HOURS:,} hours, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
        )


if __name__ == "__main__":
    main()
