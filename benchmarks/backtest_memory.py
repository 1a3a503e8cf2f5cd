"""Six years of 30 pairs: seconds to import them, memory of a backtest over them, and what a busy neighbour
costs.

    python benchmarks/backtest_memory.py [--rounds 3] [--json]

The import reads Kraken's layout (`XBTUSD_60.csv`) into an empty home. The backtest is the whole command over
six years, also with another process that keeps one core busy.
"""

import multiprocessing
import shutil
import statistics
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import market
import measure
import polars as pl
import workload

PAIRS = 30
START, END = date(2018, 1, 1), date(2023, 12, 31)
DAYS = (END - START).days + 1
LIMITS = {"import": ("wall_s", 20.0), "backtest": ("rss_mib", 400.0)}
NEIGHBOUR_MAX = 2.0


def write_csv(folder: Path) -> None:
    """The bars of all pairs in Kraken's layout, a row an hour keyed by its opening."""
    folder.mkdir(parents=True)
    first = int(datetime(START.year, START.month, START.day, tzinfo=UTC).timestamp()) // 3_600
    panel = workload.make(PAIRS, 24 * DAYS)
    for name, frame in market.bars(panel, first).items():
        opened = (pl.col("asof") - timedelta(hours=1)).dt.epoch("s")
        stamped = frame.select(opened, "open", "high", "low", "close", "volume", "trades")
        stamped.write_csv(folder / f"{name.replace('/', '')}_60.csv", include_header=False, float_precision=8)


@contextmanager
def busy_neighbour() -> Iterator[None]:
    """Keeps one core busy."""
    process = multiprocessing.Process(target=spin, daemon=True)
    process.start()
    try:
        yield
    finally:
        process.terminate()
        process.join()


def spin() -> None:
    while True:
        pass


def ballast(*arguments: str) -> list[str]:
    return [sys.executable, "-c", "from cli.main import main; main()", *arguments]


def rounds(options: measure.argparse.Namespace) -> dict[str, measure.Figures]:
    """Medians of the import, the backtest, and the backtest beside a neighbour."""
    folder, home = options.work / "csv", options.work / "large"
    shutil.rmtree(folder, ignore_errors=True)
    write_csv(folder)
    backtest = ballast(
        *("backtest", "--from", str(START), "--to", str(END)),
        *("--venue", "kraken", "--home", str(home)),
    )
    samples: dict[str, list[measure.Figures]] = {"import": [], "backtest": [], "beside a neighbour": []}
    for n in range(options.rounds):
        print(f"round {n + 1} of {options.rounds}", file=sys.stderr)
        shutil.rmtree(home / "bars", ignore_errors=True)
        shutil.rmtree(home / "raw", ignore_errors=True)
        samples["import"].append(
            measure.run(ballast("data", "import", str(folder), "--venue", "kraken", "--home", str(home)))
        )
        if n == 0:
            measure.run(backtest)  # compiles
        samples["backtest"].append(measure.run(backtest))
        with busy_neighbour():
            samples["beside a neighbour"].append(measure.run(backtest))
    return {
        name: {key: statistics.median(sample[key] for sample in found) for key in found[0]}
        for name, found in samples.items()
    }


def main() -> None:
    options = measure.parser(__doc__).parse_args()
    results = rounds(options)
    measure.show([], results, as_json=options.json)
    for name, (key, limit) in LIMITS.items():
        print(f"{name}: {key} {results[name][key]:.1f}, at most {limit:.0f}", file=sys.stderr)
    slower = results["beside a neighbour"]["wall_s"] / results["backtest"]["wall_s"]
    print(f"a busy neighbour: {slower:.2f}x the wall time, at most {NEIGHBOUR_MAX:.1f}x", file=sys.stderr)


if __name__ == "__main__":
    main()
