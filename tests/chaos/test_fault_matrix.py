"""Every fault of the venue against every call of an order's life: what we believe is what is true.

One run is an hour: enter, sweep, guard, leave, while a seeded fault strikes one kind of call. A call that
fails for good ends the procedure as a crash would, and it is begun anew from the store. When the fault is
gone the same start-up path runs once more, and then nothing may differ from the simulator's truth log: no
order taken twice, none that is not known here, none stuck, none believed to be otherwise.
"""

import os
import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Any, NamedTuple, TypeVar

import pytest

from adapters.execution import drive, sweep
from tests.lockstep import Client, client, disagreements
from tests.make_believe import TRACK, Memory, entry
from tests.running import PAIR, Simulator, simulator, truth_of
from trading.errors import DataError, UsageError, VenueError
from trading.execution.entering import Entry, enter
from trading.execution.guarding import Wanted, guard
from trading.execution.leaving import Exit, leave
from trading.execution.placing import LegName, cancel, resume
from trading.execution.protocol import Kind
from trading.portfolio import Terms
from trading.risk.approve import ApprovedOrder

LOTS, MIN_LOTS = 1_000_000, 5_000
TRIES = 8
PRICES = (1.02, 1.0, 0.998, 0.99, 0.7)
"""Of the bid: entries that fill at once, later, in the fallback, and not at all."""
T = TypeVar("T")

Rule = dict[str, Any]


def error(*messages: str, effect: str = "none") -> Rule:
    return {"kind": "error", "effect": effect, "args": {"messages": list(messages)}}


def http(status: int, effect: str = "none") -> Rule:
    return {"kind": "http", "effect": effect, "args": {"status": status}}


ANYWHERE: dict[str, Rule] = {
    "2 silence before": {"kind": "silence", "args": {"for_s": 0.05}},
    "2 closed before": {"kind": "close"},
    **{f"4 http {status} before": http(status) for status in (502, 504, 520)},
    **{f"5 http {status}": http(status) for status in (521, 523, 525, 526)},
    **{f"6 {text} before": error(f"EService:{text}") for text in ("Busy", "Unavailable", "Deadline elapsed")},
    "6 internal error before": error("EGeneral:Internal error"),
    "7 throttled": error("EService:Throttled: {soon}"),
    "10 invalid nonce": error("EAPI:Invalid nonce"),
    "12 lockout": error("EGeneral:Temporary lockout"),
    "13 permission denied": error("EGeneral:Permission denied"),
    "14 rate limit": error("EAPI:Rate limit exceeded"),
    "34 unknown error": error("EOrder:Mercury retrograde"),
    "34 two errors": error("EOrder:Insufficient funds", "EService:Busy"),
}
ANSWERED: dict[str, Rule] = {
    "1 silence after": {"kind": "silence", "effect": "applied", "args": {"for_s": 0.05}},
    "1 closed after": {"kind": "close", "effect": "applied"},
    **{f"4 http {status} after": http(status, "applied") for status in (502, 503, 520, 522, 524)},
    **{f"6 {text} after": error(f"EService:{text}", effect="applied") for text in ("Busy", "Unavailable")},
    "6 deadline elapsed after": error("EService:Deadline elapsed", effect="applied"),
    "6 internal error after": error("EGeneral:Internal error", effect="applied"),
    **{
        f"8 {how} body": {"kind": "garbled", "effect": "applied", "args": {"how": how}}
        for how in ("html", "empty", "truncated", "type", "gzip", "doubled")
    },
    "9 reset": {"kind": "reset", "effect": "applied"},
    "9 drip": {"kind": "drip", "effect": "applied"},
    "9 slow": {"kind": "slow", "effect": "applied", "args": {"for_s": 0.6}},
    "34 warning": {"kind": "warning", "args": {"message": "WGeneral:Something"}},
    "34 null": {"kind": "null"},
}
WRITES: dict[str, Rule] = {
    "3 late": {"kind": "close", "effect": "late", "late_s": 8.0},
    "14 order rate limit": error("EOrder:Rate limit exceeded"),
}
OF_ONE: dict[str, dict[str, Rule]] = {
    "AddOrder": {
        "16 partial": {"kind": "partial", "args": {"share_ppm": 300_000}},
        "19 pending": {"kind": "pending", "args": {"for_s": 20}},
        "30 maintenance": {"kind": "mode", "args": {"status": "maintenance"}},
        "30 cancel only": {"kind": "mode", "args": {"status": "cancel_only"}},
        "30 limit only": {"kind": "mode", "args": {"status": "limit_only"}},
    },
    "CancelOrder": {
        "16 race": {"kind": "race"},
        "33 stuck": {"kind": "stuck", "args": {"for_s": 15}},
    },
    "OpenOrders": {
        "19 hidden": {"kind": "hidden", "args": {"for_s": 8}},
        "20 echo": {"kind": "echo", "args": {"for_s": 10}},
    },
    "ClosedOrders": {"19 hidden": {"kind": "hidden", "args": {"for_s": 8}}},
    "QueryOrders": {"19 hidden": {"kind": "hidden", "args": {"for_s": 8}}},
    "BalanceEx": {
        "21 lag": {"kind": "lag", "args": {"for_s": 5}},
        "21 holds at zero": {"kind": "lag", "args": {"for_s": 5, "hold": "zero"}},
    },
    "Ticker": {
        "23 half": {"kind": "price", "args": {"factor": 0.5}},
        "23 double": {"kind": "price", "args": {"factor": 2}},
        "24 crossed": {"kind": "book", "args": {"how": "crossed"}},
        "24 wide": {"kind": "book", "args": {"how": "wide"}},
    },
}
CALLS = (
    "AddOrder",
    "CancelOrder",
    "QueryOrders",
    "OpenOrders",
    "ClosedOrders",
    "QueryTrades",
    "TradesHistory",
)
READS = ("BalanceEx", "Ticker")


class Cell(NamedTuple):
    """One fault on one call."""

    fault: str
    endpoint: str
    rule: Rule

    def __str__(self) -> str:
        return f"{self.fault} x {self.endpoint}"


def cells() -> Iterator[Cell]:
    for endpoint in (*CALLS, *READS):
        rules = ANYWHERE | ANSWERED | OF_ONE.get(endpoint, {})
        if endpoint in ("AddOrder", "CancelOrder"):
            rules |= WRITES
        for fault, rule in rules.items():
            yield Cell(fault, endpoint, rule)


CELLS = list(cells())
USUAL = {
    "AddOrder": (
        "1 silence after",
        "2 closed before",
        "3 late",
        "6 Busy after",
        "8 truncated body",
        "16 partial",
    ),
    "CancelOrder": ("1 closed after", "3 late", "16 race", "33 stuck"),
    "QueryOrders": ("19 hidden", "34 null"),
    "OpenOrders": ("19 hidden", "20 echo"),
    "BalanceEx": ("21 lag",),
}
DAILY = [cell for cell in CELLS if cell.fault in USUAL.get(cell.endpoint, ())]
SEEDS = int(os.environ.get("BALLAST_CHAOS_SEEDS", "5"))


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    home = tmp_path_factory.mktemp("venue")
    with simulator(home, "--days", "200") as started, client(started, home / "client", 0.3) as opened:
        yield opened


def begun_anew(steps: Callable[[], T], running: Simulator) -> T | None:
    """Carry a procedure through; begin it anew where it breaks off, in the end without faults."""
    for attempt in range(TRIES):
        if attempt == TRIES - 1:
            running.control("clear")
            running.sleep(1_000)
        try:
            return steps()
        except (VenueError, DataError, UsageError):
            running.sleep(5)
    return None


class Outcome(NamedTuple):
    """What one hour came to."""

    struck: int
    """How often the fault struck."""
    sent: int
    """Orders that the venue took."""
    found: list[str]
    """What belief and truth disagree about."""


def hour(desk: Client, cell: Cell, seed: int) -> Outcome:
    """One hour under one fault."""
    rng, running = Random(seed), desk.simulator
    running.control("clear")
    first = len(running.control("truth")["rows"])
    desk.store = Memory()
    asof = running.next_hour()
    price = int(desk.venue.touch(PAIR)[0] * rng.choice(PRICES))
    approved = ApprovedOrder(LOTS, price, int(price * 0.8), 0, 0)
    terms = Terms(1, 100, MIN_LOTS, 50_000_000)
    wanted = entry(intent=f"{seed}", asof=asof, approved=approved, terms=terms, equity=1)
    setting: Rule = {
        "endpoint": cell.endpoint,
        "count": rng.choice([1, 2, 5]),
        "skip": rng.choice([0, 0, 1, 3]),
    }
    if cell.rule["kind"] == "mode":
        setting = {"until_s": asof.timestamp() + rng.choice([60, 3_000, 3_420])}
    running.control("fault", **cell.rule, **setting)
    live(desk, wanted, asof)
    running.control("clear")
    recover(desk, wanted, asof)
    rows = running.control("truth", after=first)["rows"]
    found = disagreements(desk.store, truth_of(rows))
    bought = [order for order in desk.store.kept.values() if order.is_entry]
    if sum(order.filled for order in bought) > LOTS:
        found.append("wrong belief: more was bought than approved")
    struck = sum(bool(row.get("faults")) for row in rows)
    return Outcome(struck, sum(row["event"] == "placed" for row in rows), found)


def position(desk: Client) -> int:
    return sum(order.filled for order in desk.store.kept.values())


def live(desk: Client, wanted: Entry, asof: datetime) -> None:
    """Enter, sweep, guard, leave."""
    running, stops = desk.simulator, LegName(TRACK, wanted.intent, Kind.STOP)
    begun_anew(lambda: drive(enter(wanted), desk.hands), running)
    begun_anew(lambda: sweep(TRACK, desk.hands, asof), running)
    stop = Wanted(position(desk), int(wanted.approved.limit * 0.75))
    begun_anew(lambda: drive(guard(stops, PAIR, stop, True), desk.hands), running)
    exit = Exit(TRACK, f"{wanted.intent} exit", PAIR, position(desk), 0, MIN_LOTS)
    begun_anew(lambda: drive(leave(exit), desk.hands), running)


def recover(desk: Client, wanted: Entry, asof: datetime) -> None:
    """What a start-up does: settle what is open, sweep, sell what is left, look again."""
    for order in list(desk.store.kept.values()):
        drive(resume(order), desk.hands)
    sweep(TRACK, desk.hands, asof)
    for order in list(desk.store.kept.values()):
        drive(cancel(order, desk.venue.now() + timedelta(minutes=1)), desk.hands)
    left = position(desk)
    drive(leave(Exit(TRACK, f"{wanted.intent} rest", PAIR, left, 0, MIN_LOTS)), desk.hands)
    sweep(TRACK, desk.hands, asof)


@pytest.mark.parametrize("cell", DAILY, ids=str)
def test_belief_is_truth_after_a_fault(desk: Client, cell: Cell) -> None:
    assert hour(desk, cell, CELLS.index(cell)).found == []


def table(outcomes: list[tuple[Cell, Outcome]]) -> str:
    """Runs and disagreements by fault, in the form of `docs/evidence/orders.md`."""
    words = ("duplicate", "orphan", "stuck", "wrong belief")
    lines = ["| fault | calls | runs | struck | orders | " + " | ".join(words) + " |", "|---" * 9 + "|"]
    for fault in sorted({cell.fault for cell, _ in outcomes}, key=lambda name: (int(name.split()[0]), name)):
        calls = {cell.endpoint for cell, _ in outcomes if cell.fault == fault}
        runs = [run for cell, run in outcomes if cell.fault == fault]
        struck = sum(run.struck > 0 for run in runs)
        counts = [sum(line.startswith(word) for run in runs for line in run.found) for word in words]
        row = [fault, len(calls), len(runs), struck, sum(run.sent for run in runs), *counts]
        lines.append("| " + " | ".join(str(value) for value in row) + " |")
    return "\n".join(lines)


@pytest.mark.slow
@pytest.mark.timeout(14_400)
def test_belief_is_truth_over_the_whole_matrix(desk: Client) -> None:
    """Every cell with several seeds; the table it prints is kept in `docs/evidence/`."""
    outcomes = []
    for seed in range(SEEDS):
        outcomes += [(cell, hour(desk, cell, seed * len(CELLS) + i)) for i, cell in enumerate(CELLS)]
    sys.stdout.write(table(outcomes))
    assert [(str(cell), run) for cell, run in outcomes if run.found] == []
