"""One entry of the double-entry journal at a time: what a fill, a flow or a correction does to the accounts.

The accounts and their signs are those of `trading.ledger.journal`, which posts a whole run at once. Money
that comes or goes other than by a trade stands in an account of its own, so that none looks like profit.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from trading.errors import InvariantError
from trading.instruments import Instrument
from trading.ledger.journal import CASH, DEPOSITS, DUST, EXCHANGE, FEES, POSITION, WITHDRAWALS
from trading.ledger.statement import HOLDINGS
from trading.portfolio import Terms, value_at

REWARDS = "rewards"
ADJUSTMENTS = "adjustments"
"""What an operator has looked at and accepted, such as a manual trade."""
ROUNDING = "rounding"
"""Between the venue's own ledger amount and value plus fee."""

OPENING = "opening"
"""Name of the entry that a real account begins with; no venue's id has it."""

ACCOUNTS = (*HOLDINGS, EXCHANGE, FEES, DEPOSITS, WITHDRAWALS, REWARDS, ADJUSTMENTS, ROUNDING)
EXTERNAL = (DEPOSITS, WITHDRAWALS, REWARDS, ADJUSTMENTS)


class Posting(NamedTuple):
    """One side of an entry: lots of a base asset, 1e-8 of the quote currency."""

    account: str
    asset: str
    amount: int


@dataclass(frozen=True, slots=True)
class Entry:
    """Postings that add up to zero in each asset; one that does not is an `InvariantError` when made."""

    name: str
    """What happened, named by whoever saw it: the venue's trade or ledger id."""
    time: datetime
    postings: tuple[Posting, ...]

    def __post_init__(self) -> None:
        by_asset: Counter[str] = Counter()
        for posting in self.postings:
            by_asset[posting.asset] += posting.amount
        sides = {(posting.account, posting.asset) for posting in self.postings}
        if not sides or any(by_asset.values()) or len(sides) < len(self.postings):
            raise InvariantError(f"entry {self.name!r} does not balance: {self.postings}")


def fill_entry(
    name: str, time: datetime, instrument: Instrument, lots: int, value: int, fee: int, booked: int
) -> Entry:
    """A trade: `value` and `fee` as the venue reports them, `booked` what its ledger did to our cash."""
    money, base = instrument.quote, instrument.base
    traded = -value if lots > 0 else value
    legs = (
        Posting(CASH, money, booked),
        Posting(EXCHANGE, money, -traded),
        Posting(FEES, money, fee),
        Posting(ROUNDING, money, traded - fee - booked),
        Posting(POSITION, base, lots),
        Posting(EXCHANGE, base, -lots),
    )
    return Entry(name, time, _moved(legs))


def flow_entry(name: str, time: datetime, account: str, holding: str, asset: str, amount: int) -> Entry:
    """`amount` (> 0 comes in) of an asset in `holding` that no trade explains, against one of `EXTERNAL`."""
    if account not in EXTERNAL or holding not in HOLDINGS:
        raise InvariantError(f"{name!r} cannot move {asset} from {account} to {holding}")
    return Entry(name, time, _moved((Posting(holding, asset, amount), Posting(account, asset, -amount))))


def is_flow(entry: Entry) -> bool:
    """Something came in or went out that no trade explains."""
    return any(posting.account in EXTERNAL for posting in entry.postings)


def opening_entry(time: datetime, quote: str, held: Mapping[str, int]) -> Entry:
    """What an account held by asset when its portfolio was opened: money is cash, coins are dust."""
    legs = [
        Posting(account, asset, amount if account != DEPOSITS else -amount)
        for asset, amount in sorted(held.items())
        for account in (CASH if asset == quote else DUST, DEPOSITS)
    ]
    return Entry(OPENING, time, _moved(legs))


def dust_entry(name: str, time: datetime, asset: str, lots: int) -> Entry:
    """Lots that became too few to trade; < 0 when a position takes its dust along."""
    return Entry(name, time, _moved((Posting(POSITION, asset, -lots), Posting(DUST, asset, lots))))


def holdings(balances: Mapping[tuple[str, str], int]) -> dict[str, int]:
    """What is ours of each asset, out of the balances of (account, asset): what a venue must show too."""
    ours: Counter[str] = Counter()
    for (account, asset), amount in balances.items():
        if account in HOLDINGS:
            ours[asset] += amount
    return {asset: amount for asset, amount in ours.items() if amount}


def equity(
    balances: Mapping[tuple[str, str], int], marks: Mapping[str, int], instruments: Sequence[Instrument]
) -> int:
    """Cash and holdings at their marks (ticks by instrument), 1e-8 quote; a holding without a mark is an
    `InvariantError`.
    """
    held = holdings(balances)
    total = held.pop(instruments[0].quote, 0)
    for instrument in instruments:
        lots = held.pop(instrument.base, 0)
        if lots and instrument.name not in marks:
            raise InvariantError(f"{lots} lots of {instrument.name} are held and have no mark")
        total += value_at(marks[instrument.name], lots, Terms.of(instrument)) if lots else 0
    if held:
        raise InvariantError(f"no instrument values what is held of {', '.join(sorted(held))}")
    return total


def _moved(legs: Sequence[Posting]) -> tuple[Posting, ...]:
    return tuple(leg for leg in legs if leg.amount)
