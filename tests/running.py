"""The simulated Kraken in a process of its own, its time, and the truth that it logs. Knows no client."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from platformdirs import user_cache_path

from trading.execution.protocol import Status

COMMAND = [sys.executable, "-c", "from cli.main import main; main()", "simulator"]
PAIR = "BTC/USD"
ENDS = {"closed": Status.FILLED, "canceled": Status.CANCELLED, "expired": Status.EXPIRED}


class Simulator:
    """The running process, its control, and its time as a clock."""

    def __init__(self, ready: dict[str, Any]) -> None:
        self.address = str(ready["address"])
        self.ready = ready
        self._http = httpx.Client(base_url=self.address, trust_env=False, timeout=60)
        self._now_s = float(ready["now_s"])
        self._rows = 0

    def control(self, command: str, **body: Any) -> Any:
        answer = self._http.post(f"/control/{command}", json=body).raise_for_status().json()
        self._now_s = answer.get("now_s", self._now_s)
        return answer

    def news(self) -> list[dict[str, Any]]:
        """The rows of the truth log since the last call."""
        rows: list[dict[str, Any]] = self.control("truth", after=self._rows)["rows"]
        self._rows += len(rows)
        return rows

    def public(self, method: str, **params: str) -> Any:
        """One public result, of the one pair that is asked for."""
        reply = self._http.get(f"/0/public/{method}", params=params).json()
        return next(iter(reply["result"].values()))

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.monotonic_s(), UTC)

    def monotonic_s(self) -> float:
        # Nobody else moves the time, so it need not be asked for.
        return self._now_s

    def sleep(self, seconds: float) -> None:
        self.control("advance", by_s=round(seconds + 0.001, 3))

    def next_hour(self) -> datetime:
        """Go to half a minute after the next asof; returns the asof."""
        asof = self.now().replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        self.control("advance", to_s=asof.timestamp() + 30)
        return asof


@contextmanager
def simulator(home: Path, *options: str) -> Iterator[Simulator]:
    """Start `ballast simulator` in lockstep; always stopped."""
    (home / "cache").mkdir()
    (home / "cache" / "compiled").symlink_to(user_cache_path("ballast-tests", appauthor=False))
    terms = ["--home", str(home), "--speed", "0", "--instruments", "3", *options]
    with subprocess.Popen([*COMMAND, *terms], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield Simulator(json.loads(process.stdout.readline()))
        finally:
            process.terminate()


@dataclass
class Truth:
    """What the simulator's log says of the orders that it took."""

    taken: "Counter[UUID]" = field(default_factory=Counter)
    """How many orders it took under each id of ours."""
    txids: dict[UUID, str] = field(default_factory=dict)
    parents: dict[str, str] = field(default_factory=dict)
    """Stops that fills left behind, and the orders that they came from."""
    status: dict[str, Status] = field(default_factory=dict)
    fills: dict[str, dict[str, tuple[int, int, int, int]]] = field(default_factory=dict)
    """By order: lots, ticks, value and fee of each trade."""


def truth_of(rows: list[dict[str, Any]]) -> Truth:
    """Fold the log."""
    truth = Truth()
    for row in rows:
        txid = row.get("txid", "")
        if row["event"] == "placed":
            truth.status[txid], truth.fills[txid] = Status.OPEN, {}
            if row["cl_ord_id"]:
                id = UUID(row["cl_ord_id"])
                truth.taken[id] += 1
                truth.txids[id] = txid
            elif row["refid"]:
                truth.parents[txid] = row["refid"]
        elif row["event"] == "fill":
            truth.fills[txid][row["trade"]] = (row["lots"], row["ticks"], row["value"], row["fee"])
        elif row["event"] in ENDS:
            truth.status[txid] = ENDS[row["event"]]
    return truth
