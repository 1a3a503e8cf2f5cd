"""What a portfolio's hours came to, without the names that attempts leave behind: to compare two lives."""

from typing import Any, NamedTuple

from sqlalchemy import Engine, and_, select

from adapters.storage.base import PortfolioKey
from adapters.storage.engine import reading
from adapters.storage.journal import EntryRow, PostingRow
from adapters.storage.lived import lived
from adapters.storage.orders import OrderRow
from trading.live.record import Record, difference

AT_VENUE = ("working", "filled", "cancelled", "expired")


class Written(NamedTuple):
    """Ids and numbers of orders are left out, and orders that never reached the venue: a recovery may need
    another attempt.
    """

    record: Record
    orders: list[tuple[Any, ...]]
    """asof, instrument, kind, lots, price, stop, state."""
    postings: list[tuple[Any, ...]]
    """Every side of every entry of the journal: time, account, asset, amount."""


def written(engine: Engine, key: PortfolioKey) -> Written:
    """What the database holds of a portfolio."""
    order = (OrderRow.asof, OrderRow.instrument, OrderRow.kind, OrderRow.lots, OrderRow.price, OrderRow.stop)
    mine = (OrderRow.track == key.track, OrderRow.portfolio == key.portfolio)
    same = (EntryRow.track == PostingRow.track, EntryRow.portfolio == PostingRow.portfolio)
    side = (EntryRow.at, PostingRow.account, PostingRow.asset, PostingRow.amount)
    with reading(engine) as session:
        orders = session.execute(select(*order, OrderRow.state).where(*mine, OrderRow.state.in_(AT_VENUE)))
        postings = session.execute(
            select(*side)
            .join(PostingRow, and_(*same, EntryRow.entry == PostingRow.entry))
            .where(EntryRow.track == key.track, EntryRow.portfolio == key.portfolio)
        )
        rows = sorted(tuple(row) for row in orders), sorted(tuple(row) for row in postings)
    return Written(lived(engine, key), *rows)


def check_same(undisturbed: Written, disturbed: Written) -> None:
    """Fail at the first difference."""
    assert difference(undisturbed.record, disturbed.record) is None
    assert undisturbed.orders == disturbed.orders
    assert undisturbed.postings == disturbed.postings
