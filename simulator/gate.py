"""When a replay may let time pass: facts about an hour go in, in any order and any number of times.

Time may pass once every expected portfolio has said what it decided, and every order that follows from that
is either through or waits for a time, or a change, still to come.

    decided    a portfolio's decision is stored; it names the orders that are planned from now on
    waits      nothing more is done about an order before that time, or before it changes at the venue
    withdrawn  nothing more is done about an order: it never left, or its end is recorded

A wait that came due, or whose order changed, therefore holds time back until a later wait or the withdrawal
answers it. An order that another follows is withdrawn with `then`: in one step its successor is planned.
"""

from collections import Counter
from collections.abc import Collection, Iterable
from typing import NamedTuple

STALL_S = 30.0
"""Real seconds; whoever is missing for longer is reported as stalled."""


class Missing(NamedTuple):
    """Who holds time back, why, and since when in real seconds."""

    name: str
    lacks: str
    for_s: float

    @property
    def stalled(self) -> bool:
        return self.for_s >= STALL_S


class Gate:
    """All facts so far. Names of hours, portfolios and orders are the clients' own."""

    def __init__(self) -> None:
        self.changes: Counter[str] = Counter()
        """How often each order changed at the venue."""
        self._expected: dict[str, frozenset[str]] = {}
        self._decided: dict[str, set[str]] = {}
        self._planned: set[str] = set()
        self._withdrawn: set[str] = set()
        self._waits: dict[str, tuple[int, int]] = {}
        self._since_s: dict[str, float] = {}

    def open(self, asof: str, expected: Collection[str]) -> None:
        """These portfolios decide in this hour; a `ValueError` if others were named before."""
        if self._expected.setdefault(asof, frozenset(expected)) != frozenset(expected):
            raise ValueError(f"the gate of {asof} was opened for other portfolios")

    def decided(self, asof: str, portfolios: Iterable[str], orders: Iterable[str]) -> None:
        """The decisions of these portfolios are stored; these orders follow from them."""
        self._decided.setdefault(asof, set()).update(portfolios)
        self._planned.update(orders)

    def withdrawn(self, order: str, then: Iterable[str] = ()) -> None:
        """Nothing more is done about an order; the orders `then` take its place."""
        self._withdrawn.add(order)
        self._planned.update(then)

    def wait(self, order: str, until_ns: int, seen: int | None = None) -> int:
        """An order is next looked at then, or at its next change after the first `seen`, all so far if not
        given; returns how many.
        """
        seen = self.changes[order] if seen is None else seen
        self._planned.add(order)
        self._waits[order] = max((seen, until_ns), self._waits.get(order, (0, 0)))
        return seen

    def changed(self, order: str) -> None:
        """An order changed at the venue, so whoever waits for it has to look."""
        self.changes[order] += 1

    def waits(self, order: str, now_ns: int) -> bool:
        """There is nothing to do about an order before a time or change still to come."""
        seen, until_ns = self._waits.get(order, (0, 0))
        return seen >= self.changes[order] and until_ns > now_ns

    def next_due_ns(self, now_ns: int) -> int | None:
        """The first time that is waited for; None when nobody waits."""
        waiting = (order for order in self._planned - self._withdrawn if self.waits(order, now_ns))
        return min((self._waits[order][1] for order in waiting), default=None)

    def missing(self, asof: str, now_ns: int, at_s: float) -> list[Missing]:
        """Who holds time back at venue time `now_ns`, longest first; empty when it may pass.

        `at_s` are real seconds: a name counts as missing from the first call that finds it so.
        """
        found = self._missing(asof, now_ns)
        self._since_s = {name: self._since_s.get(name, at_s) for name in found}
        rows = [Missing(name, lacks, at_s - self._since_s[name]) for name, lacks in found.items()]
        return sorted(rows, key=lambda row: (-row.for_s, row.name))

    def _missing(self, asof: str, now_ns: int) -> dict[str, str]:
        if asof not in self._expected:
            return {f"hour {asof}": "its gate has not been opened"}
        silent = self._expected[asof] - self._decided.get(asof, set())
        working = (o for o in self._planned - self._withdrawn if not self.waits(o, now_ns))
        return {f"portfolio {name}": "has not decided" for name in silent} | {
            f"order {name}": "neither waits for a time to come nor is withdrawn" for name in working
        }
