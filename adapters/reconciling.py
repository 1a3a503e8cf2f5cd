"""Our books against the venue's, after every hour and first thing after a start: one function for both.

1. Orders are brought up to what the account shows, strange ones stored as findings.
2. Fills and flows are posted with the amounts of the venue's own ledger.
3. Every balance is compared, to the last lot and the last 1e-8. Ledgers and balances lag behind trades, so a
   difference is looked at again before it is believed; what is believed is stored, and keeps entries out
   until a later comparison explains it.

What is posted is named by the venue, so begun anew after a crash nothing is posted twice.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Engine

from adapters.execution import Hands, sweep
from adapters.storage.base import PortfolioKey
from adapters.storage.engine import reading, unit_of_work
from adapters.storage.journal import Journal
from adapters.storage.order_book import OrderBook
from adapters.storage.reconciliations import Reconciliations
from trading.execution.findings import Census, unexplained
from trading.execution.protocol import Account
from trading.instruments import Instrument
from trading.ledger.entries import holdings
from trading.ledger.posting import post

LOOKS, LOOK_GAP = 3, timedelta(seconds=5)
OVERLAP = timedelta(minutes=10)
"""How far the search goes back behind what is known: rows may come late."""


class Ours(NamedTuple):
    """Where a portfolio's books are kept, and what they are counted in."""

    engine: Engine
    key: PortfolioKey
    quote: str
    instruments: Mapping[str, Instrument]
    """Every instrument that orders of ours may be in, by name."""


class Reconciled(NamedTuple):
    """What a comparison came to."""

    census: Census
    waiting: tuple[str, ...]
    """Trades that the venue's ledger does not show yet."""
    unexplained: dict[str, int]
    """By asset; anything in it keeps entries out."""


def reconcile(account: Account, hands: Hands, books: Ours, since: datetime) -> Reconciled:
    """Compare with all that moved after `since`; see `since_last`. Reads that fail raise, to be begun anew.

    `account` is the venue of `hands`.
    """
    for look in range(LOOKS):
        if look:
            account.wait(account.now() + LOOK_GAP)
        census = sweep(books.key.track, hands, since)
        waiting = _post(account, books, census, since)
        held = {asset: holding.total for asset, holding in account.balances().items() if holding.total}
        with reading(books.engine) as session:
            booked = holdings(Journal(session, books.key).balances())
        if not waiting and not unexplained(held, booked):
            break
    at = account.now()
    with unit_of_work(books.engine, books.key) as session:
        left = Reconciliations(session, books.key).store(at, held, booked)
    return Reconciled(census, waiting, left)


def since_last(books: Ours, opened: datetime) -> datetime:
    """From when on to compare: the last comparison or the oldest fill without an entry, less an overlap;
    `opened`, when the portfolio began, before the first.
    """
    with reading(books.engine) as session:
        last = Reconciliations(session, books.key).latest()
        unposted = OrderBook(session, books.key).unposted()
    known = [last[0]] if last else [opened]
    return min(known + [trade.at for trade in unposted]) - OVERLAP


def _post(account: Account, books: Ours, census: Census, since: datetime) -> tuple[str, ...]:
    """Store findings, post fills and flows; returns the trades that have to wait."""
    movements = account.movements(since)
    with reading(books.engine) as session:
        trades = OrderBook(session, books.key).unposted()
    if not (trades or movements or census.findings):
        return ()
    with unit_of_work(books.engine, books.key) as session:
        trades = OrderBook(session, books.key).unposted()
        posted = post(books.key.track, trades, movements, books.instruments, books.quote)
        journal, found = Journal(session, books.key), Reconciliations(session, books.key)
        for entry in posted.entries:
            journal.post(entry)
        for finding in (*census.findings, *posted.findings):
            found.report(finding, account.now())
    return posted.waiting
