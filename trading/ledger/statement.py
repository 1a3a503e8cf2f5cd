"""The fold of a journal: what each account holds of each asset, and whether that is what we think we hold."""

from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

from trading.errors import InvariantError
from trading.instruments import Instrument
from trading.ledger.journal import CASH, DUST, POSITION, Journal
from trading.portfolio import PortfolioState

HOLDINGS = (CASH, POSITION, DUST)
"""The accounts of what is ours; the others are the other side."""


class Closing(NamedTuple):
    """How a run ended: our state, and the venue's own books of cash and lots."""

    state: PortfolioState
    venue_cash: int
    venue_lots: Sequence[int]


def statement(journal: Journal) -> pl.DataFrame:
    """The balance of every account and asset that is not empty, sorted: account, asset, amount."""
    sums = journal.postings.group_by("account", "asset").agg(pl.col("amount").sum())
    return sums.filter(pl.col("amount") != 0).sort("account", "asset")


def prove(journal: Journal, closing: Closing, instruments: Sequence[Instrument]) -> None:
    """Refuse a journal that does not fold to what we and the venue hold, to the lot and the last 1e-8."""
    state, quote = closing.state, instruments[0].quote
    ours = {(CASH, quote): state.account.cash}
    for instrument, position in zip(instruments, state.positions, strict=True):
        ours |= {(POSITION, instrument.base): position.lots, (DUST, instrument.base): position.dust}
    posted = {(account, asset): amount for account, asset, amount in statement(journal).iter_rows()}
    for account, asset in sorted(ours.keys() | posted.keys()):
        said, held = posted.get((account, asset), 0), ours.get((account, asset), 0)
        if account in HOLDINGS and said != held:
            raise InvariantError(f"the journal has {said} of {asset} in {account}, we hold {held}")
    lots = [position.lots + position.dust for position in state.positions]
    if closing.venue_cash != state.account.cash or list(closing.venue_lots) != lots:
        raise InvariantError("the venue's books and ours differ at the end of the run")
