"""Kraken as the `Venue` that order procedures speak to: integers there, Kraken's decimals and names here.

1. The time is Kraken's own, measured against this computer's clock now and then. Deadlines rest on it.
2. An order is sent once and never repeated here. That an id is taken already proves that the order exists,
   so that refusal too is an unknown outcome: look.
3. An order's trades are read one by one, never merged, and an order is told only with what it shows itself;
   a trade that names an order which Kraken does not show yet is an answer that is not whole.
4. What is on no grid of ours is a `DataError`, never rounded into something that fits.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import ROUND_FLOOR, Decimal, InvalidOperation
from functools import cached_property
from typing import Literal
from uuid import UUID

from adapters.clock import Clock
from adapters.importing import names
from adapters.kraken import schemas_private as kraken
from adapters.kraken.catalogue import Catalogue
from adapters.kraken.errors import KrakenRefused
from adapters.kraken.private import ORDERS_MAX, TRADES_MAX, PrivateApi
from adapters.kraken.public import PublicApi
from adapters.kraken.requests import AddOrder, OrderRef
from adapters.kraken.timekeeping import KrakenTime
from trading.errors import DataError, OutcomeUnknown, UsageError, VenueUnavailable
from trading.execution.protocol import Holding, Instruction, Kind, Move, Movement, Report, Status, Trade
from trading.instruments import Instrument, cash

PAGE = 50
PAGES_MAX = 1_000
TAKEN = "EGeneral:Invalid arguments:cl_ord_id not unique"

TO_KRAKEN: dict[Kind, Literal["limit", "market", "stop-loss"]] = {
    Kind.LIMIT: "limit",
    Kind.MARKET: "market",
    Kind.STOP: "stop-loss",
}
FROM_KRAKEN: dict[str, str] = {theirs: kind for kind, theirs in TO_KRAKEN.items()}
REWARD_TYPES = ("staking", "reward", "dividend")
STATUSES = {
    "pending": Status.OPEN,
    "open": Status.OPEN,
    "closed": Status.FILLED,
    "canceled": Status.CANCELLED,
    "expired": Status.EXPIRED,
}


class KrakenVenue:
    """One account at Kraken, or at a simulator that speaks Kraken's protocol."""

    def __init__(self, public: PublicApi, private: PrivateApi, catalogue: Catalogue, clock: Clock) -> None:
        self._public, self._private, self._catalogue, self._clock = public, private, catalogue, clock
        self._time = KrakenTime(public, clock)

    def now(self) -> datetime:
        """Kraken's time, known to about a second; raises only if it was never measured."""
        return self._time.now()

    def wait(self, until: datetime) -> None:
        self._time.wait(until)

    def submit(self, instruction: Instruction, deadline: datetime) -> str:
        try:
            accepted = self._private.add_order(self._request(instruction, deadline))
        except KrakenRefused as error:
            if error.fault.row.text == TAKEN:
                raise OutcomeUnknown(str(error)) from error
            raise
        return accepted.txid[0]

    def _request(self, instruction: Instruction, deadline: datetime) -> AddOrder:
        grid = self._catalogue.instrument(instruction.instrument)
        return AddOrder(
            pair=self._catalogue.id(instruction.instrument),
            side="buy" if instruction.lots > 0 else "sell",
            kind=TO_KRAKEN[instruction.kind],
            volume=grid.quantity(abs(instruction.lots)),
            price=None if instruction.kind is Kind.MARKET else grid.price(instruction.price),
            cl_ord_id=instruction.id,
            deadline=deadline,
            expires=instruction.expires,
            stop=grid.price(instruction.stop) if instruction.stop else None,
        )

    def cancel(self, venue_id: str, instrument: str) -> None:
        self._private.cancel_order(OrderRef(pair=self._catalogue.id(instrument), txid=venue_id))

    def find(self, id: UUID, since: datetime) -> Report | None:
        rows = self._private.open_orders(id)
        rows = rows or self._private.closed_orders(since, id)
        return self._only(id, rows)

    def find_traded(self, id: UUID, instrument: str, since: datetime) -> Report | None:
        txids = {t.order for t in self.trades(since) if t.instrument == instrument}
        return self._only(id, self._rows(sorted(txids)))

    def _only(self, id: UUID, rows: Mapping[str, kraken.Order]) -> Report | None:
        """The one order of an id of ours; two would mean that an id was sent twice."""
        ours = {txid: row for txid, row in rows.items() if row.cl_ord_id == str(id)}
        if len(ours) > 1:
            raise DataError(f"{', '.join(ours)} all carry {id}; look at the account")
        return next(iter(self._told(ours)), None)

    def report(self, venue_id: str) -> Report | None:
        rows = self._private.query_orders([venue_id])
        return next(iter(self._told({venue_id: rows[venue_id]})), None) if venue_id in rows else None

    def open_orders(self) -> Sequence[Report]:
        return self._told(self._private.open_orders())

    def reports(self, venue_ids: Sequence[str]) -> Sequence[Report]:
        """Several orders at once; raises `VenueUnavailable` if one of them is not shown."""
        return self._told(self._rows(venue_ids))

    def _rows(self, txids: Sequence[str]) -> dict[str, kraken.Order]:
        rows: dict[str, kraken.Order] = {}
        for some in _chunks(txids, ORDERS_MAX):
            rows |= self._private.query_orders(some)
        missing = sorted(set(txids) - set(rows))
        if missing:
            raise VenueUnavailable(f"Kraken does not show {', '.join(missing)} yet; ask again")
        return rows

    def _told(self, rows: Mapping[str, kraken.Order]) -> list[Report]:
        """Orders as reports, each with its trades."""
        # Only QueryOrders lists trades that are not merged.
        traded = [txid for txid, row in rows.items() if row.vol_exec > 0]
        fresh = dict(rows) | self._rows(traded)
        fills: dict[str, kraken.Fill] = {}
        for some in _chunks([id for txid in traded for id in fresh[txid].trades], TRADES_MAX):
            fills |= self._private.query_trades(some)
        return [self._report(txid, row, fills) for txid, row in fresh.items()]

    def _report(self, txid: str, row: kraken.Order, fills: Mapping[str, kraken.Fill]) -> Report:
        name = self._catalogue.name(row.descr.pair)
        grid, sign = self._catalogue.instrument(name), _sign(row.descr.side)
        kind = FROM_KRAKEN.get(row.descr.kind, row.descr.kind)
        return Report(
            venue_id=txid,
            id=_our_id(row.cl_ord_id),
            parent=row.refid or "",
            instrument=name,
            kind=kind,
            lots=sign * grid.lots(row.vol),
            price=0 if kind == Kind.MARKET else _told_price(grid, row.descr.price),
            status=STATUSES[row.status],
            filled=sign * grid.lots(row.vol_exec),
            trades=tuple(self._trade(id, fills[id]) for id in row.trades if id in fills),
        )

    def _trade(self, id: str, fill: kraken.Fill) -> Trade:
        name = self._catalogue.name(fill.pair)
        grid = self._catalogue.instrument(name)
        return Trade(
            id=id,
            order=fill.ordertxid,
            instrument=name,
            lots=_sign(fill.side) * grid.lots(fill.vol),
            ticks=_ticks(grid, fill.price),
            value=cash(fill.cost),
            fee=cash(fill.fee),
            maker=bool(fill.maker),
            at=datetime.fromtimestamp(float(fill.time), UTC),
        )

    def trades(self, since: datetime) -> Sequence[Trade]:
        fills: dict[str, kraken.Fill] = {}
        for page in range(PAGES_MAX):
            found = self._private.trades_history(since, page * PAGE).trades
            fills |= found
            if len(found) < PAGE:
                break
        else:
            raise DataError(f"more than {PAGE * PAGES_MAX} trades since {since}; ask for less")
        return sorted((self._trade(id, fill) for id, fill in fills.items()), key=lambda t: (t.at, t.id))

    def movements(self, since: datetime) -> Sequence[Movement]:
        rows: dict[str, kraken.LedgerEntry] = {}
        for page in range(PAGES_MAX):
            found = self._private.ledgers(since, page * PAGE).ledger
            rows |= found
            if len(found) < PAGE:
                break
        else:
            raise DataError(f"more than {PAGE * PAGES_MAX} movements since {since}; ask for less")
        return sorted((self._movement(id, row) for id, row in rows.items()), key=lambda m: (m.at, m.id))

    def _movement(self, id: str, row: kraken.LedgerEntry) -> Movement:
        asset = names.asset(row.asset)
        before = row.balance - (row.amount - row.fee)
        # By what the balance was rounded down to, so that all movements sum to the balance that is shown.
        amount = self._units(asset, row.balance) - self._units(asset, before)
        at = datetime.fromtimestamp(float(row.time), UTC)
        return Movement(id, _move(row), row.refid, at, asset, amount)

    def balances(self) -> Mapping[str, Holding]:
        """Lots of the assets that can be traded, 1e-8 of every other, both rounded down."""
        held = {}
        for id, row in self._private.balances().items():
            asset = names.asset(id)
            held[asset] = Holding(self._units(asset, row.balance), self._units(asset, row.available))
        return held

    def _units(self, asset: str, quantity: Decimal) -> int:
        return int(quantity.scaleb(self._decimals.get(asset, 8)).to_integral_value(ROUND_FLOOR))

    @cached_property
    def _decimals(self) -> dict[str, int]:
        """Of a lot of every asset that can be traded."""
        grids = [self._catalogue.instrument(name) for name in self._catalogue.names()]
        return {grid.base: grid.lot_decimals for grid in reversed(grids)}

    def touch(self, instrument: str) -> tuple[int, int]:
        grid = self._catalogue.instrument(instrument)
        ticker = next(iter(self._public.tickers(self._catalogue.id(instrument)).values()))
        return _ticks(grid, ticker.bid), _ticks(grid, ticker.ask)


def _move(row: kraken.LedgerEntry) -> Move:
    """Rewards come under several names; what moves coins between wallets of one account is none of them."""
    if row.type in REWARD_TYPES or (row.type == "earn" and row.subtype == "reward"):
        return Move.REWARD
    return Move(row.type) if row.type in set(Move) else Move.OTHER


def _told_price(grid: Instrument, text: str) -> int:
    """An order's price in ticks; 0 for one that no order of ours can have, such as a percentage."""
    try:
        return grid.ticks(Decimal(text))
    except (UsageError, InvalidOperation):
        return 0


def _ticks(grid: Instrument, price: Decimal) -> int:
    try:
        return grid.ticks(price)
    except UsageError as error:
        raise DataError(f"Kraken gave a price off its own grid: {error}") from error


def _sign(side: str) -> int:
    return 1 if side == "buy" else -1


def _our_id(text: str | None) -> UUID | None:
    """An id as we write them; text in any other form is somebody else's."""
    try:
        return UUID(text) if text else None
    except ValueError:
        return None


def _chunks(ids: Iterable[str], most: int) -> Iterable[list[str]]:
    """Ids in pieces of at most `most`, each once."""
    unique = list(dict.fromkeys(ids))
    return (unique[i : i + most] for i in range(0, len(unique), most))
