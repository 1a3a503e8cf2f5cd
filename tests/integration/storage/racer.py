"""One of two processes that race for the same rows; prints what it got, one JSON line.

python racer.py URL NAME PORTFOLIO COUNT
"""

import json
import sys
from datetime import timedelta
from uuid import UUID

from adapters.storage.base import PortfolioKey
from adapters.storage.decisions import Decisions
from adapters.storage.engine import connect, unit_of_work
from adapters.storage.journal import Journal
from adapters.storage.order_book import OrderBook
from tests.stored import NOW, approval_of, decision_of
from trading.errors import InvariantError
from trading.execution.orders import Event, What
from trading.execution.protocol import Trade
from trading.instruments import Instrument
from trading.ledger.entries import fill_entry

BTC = Instrument("BTC/USD", 10_000_000, 8, 5_000, 50_000_000)


def race(url: str, name: str, portfolio: str, order_id: UUID, count: int) -> dict[str, object]:
    """Decide the same hours and record the same fills as the other one, each step a unit of work."""
    engine, key = connect(url), PortfolioKey("paper-a", portfolio)
    decided, first, posted, lost = [], 0, 0, 0
    for n in range(1, count + 1):
        asof = NOW + timedelta(hours=n)
        with unit_of_work(engine, key) as session:
            mine = decision_of(key, json.dumps([name, n]), asof=asof)
            decided.append(Decisions(session, key).store(mine, [approval_of(key, asof=asof)]).document)
        trade = Trade(f"T{n}", "O1", "BTC/USD", 2, 600_000, 12, 1, True, NOW)
        try:
            with unit_of_work(engine, key) as session:
                book = OrderBook(session, key)
                order = book.load(order_id)
                assert order is not None
                if all(known.id != trade.id for known in order.trades):
                    book.append(order, Event(What.TRADED, NOW, trade=trade))
                    first += 1
                entry = fill_entry(trade.id, NOW, BTC, 2, 12, 1, -13)
                posted += Journal(session, key).post(entry)
        except InvariantError:
            lost += 1
    return {"decided": decided, "first": first, "posted": posted, "lost": lost}


if __name__ == "__main__":
    address, who, where, id, rounds = sys.argv[1:]
    sys.stdout.write(json.dumps(race(address, who, where, UUID(id), int(rounds))) + "\n")
