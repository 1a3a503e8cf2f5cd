"""A process that lives one order's hour against the simulator and asks before every touch of the world.

It prints `at <number> <what>` before each call to the venue, the store or the guard, and goes on when it is
answered; so the parent can kill it at any of them. What it has stored lies in a file, synced line by line.
"""

import json
import os
import pickle
import sys
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

from adapters.execution import Hands, drive, sweep
from tests.lockstep import Gate, client
from tests.make_believe import TRACK, Memory, entry
from tests.running import PAIR, Simulator
from trading.execution.entering import enter
from trading.execution.guarding import Wanted, guard
from trading.execution.leaving import Exit, leave
from trading.execution.orders import Event
from trading.execution.placing import LegName, resume
from trading.execution.protocol import Instruction, Kind
from trading.portfolio import Terms
from trading.risk.approve import ApprovedOrder

LOTS, MIN_LOTS = 1_000_000, 5_000


class OnDisk(Memory):
    """A store whose every write is a line in a file before it counts."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        for line in path.read_text().splitlines() if path.exists() else ():
            kept, event = pickle.loads(bytes.fromhex(line))
            if isinstance(kept, UUID):
                super().append(self.kept[kept], event)
            else:
                super().open(kept, event)

    def open(self, instruction: Instruction, event: Event) -> None:
        super().open(instruction, event)
        self._sync(instruction, event)

    def append(self, order: Any, event: Event) -> None:
        super().append(order, event)
        self._sync(order.id, event)

    def _sync(self, kept: Instruction | UUID, event: Event) -> None:
        with self._path.open("a") as file:
            file.write(pickle.dumps((kept, event)).hex() + "\n")
            file.flush()
            os.fsync(file.fileno())


class Asking:
    """Stands before a venue, a store or a guard and asks before each call."""

    def __init__(self, real: Any, numbers: "count[int]") -> None:
        self._real, self._numbers = real, numbers

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._real, name)
        if name in ("now", "wait"):
            return method

        def asked(*values: Any) -> Any:
            sys.stdout.write(f"at {next(self._numbers)} {name}\n")
            sys.stdout.flush()
            sys.stdin.readline()
            return method(*values)

        return asked


def main() -> None:
    """Begin, or go on where the store says: enter, sweep, guard, leave, sweep."""
    ready, home, asof, price = json.loads(sys.argv[1])
    began = datetime.fromisoformat(asof)
    simulator = Simulator(ready)
    simulator.control("clock")
    with client(simulator, Path(home)) as ours:
        store = OnDisk(Path(home) / "orders")
        numbers: count[int] = count()
        venue: Any = Asking(ours.venue, numbers)
        gate: Any = Asking(Gate(ours.venue), numbers)
        hands = Hands(venue, Asking(store, numbers), gate)
        approved = ApprovedOrder(LOTS, price, int(price * 0.8), 0, 0)
        terms = Terms(1, 100, MIN_LOTS, 50_000_000)
        wanted = entry(intent=asof, asof=began, approved=approved, terms=terms, equity=1)
        for order in list(store.kept.values()):
            drive(resume(order), hands)
        drive(enter(wanted), hands)
        sweep(TRACK, hands, began - timedelta(minutes=1))
        held = sum(order.filled for order in store.kept.values())
        stops = LegName(TRACK, asof, Kind.STOP)
        drive(guard(stops, PAIR, Wanted(held, int(price * 0.75)), True), hands)
        drive(leave(Exit(TRACK, f"{asof} exit", PAIR, held, 0, MIN_LOTS)), hands)
        sweep(TRACK, hands, began - timedelta(minutes=1))
    kept = [
        [str(order.id), order.venue_id, order.state.value, order.is_over]
        + [[[t.id, t.lots, t.ticks, t.value, t.fee] for t in order.trades]]
        for order in store.kept.values()
    ]
    sys.stdout.write(json.dumps(kept) + "\n")


if __name__ == "__main__":
    main()
