"""Kraken's private methods, typed. Reads may be called at will; each write is sent once.

A write raises `VenueRefused` or `VenueUnavailable` if nothing happened, and `OutcomeUnknown` if it may have:
then wait past the deadline and look in open and closed orders and in the trades before concluding anything.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from pydantic import TypeAdapter

from adapters.clock import Clock
from adapters.kraken import endpoints
from adapters.kraken.caller import PATIENCE_S, Caller
from adapters.kraken.errors import KrakenUnavailable
from adapters.kraken.faults import fault
from adapters.kraken.requests import AddOrder, AmendOrder, OrderRef
from adapters.kraken.schemas_private import (
    Accepted,
    Amended,
    Balance,
    Cancelled,
    ClosedOrders,
    Fill,
    KeyInfo,
    Ledgers,
    OpenOrders,
    Order,
    Timer,
    TradeBalance,
    TradesHistory,
    TradeVolume,
)
from trading.errors import UsageError

DEADLINE_S_MIN, DEADLINE_S_MAX = 2, 60
"""Kraken takes deadlines this far ahead."""
ORDERS_MAX, TRADES_MAX = 50, 20
TIMER_S_MAX = 86_399

_BALANCES = TypeAdapter(dict[str, Balance])
_TRADE_BALANCE = TypeAdapter(TradeBalance)
_POSITIONS = TypeAdapter(dict[str, object])
_OPEN = TypeAdapter(OpenOrders)
_CLOSED = TypeAdapter(ClosedOrders)
_ORDERS = TypeAdapter(dict[str, Order])
_HISTORY = TypeAdapter(TradesHistory)
_FILLS = TypeAdapter(dict[str, Fill])
_LEDGERS = TypeAdapter(Ledgers)
_VOLUME = TypeAdapter(TradeVolume)
_KEY = TypeAdapter(KeyInfo)
_ACCEPTED = TypeAdapter(Accepted)
_AMENDED = TypeAdapter(Amended)
_CANCELLED = TypeAdapter(Cancelled)
_TIMER = TypeAdapter(Timer)


class PrivateApi:
    """What the holder of a key may ask and do."""

    def __init__(self, caller: Caller, clock: Clock) -> None:
        self._caller, self._clock = caller, clock

    def balances(self) -> dict[str, Balance]:
        """Every asset held, by asset id; assets at zero may be absent."""
        return self._caller.call(endpoints.BALANCE_EX, _BALANCES, {})

    def trade_balance(self, asset: str = "ZUSD") -> TradeBalance:
        return self._caller.call(endpoints.TRADE_BALANCE, _TRADE_BALANCE, {"asset": asset})

    def open_positions(self) -> int:
        """How many margin positions are open."""
        return len(self._caller.call(endpoints.OPEN_POSITIONS, _POSITIONS, {}))

    def open_orders(self, cl_ord_id: UUID | None = None) -> dict[str, Order]:
        """Open orders by txid, all of them or those of one id of ours."""
        fields = {"trades": "true"} | _ours(cl_ord_id)
        return self._caller.call(endpoints.OPEN_ORDERS, _OPEN, fields).orders

    def closed_orders(
        self, start: datetime, cl_ord_id: UUID | None = None, offset: int = 0
    ) -> dict[str, Order]:
        """One page of fifty orders that were opened or closed after `start`, newest first."""
        fields = {"trades": "true"} | _ours(cl_ord_id) | _page(start, offset)
        return self._caller.call(endpoints.CLOSED_ORDERS, _CLOSED, fields).orders

    def query_orders(self, txids: Sequence[str]) -> dict[str, Order]:
        """Orders by txid, their fills one by one; one that was placed a moment ago may still be missing."""
        fields = {"txid": _joined(txids, ORDERS_MAX), "trades": "true", "consolidate_taker": "false"}
        return self._caller.call(endpoints.QUERY_ORDERS, _ORDERS, fields)

    def trades_history(self, start: datetime, offset: int = 0) -> TradesHistory:
        """One page of fifty fills after `start`, each by itself, newest first."""
        fields = {"consolidate_taker": "false"} | _page(start, offset)
        return self._caller.call(endpoints.TRADES_HISTORY, _HISTORY, fields)

    def query_trades(self, txids: Sequence[str]) -> dict[str, Fill]:
        return self._caller.call(endpoints.QUERY_TRADES, _FILLS, {"txid": _joined(txids, TRADES_MAX)})

    def ledgers(self, start: datetime, offset: int = 0) -> Ledgers:
        """One page of fifty movements of money after `start`, newest first."""
        return self._caller.call(endpoints.LEDGERS, _LEDGERS, _page(start, offset))

    def trade_volume(self, pairs: Sequence[str]) -> TradeVolume:
        """What this account pays in fees; only the pairs that are named have any."""
        return self._caller.call(endpoints.TRADE_VOLUME, _VOLUME, {"pair": ",".join(pairs)})

    def key_info(self) -> KeyInfo:
        return self._caller.call(endpoints.GET_API_KEY_INFO, _KEY, {})

    def add_order(self, order: AddOrder) -> Accepted:
        """Place an order: accepted means neither filled nor resting."""
        patience_s = self._until(order.deadline)
        return self._caller.call(endpoints.ADD_ORDER, _ACCEPTED, order.form(), order.charge, patience_s)

    def amend_order(self, amendment: AmendOrder) -> Amended:
        form, patience_s = amendment.form(), self._until(amendment.deadline)
        return self._caller.call(endpoints.AMEND_ORDER, _AMENDED, form, amendment.charge, patience_s)

    def cancel_order(self, order: OrderRef) -> Cancelled:
        """Cancel; a fill may still come first, so ask for the order again before booking anything."""
        return self._caller.call(endpoints.CANCEL_ORDER, _CANCELLED, order.form(), order.cancel_charge)

    def cancel_all(self) -> Cancelled:
        return self._caller.call(endpoints.CANCEL_ALL, _CANCELLED, {})

    def cancel_all_orders_after(self, seconds: int) -> Timer:
        """Arm the dead man's switch, or disarm it by 0. Once it fires protective stops are gone too."""
        if not 0 <= seconds <= TIMER_S_MAX:
            raise UsageError(f"{seconds} s is no time for the switch; choose 0 to {TIMER_S_MAX}")
        return self._caller.call(endpoints.CANCEL_ALL_ORDERS_AFTER, _TIMER, {"timeout": str(seconds)})

    def _until(self, deadline: datetime) -> float:
        """How long an order may wait here; too late raises before anything is sent."""
        left_s = (deadline - self._clock.now()).total_seconds()
        if left_s > DEADLINE_S_MAX:
            raise UsageError(f"the deadline is {left_s:.0f} s ahead; Kraken takes at most {DEADLINE_S_MAX}")
        if left_s < DEADLINE_S_MIN:
            raise KrakenUnavailable(fault(f"own pace: the deadline {deadline.isoformat()} is too near"))
        return min(left_s - DEADLINE_S_MIN, PATIENCE_S)


def _ours(cl_ord_id: UUID | None) -> dict[str, str]:
    return {"cl_ord_id": str(cl_ord_id)} if cl_ord_id else {}


def _page(start: datetime, offset: int) -> dict[str, str]:
    return {"start": str(int(start.timestamp())), "ofs": str(offset)}


def _joined(txids: Sequence[str], most: int) -> str:
    if not 0 < len(txids) <= most:
        raise UsageError(f"{len(txids)} ids; ask for 1 to {most} at a time")
    return ",".join(txids)
