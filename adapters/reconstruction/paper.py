"""An account on paper as a proof sees it: its own lines stand for what a venue would tell.

They say what was placed, filled and moved, and when balances were told. Whether the market that was would
have filled an order so is not asked here.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from adapters.paper.account import LOOKED, PaperBooks
from adapters.paper.lines import BucketLines, Event
from adapters.reconstruction.said import Look, Placed, Shown
from adapters.reconstruction.tail import Tail
from adapters.worlds import PAPER_FILE
from trading.clock import HOUR_S
from trading.execution.protocol import Report

BLUR = timedelta(seconds=1)
"""The venue's time is known to about a second, and balances were told well after the candles before them."""

Line = Sequence[Event]


class PaperLines:
    """The lines of one account; takes in what is new when it is asked."""

    def __init__(self, fresh: Callable[[], Iterable[Line]]) -> None:
        """`fresh` gives the lines that were added since it was asked last."""
        self._fresh = fresh
        self._lines: list[Line] = []
        self.books = PaperBooks()
        self.shown: dict[str, Shown] = {}
        self.looks: list[Look] = []

    def all(self) -> Sequence[Line]:
        """Every line so far."""
        for line in self._fresh():
            self._take_in(line)
        return self._lines

    def span(self, first: int, last: int) -> "PaperSaid":
        """What was said in hours first..last, named by their beginnings."""
        self.all()
        return PaperSaid(self, first, last)

    def _take_in(self, line: Line) -> None:
        number = len(self._lines)
        self._lines.append(line)
        self.books.take_in(line)
        for event in line:
            if event["what"] == "filled":
                at = datetime.fromisoformat(event.get("shown") or event["at"])
                self.shown[event["trade"]] = Shown(number, at)
            if event["what"] == LOOKED:
                held = {asset: total for asset, total in self.books.balances.items() if total}
                self.looks.append(Look(number, datetime.fromisoformat(event["at"]) + BLUR, held))


class PaperSaid:
    """A span of them."""

    def __init__(self, told: PaperLines, first: int, last: int) -> None:
        self._orders = told.books.orders
        self.orders: Mapping[str, str] = {
            name: "" if order.parent else str(order.instruction.id) for name, order in self._orders.items()
        }
        self.shown = {id: said for id, said in told.shown.items() if first <= _slot(said.at) <= last}
        self.trades = sorted(
            (trade for trade in told.books.trades if trade.id in self.shown), key=lambda t: (t.at, t.id)
        )
        self.movements = [
            row
            for row in told.books.movements
            if (row.reference in self.shown if row.reference else first <= _slot(row.at) <= last)
        ]
        self.looks = [look for look in told.looks if first <= _slot(look.at) <= last]

    def placed(self, order: str) -> Placed:
        of = self._orders[order]
        return Placed(self.orders[order], of.parent, of.instruction.instrument, of.placed)

    def reports(self, orders: Sequence[str]) -> Sequence[Report]:
        return [self._orders[order].report() for order in orders]

    def stop(self, report: Report) -> int:
        return self._orders[report.venue_id].instruction.stop


def growing(folder: Path, place: str = "") -> Callable[[], Iterable[Line]]:
    """Gives what was added since it was asked last: to the file in `folder`, or at gs://BUCKET/PREFIX."""
    if not place:
        return Tail(folder, PAPER_FILE).fresh
    lines, seen = BucketLines(f"{place}/{PAPER_FILE}"), 0

    def fresh() -> Iterable[Line]:
        nonlocal seen
        found = lines.all(seen)
        seen += len(found)
        return found

    return fresh


def _slot(at: datetime) -> int:
    return int(at.timestamp()) // HOUR_S
