"""Fifty clients ask every read of a portfolio once a second, over five years of hours and 10,000 trades.

    python benchmarks/api.py --seconds 60

The API runs as users run it (`ballast api`, one process), over a database written for the purpose; each
client has a token of its own and keeps its connection. Answers are asked for without `If-None-Match`, so that
every one is sent whole, and each was asked once before the measuring begins; with `--writing` a row is stored
each second, as in the minutes in which an hour happens, so that few answers of the second before hold. Prints
p50, p99 and the worst time of each read in milliseconds, as its clients saw them, and the CPU that one answer
cost the server: the figure that other programs do not move.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from adapters.storage.engine import connect, sqlite_url, unit_of_work
from adapters.storage.hours import Stage
from adapters.storage.migrate import upgrade
from api.access.roles import Role, Scope
from api.access.service import Access
from api.records import record
from tests.history import BEGAN, with_a_past

CLIENTS, HOURS, TRADES = 50, 5 * 8_760, 10_000
ASOF = BEGAN.strftime("%Y-%m-%dT%H:%MZ")
READS = (
    *("", "/equity", "/hours?limit=50", f"/hours/{ASOF}", "/orders?limit=50", "/trades?limit=50"),
    *("/verdicts?limit=50", "/positions", "/halt", "/performance", "/reconciliation", "/alerts"),
    *("/audit?limit=50", "/proofs"),
)


def stored(home: Path) -> list[str]:
    """A database with its past, and the tokens of the clients."""
    file = home / "replay" / "ballast.db"
    file.parent.mkdir(parents=True)
    engine = connect(sqlite_url(file))
    upgrade(engine)
    with_a_past(engine, hours=HOURS, trades=TRADES)
    access = Access(engine, lambda: datetime.now(UTC), record)
    access.add_user("ada", Role.VIEWER, ("main",), "correct horse battery staple", "benchmark")
    tokens = [access.add_token("ada", str(n), Scope.READ, 1, by="benchmark")[1] for n in range(CLIENTS)]
    engine.dispose()
    return tokens


async def ask(base: str, tokens: list[str], seconds: int) -> dict[str, list[float]]:
    """Milliseconds of each answer by read."""
    took: dict[str, list[float]] = defaultdict(list)

    # Made before anything is timed, and without certificates to load: fifty of them stall each other.
    connections = [
        httpx.AsyncClient(
            base_url=base,
            headers={"Authorization": f"Bearer {token}"},
            timeout=30,
            trust_env=False,
            verify=False,
        )
        for token in tokens
    ]

    async def client(number: int, opened: httpx.AsyncClient) -> None:
        async with opened as connection:
            await asyncio.sleep(number / CLIENTS)
            begun = time.monotonic()
            for turn in range(seconds):
                read = READS[(turn + number) % len(READS)]
                await asyncio.sleep(max(0.0, begun + turn - time.monotonic()))
                began = time.perf_counter()
                answer = await connection.get(f"/api/portfolios/main{read}")
                answer.raise_for_status()
                took[read].append((time.perf_counter() - began) * 1e3)

    await asyncio.gather(*(client(*pair) for pair in enumerate(connections)))
    return took


def write(file: Path, until: threading.Event) -> None:
    """A stage of another hour each second; everything stored moves the audit trail on."""
    engine, asof = connect(sqlite_url(file)), BEGAN + timedelta(hours=HOURS)
    while not until.wait(1.0):
        with unit_of_work(engine) as session:
            row = {"stage": "fetch", "reference": "0" * 64, "summary": "{}", "at": asof}
            session.add(Stage(track="replay-a-1", asof=asof, **row))
        asof += timedelta(hours=1)
    engine.dispose()


def cpu_s(pid: int) -> float:
    """CPU seconds of a process so far (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--seconds", type=int, default=60)
    options.add_argument("--writing", action="store_true", help="store a row each second meanwhile")
    options.add_argument("--json", action="store_true", help="print one object instead of a table")
    asked = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        tokens = stored(Path(folder))
        over = threading.Event()
        database = Path(folder) / "replay" / "ballast.db"
        writer = threading.Thread(target=write, args=(database, over), daemon=True)
        command = [sys.executable, "-c", "from cli.main import main; main()", "api", "--home", folder]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            try:
                assert server.stdout
                base = json.loads(server.stdout.readline())["address"]
                asyncio.run(ask(base, tokens, len(READS)))
                if asked.writing:
                    writer.start()
                before_s = cpu_s(server.pid)
                took = asyncio.run(ask(base, tokens, asked.seconds))
                each_ms = (cpu_s(server.pid) - before_s) / (CLIENTS * asked.seconds) * 1e3
            finally:
                over.set()
                server.terminate()
    figures = {
        read or "/": {
            "p50": round(float(np.percentile(times, 50)), 1),
            "p99": round(float(np.percentile(times, 99)), 1),
            "worst": round(max(times), 1),
            "answers": len(times),
        }
        for read, times in sorted(took.items())
    }
    if asked.json:
        print(json.dumps({"reads": figures, "cpu_ms": each_ms, "load": os.getloadavg()[0]}))
        return
    print(f"{each_ms:.1f} ms of CPU an answer, load {os.getloadavg()[0]:.1f}")
    print("read                          p50     p99   worst  answers")
    for read, one in figures.items():
        print(f"{read:26} {one['p50']:7.1f} {one['p99']:7.1f} {one['worst']:7.1f} {one['answers']:8}")


if __name__ == "__main__":
    main()
