"""What the venue keeps: orders, the trades that filled them, and the ledger of balances and holds. Integers
only.

A quantity is in lots, a price in ticks, quote money in 1e-8; a base balance is counted in lots.
"""

from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple

from simulator.catalogue import Pair
from trading.config import TradingConfig
from trading.errors import InvariantError
from trading.money import PPM, fee
from trading.portfolio import Terms, value_at

SYMBOLS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
HOLD_MARGIN = 2_000
"""Held on top of a buy: rounding of two units a fill, at most one fill an hour, at most a month of hours."""
LIMIT, MARKET, STOP = "limit", "market", "stop-loss"


@dataclass(slots=True)
class Order:
    """One order and its life so far."""

    txid: str
    pair: Pair
    a: int
    """Column of the tape."""
    buys: bool
    kind: str
    lots: int
    price: int
    """Limit or trigger in ticks; 0 for market."""
    opened_ns: int
    post: bool = False
    immediate: str = ""
    """IOC or FOK; empty for an order that may rest."""
    expires_ns: int = 0
    close: int = 0
    """Trigger of the stop that every fill brings along; 0 for none."""
    cl_ord_id: str | None = None
    userref: int | None = None
    refid: str | None = None
    share_ppm: int = PPM
    """Largest share of the remainder that one match may fill; less than all only by a fault."""
    pending_until_ns: int = 0
    status: str = "open"
    reason: str | None = None
    closed_ns: int = 0
    filled: int = 0
    value: int = 0
    fee: int = 0
    amended: bool = False
    trades: list[str] = field(default_factory=list)

    @property
    def left(self) -> int:
        return self.lots - self.filled

    @property
    def live(self) -> bool:
        return self.status == "open"

    def hold(self, terms: Terms, config: TradingConfig) -> int:
        """What the order keeps from being spent otherwise: lots of a sell, quote money with fee of a buy."""
        if not self.live or self.kind == MARKET:
            return 0
        if not self.buys:
            return self.left
        value = value_at(self.price, self.left, terms)
        return value + fee(value, max(config.fees.taker_ppm, config.fees.maker_ppm)) + HOLD_MARGIN


class Trade(NamedTuple):
    """One fill of one order."""

    txid: str
    order: Order
    time_ns: int
    lots: int
    ticks: int
    value: int
    fee: int
    maker: bool
    kind: int
    """`trading.codes.FILL_KINDS`."""
    number: int
    ledgers: tuple[str, str]


class Entry(NamedTuple):
    """One line of the ledger: the balance after it is the one before plus amount less fee."""

    id: str
    refid: str
    time_ns: int
    kind: str
    """deposit, withdrawal or trade."""
    asset: str
    amount: int
    fee: int
    balance: int


class Ledger:
    """Balances by asset name; every change is an entry."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.balances: dict[str, int] = {}

    def post(
        self, id: str, refid: str, time_ns: int, kind: str, asset: str, amount: int, fee: int = 0
    ) -> str:
        """Append an entry and return its id; a balance below zero is an `InvariantError`."""
        balance = self.balances.get(asset, 0) + amount - fee
        if balance < 0:
            raise InvariantError(f"{kind} {refid} would leave {balance} of {asset}")
        self.balances[asset] = balance
        self.entries.append(Entry(id, refid, time_ns, kind, asset, amount, fee, balance))
        return id

    def at(self, time_ns: int) -> dict[str, int]:
        """Balances as they were at a time."""
        return {entry.asset: entry.balance for entry in self.entries if entry.time_ns <= time_ns}


class Ids:
    """Ids in Kraken's shape, O5ABCD-EFGHI-JKLMNO, drawn from a seed."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)  # noqa: S311

    def draw(self, kind: str) -> str:
        """An id that starts with `kind`: O an order, T a trade, L a ledger entry."""
        letters = kind + "".join(self._random.choices(SYMBOLS, k=16))
        return f"{letters[:6]}-{letters[6:11]}-{letters[11:]}"
